"""The lone liar."""

import pytest

from protocol.swim.local import LocalMember
from protocol.swim.settings import Settings
from protocol.wire.message import Ack, Claim, Nack, Packet, Ping, PingReq, StreamPong, SyncClaims
from simulations.attack.liar import Liar
from tests.simulations.attack.arena import Arena


def test_liar_accuses_all_and_ends_nobody() -> None:
    """Everybody is suspected again and again, and everybody refutes."""
    arena = Arena("liar")
    attacker = arena.attack(20.0, 60.0)
    assert attacker.told["accusations"] >= 2_000
    assert arena.gauge.suspicions >= 100
    assert arena.gauge.harms == []


def test_liar_ends_members_that_neither_refute_nor_are_asked_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two guards together are what stands between it and the living."""
    monkeypatch.setattr(LocalMember, "_refute", lambda local, now: False)
    arena = Arena("liar", settings=Settings.lan(second_look=False))
    arena.attack(10.0, 60.0)
    assert any("though it runs" in harm for harm in arena.gauge.harms)


def test_liar_answers_for_others_falsely() -> None:
    """Nack for a member that lives, ack for one that is dead; other messages reach its engine."""
    arena = Arena("liar")
    liar = arena.begin(5.0, 0.0)
    assert isinstance(liar, Liar)
    asker, living, dead = arena.nodes[1:4]
    arena.world.crash(dead)
    packet = Packet((PingReq(7, living.id, 500), Ping(8), PingReq(9, dead.id, 500)))
    heard, (answer,) = liar.hear(0.0, asker.id, packet)
    assert heard.messages == (Ping(8),)
    first, second = answer.packet.messages  # type: ignore[union-attr]
    assert first == Nack(7)
    assert isinstance(second, Ack)
    assert second.number == 9


def test_liar_passes_on_nothing_and_shows_wrong_hashes() -> None:
    """Its acks differ from its view, and of claims only its own words leave it."""
    arena = Arena("liar")
    liar = arena.begin(5.0, 0.0)
    assert isinstance(liar, Liar)
    records = [node.engine.local.record for node in arena.nodes[:2]]
    claims = tuple(Claim(record) for record in records)
    root = arena.nodes[0].engine.membership.hash.root
    bent = [liar._bend_said(said) for said in (StreamPong(1, root), SyncClaims(claims, (), (), last=True))]
    assert isinstance(bent[0], StreamPong)
    assert bent[0].view_hash != root
    assert isinstance(bent[1], SyncClaims)
    assert bent[1].claims == claims[:1]
    assert len(bent[1].forgotten) == len(arena.nodes) - 1
