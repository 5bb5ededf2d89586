"""Replayer, equivocator, flooder and slow stream; and what stands against each."""

import pytest

from protocol.budget import Budget
from protocol.swim import entry, membership
from protocol.swim.effect import ChangeKind
from protocol.swim.entry import Entry, add_statement
from protocol.swim.stream import PEER_STREAMS_MAX
from protocol.wire.statement import MemberStatement, Record
from simulations.attack import ATTACKERS
from tests.simulations.attack.arena import Arena


def retag(arena: Arena, index: int) -> None:
    """Let a node say something new, so that there is something old to replay."""
    node = arena.nodes[index]
    arena.world.act(node, node.engine.set_tags(arena.world.now, {"turn": "two"}, ()))


def stale_rows(arena: Arena) -> int:
    """Count rows at healthy nodes that are not their subject's last word."""
    nodes = arena.nodes
    last = {node.id: node.engine.local.incarnation for node in nodes}
    return sum(member.record.incarnation < last[member.id] for node in nodes[1:] for member in node.engine.membership)


def test_replayer_turns_nobody_back() -> None:
    """Old records of all are told without end, and change nothing."""
    arena = Arena("replayer")
    arena.begin(6.0, 40.0)
    retag(arena, 2)
    arena.world.run(7.0)
    assert stale_rows(arena) == 0
    assert (arena.gauge.harms, arena.gauge.suspicions) == ([], 0)


def test_replayer_turns_back_who_believes_the_last_word_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where records are not ordered, the old ones win."""

    def newest_heard(held: Entry, statement: MemberStatement) -> Entry:
        if isinstance(statement, Record) and statement.raw != held.record.raw:
            return Entry(statement)
        return add_statement(held, statement)

    arena = Arena("replayer")
    arena.begin(6.0, 40.0)
    retag(arena, 2)
    arena.world.run(1.0)
    monkeypatch.setattr(membership, "add_statement", newest_heard)
    monkeypatch.setattr(membership, "record_rank", lambda record: (0, False, b""))
    arena.world.run(4.0)
    assert stale_rows(arena) > 0


def split_views(arena: Arena) -> int:
    """Count the different records of the attacker that are held."""
    attacker = arena.nodes[0]
    held = [node.engine.membership.get(attacker.id) for node in arena.healthy]
    return len({member.record.raw for member in held if member is not None})


def test_equivocator_parts_views_for_a_moment_only() -> None:
    """Two records of one incarnation are told, and all come to hold the same; checkers know who it is."""
    arena = Arena("equivocator")
    attacker = arena.begin(5.0, 2.0)
    assert arena.world.equivocators == {0}
    arena.world.run(5.1)
    assert attacker.told["pairs"] >= 2
    assert arena.world.run_until(lambda: split_views(arena) == 1, 10.0) is not None


def test_equivocator_parts_views_for_good_where_the_first_heard_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the tie's digest each half keeps its own record."""

    def no_tie(record: Record) -> tuple[int, bool, bytes]:
        return (record.incarnation, record.goodbye, b"")

    monkeypatch.setattr(membership, "record_rank", no_tie)
    monkeypatch.setattr(entry, "record_rank", no_tie)
    arena = Arena("equivocator")
    parted = []
    arena.begin(8.0, 2.0)
    for _ in range(16):
        arena.world.run(0.5)
        parted.append(split_views(arena) > 1)
    assert sum(parted) >= 12


def updates(arena: Arena) -> int:
    """Count the updates that listeners at healthy nodes were told of."""
    return sum(change.kind is ChangeKind.UPDATE for node in arena.healthy for change in node.changes)


def test_flooder_is_held_to_a_pace_by_budgets_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With them what it says costs less than it sends; without, all of it is news to everybody."""
    guarded = Arena("flooder")
    guarded.attack(8.0, 300.0)
    counters = [node.engine.counters for node in guarded.healthy]
    assert sum(held.records_over_budget for held in counters) > 0
    assert sum(held.accusations_over_budget for held in counters) > 0
    assert guarded.gauge.harms == []
    monkeypatch.setattr(Budget, "take", lambda budget, now, holder=None: True)
    open_to_all = Arena("flooder")
    open_to_all.attack(8.0, 300.0)
    assert updates(open_to_all) > 1.5 * updates(guarded)


def test_slow_stream_fills_what_may_be_held_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each node holds as many streams as one peer may have, and closes the next at once; without a bound all."""
    arena = Arena("slow_stream", 3)
    attacker = arena.attack(4.0, 40.0)
    assert attacker.told["streams"] >= 100
    assert arena.gauge.streams_most <= PEER_STREAMS_MAX
    assert (arena.gauge.harms, arena.gauge.suspicions) == ([], 0)
    monkeypatch.setattr("protocol.swim.stream.PEER_STREAMS_MAX", 10_000)
    open_to_all = Arena("slow_stream", 3)
    open_to_all.attack(4.0, 40.0)
    assert open_to_all.gauge.streams_most > 2 * PEER_STREAMS_MAX


@pytest.mark.parametrize("kind", sorted(ATTACKERS))
def test_attack_is_the_same_each_time(kind: str) -> None:
    """Everything is drawn from the world's generator."""
    digests = []
    for _ in range(2):
        arena = Arena(kind, 4)
        arena.attack(2.0, 40.0)
        digests.append((arena.world.digest.hexdigest(), arena.gauge.counts()))
    assert digests[0] == digests[1]
    assert digests[0][1]["attack_datagrams"] + digests[0][1].get("attack_streams", 0) > 20


@pytest.mark.parametrize("kind", sorted(ATTACKERS))
def test_attack_ends_with_its_time(kind: str) -> None:
    """The process is an honest member again, and nothing more is said."""
    arena = Arena(kind, 4)
    honest = arena.nodes[0].engine
    attacker = arena.attack(1.0, 40.0)
    told = dict(attacker.told)
    assert arena.nodes[0].engine is honest
    arena.world.run(2.0)
    assert attacker.told == told
