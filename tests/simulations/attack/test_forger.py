"""The forger, and who forges over streams."""

import pytest

from simulations.world.ledger import Ledger
from tests.simulations.attack.arena import Arena


def test_forger_is_convicted_and_believed_by_nobody() -> None:
    """Each node mutes it, and each name under which it goes on; no row rests on a forgery."""
    arena = Arena("forger")
    attacker = arena.attack(5.0, 40.0)
    assert attacker.told["forgeries"] >= 150
    assert arena.world.convictions >= 50
    assert arena.forgeries_held() == 0
    assert (arena.gauge.harms, arena.gauge.suspicions) == ([], 0)


def test_forger_moves_members_where_signatures_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the ledger's check its records are held, and its victims are elsewhere or gone."""
    monkeypatch.setattr(Ledger, "is_genuine", lambda ledger, statement: True)
    arena = Arena("forger")
    arena.attack(5.0, 40.0)
    assert arena.world.convictions == 0
    assert arena.gauge.harms != []


def test_forger_is_convicted_over_streams_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync that brings a forgery is broken off."""
    monkeypatch.setattr("simulations.attack.forger.STREAM_EACH", 1)
    arena = Arena("forger")
    attacker = arena.attack(3.0, 10.0)
    assert attacker.told["datagrams"] == 0
    assert attacker.told["forgeries"] >= 20
    assert arena.world.convictions >= 20
    assert arena.forgeries_held() == 0
