"""Statements that nobody signed, or that nobody may make: what holders of the cluster key can do to others."""

import os
import socket
import time
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from node.new_key_file import write_key_file
from protocol.refusal import Refusal
from protocol.security.handshake_failure import HandshakeRefused
from protocol.security.key_file import encode_key_file
from protocol.security.keyring import Keyring
from protocol.ulid import ClusterId, MemberId, parse_ulid
from protocol.wire.message import Claim, Ping
from protocol.wire.statement import decode_statement
from tests.attack.insider import Insider
from tests.end_to_end.agent_process import AgentProcess, hold_for, wait_until
from tests.end_to_end.cluster import Cluster

pytestmark = pytest.mark.end_to_end


def _facts(agent: AgentProcess, name: str) -> tuple[MemberId, int]:
    """Give id and incarnation of a member, as an agent holds it."""
    row = agent.rows()[name]
    return MemberId(parse_ulid(row["id"])), int(row["incarnation"])


def test_stranger_with_another_key_is_not_heard(three: Cluster, tmp_path: Path) -> None:
    """Datagrams under another key are dropped as such, and its stream is told why, and nothing else."""
    other_key = tmp_path / "other.key"
    write_key_file(other_key)
    stranger = Insider(three.seed, other_key, "stranger")
    before = three.seed.drops("unknown_key")
    stranger.send(stranger.seal(Ping(1)))
    wait_until("the drop is counted", lambda: three.seed.drops("unknown_key") > before)
    with pytest.raises(HandshakeRefused) as refused:
        stranger.shake_hands()
    assert refused.value.reason is Refusal.UNKNOWN_KEY
    assert "stranger" not in three.seed.statuses()
    stranger.close()


def test_member_of_another_cluster_is_not_heard(three: Cluster, tmp_path: Path) -> None:
    """The same key under another cluster id opens nothing: neither datagrams nor streams."""
    held = Insider(three.seed, three.key_file).keyring
    keys = [(key.stamp, held.key_for(key.key_id) or b"") for key in held.listing()]
    other_key = tmp_path / "other.key"
    other_id = ClusterId(bytes(reversed(held.cluster_id)))
    other_key.write_text(encode_key_file(Keyring.from_keys(other_id, keys, 0, held.primary_stamp)))
    foreigner = Insider(three.seed, other_key, "foreigner")
    before = three.seed.drops("not_opened")
    foreigner.send(foreigner.seal(Ping(1)))
    wait_until("the drop is counted", lambda: three.seed.drops("not_opened") > before)
    with pytest.raises(HandshakeRefused) as refused:
        foreigner.shake_hands()
    assert refused.value.reason is Refusal.CLUSTER_MISMATCH
    assert "foreigner" not in three.seed.statuses()
    foreigner.close()


def test_replayed_datagram_is_dropped(three: Cluster, insider: Insider) -> None:
    """A datagram heard before is dropped and counted, also when it comes from another address."""
    datagram = insider.seal(Ping(7))
    insider.send(datagram)
    before = three.seed.drops("replayed")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        for _ in range(20):
            insider.send(datagram)
            other.sendto(datagram, insider.target_address)
    wait_until("all are counted", lambda: three.seed.drops("replayed") >= before + 40)


def test_forged_goodbye_of_another_mutes_its_sender(three: Cluster, insider: Insider) -> None:
    """A goodbye in n2's name that n2 did not sign changes nothing, and its sender is not heard for a minute."""
    victim, incarnation = _facts(three.seed, "n2")
    row = three.seed.rows()["n2"]
    forged = insider.compose(
        id=victim, public_key=b64decode(row["public_key"]), name="n2", incarnation=incarnation + 1, goodbye=True
    )
    _assert_muted_for(three, insider, Claim(forged))
    assert _facts(three.seed, "n2") == (victim, incarnation)


def test_forged_higher_incarnation_of_another_mutes_its_sender(three: Cluster, insider: Insider) -> None:
    """A record of n2 at a higher incarnation and another address, signed by the wrong hand, is worth a mute."""
    victim, incarnation = _facts(three.seed, "n2")
    forged = insider.compose(
        id=victim,
        public_key=b64decode(three.seed.rows()["n2"]["public_key"]),
        name="n2",
        incarnation=incarnation + 1_000_000,
    )
    _assert_muted_for(three, insider, Claim(forged))
    assert _facts(three.seed, "n2") == (victim, incarnation)


def test_record_with_anothers_id_and_its_own_key_is_refused(three: Cluster, insider: Insider) -> None:
    """An id commits to its key: n2's id over the insider's key is refused, though the signature is good."""
    victim, incarnation = _facts(three.seed, "n2")
    _assert_muted_for(three, insider, Claim(insider.compose(id=victim, name="n2", incarnation=incarnation + 1)))
    assert _facts(three.seed, "n2") == (victim, incarnation)


def test_accusation_in_anothers_name_mutes_its_sender(three: Cluster, insider: Insider) -> None:
    """An accusation of n2 that n3 did not sign is a false statement, not one accuser more."""
    victim, incarnation = _facts(three.seed, "n2")
    n3, _ = _facts(three.seed, "n3")
    own = insider.accuse(victim, incarnation)
    body = own.raw[64:].replace(insider.identity.id, n3)
    forged = decode_statement(own.raw[:64] + body)
    _assert_muted_for(three, insider, Claim(forged))
    assert _facts(three.seed, "n2") == (victim, incarnation)


def _assert_muted_for(three: Cluster, insider: Insider, claim: Claim) -> None:
    seed = three.seed
    bad, muted = seed.drops("bad_signature"), seed.drops("muted")
    insider.send(insider.seal(Ping(1), claims=(claim,)))
    wait_until("the false statement is counted", lambda: seed.drops("bad_signature") == bad + 1)
    insider.send(insider.seal(Ping(2)))
    wait_until("its sender is muted", lambda: seed.drops("muted") > muted)
    assert "is muted for 60 s: it sent a false statement" in seed.messages()
    assert all(agent.sees("n2", "alive") for agent in three.agents)


def test_eviction_of_an_alive_member_shows_nowhere(three: Cluster, insider: Insider) -> None:
    """An insider's force-leave of n2, which is alive, is refuted by n2 and never shown."""
    victim, incarnation = _facts(three.seed, "n2")
    insider.ping(claims=(Claim(insider.evict(victim, incarnation, prune=True)),))
    wait_until("n2 refutes it", lambda: _facts(three.seed, "n2")[1] > incarnation)
    assert not any(agent.logged("member-leave", name="n2") for agent in three.agents)
    assert not any(agent.logged("member-reap", name="n2") for agent in three.agents)


def test_lone_accuser_never_fails_a_living_member(three: Cluster, insider: Insider) -> None:
    """One accuser who never stops brings n2 to refute again and again, and never to failed or left."""
    first = _facts(three.seed, "n2")[1]
    insider.socket.settimeout(0.05)
    until = time.monotonic() + 8
    sent = 0
    while time.monotonic() < until:
        victim, incarnation = _facts(three.seed, "n2")
        accusation, eviction = insider.accuse(victim, incarnation), insider.evict(victim, incarnation)
        insider.send(insider.seal(Ping(sent), claims=(Claim(accusation, 3600), Claim(eviction))))
        sent += 1
        try:
            insider.answer(insider.receive())
        except TimeoutError:
            pass
        assert three.seed.sees("n2", "alive", "suspect")
    assert sent > 20
    assert _facts(three.seed, "n2")[1] > first
    for event in ("member-failed", "member-leave", "member-reap"):
        assert not any(agent.logged(event, name="n2") for agent in three.agents)


def test_accusations_of_the_future_are_not_merged(three: Cluster, insider: Insider) -> None:
    """An accusation at an incarnation that n2 never had neither accuses it now nor later."""
    victim, incarnation = _facts(three.seed, "n2")
    insider.ping(claims=tuple(Claim(insider.accuse(victim, incarnation + step)) for step in (1, 2, 1_000)))
    three.agent("n2").ask("PUT", "/v1/cluster/tags", body={"set": {"turn": str(incarnation)}})
    wait_until("n2 moved on", lambda: _facts(three.seed, "n2")[1] > incarnation)
    hold_for(2, "nobody accuses n2", lambda: three.seed.sees("n2", "alive"))


def test_many_identities_of_one_hand_end_nobody(three: Cluster) -> None:
    """Eight accusers that one hand made cannot make n2 failed for anybody, nor left or gone: it refutes."""
    gang = [Insider(three.seed, three.key_file) for _ in range(8)]
    for member in gang:
        member.ping()
    for _ in range(3):
        victim, incarnation = _facts(three.seed, "n2")
        for member in gang:
            member.send(member.seal(Ping(1), claims=(Claim(member.accuse(victim, incarnation), 7_200),)))
        wait_until("n2 refutes", lambda held=incarnation: _facts(three.seed, "n2")[1] > held)  # type: ignore[misc]
    for member in gang:
        member.close()
    three.wait_all_alive()
    for event in ("member-failed", "member-leave", "member-reap"):
        assert not any(agent.logged(event, name="n2") for agent in three.agents)


def test_identity_that_claims_another_members_place_in_a_stream_is_refused(three: Cluster) -> None:
    """A handshake with n2's id and the insider's key ends at the proof."""
    mallory = Insider(three.seed, three.key_file)
    victim, _ = _facts(three.seed, "n2")
    mallory.identity = replace(mallory.identity, id=victim)
    with pytest.raises(HandshakeRefused) as refused:
        mallory.shake_hands()
    assert refused.value.reason is Refusal.BAD_SIGNATURE
    mallory.close()


def test_introduction_names_no_foreign_address(three: Cluster) -> None:
    """An introduction is answered only at the address in the signed record, with no more bytes than came."""
    mallory = Insider(three.seed, three.key_file, "elsewhere")
    datagram = mallory.seal(Ping(1))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(1)
        other.sendto(datagram, mallory.target_address)
        answer = mallory.socket.recv(2_048)
        assert len(answer) <= len(datagram)
        with pytest.raises(TimeoutError):
            other.recv(2_048)
    mallory.close()


def test_noise_in_a_sealed_payload_is_malformed(three: Cluster, insider: Insider) -> None:
    """What an insider seals and is no message is dropped and counted, without an exception."""
    before = three.seed.drops("malformed")
    for payload in (b"", b"\xc1", b"\x91\x92\x01", b"\xdd\xff\xff\xff\xff", os.urandom(300), b"\x91" * 900):
        insider.send(insider.seal_payload(payload))
    wait_until("all are counted", lambda: three.seed.drops("malformed") >= before + 6)
