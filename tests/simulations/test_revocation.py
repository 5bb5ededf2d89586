"""Who is out, and in again: whatever happens at the same moment, all come to hold the same, and nobody else suffers."""

from collections.abc import Callable

import pytest

from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.effect import ChangeKind, Expelled
from protocol.swim.settings import Settings
from protocol.wire.message import Claim
from simulations.attack import ATTACKERS
from simulations.world import Node, World
from tests.simulations.playbook import accusation, all_alive, all_see, changes, hand, lan_cluster, local_cluster, status

Cluster = Callable[[int], tuple[World, list[Node]]]


def is_out(nodes: list[Node], subject: Node) -> bool:
    """Tell whether a node is on nobody's list, all know why, and all have one view."""
    bars = all(node.engine.membership.revocations.bars(subject.id) for node in nodes)
    return bars and all_see(nodes, subject, None) and all_alive(nodes)


def is_expelled(node: Node) -> bool:
    """Tell whether a node fell silent because it was put out."""
    return node.engine.local.goodbye and any(isinstance(refusal, Expelled) for refusal in node.refusals)


# --- out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3, 5, 40])
def test_revoked_member_is_out_everywhere_within_seconds(size: int) -> None:
    """All are told that it left, and was taken off; it falls silent, and nobody suspects anybody."""
    world, nodes = local_cluster(size)
    subject, others = nodes[-1], nodes[:-1]
    world.revoke(nodes[0], subject.id)
    assert world.run_until(lambda: is_out(others, subject) and is_expelled(subject), 3.0) is not None
    for node in others:
        assert [c.status for c in changes(node, ChangeKind.LEAVE, subject)] == [Status.LEFT]
        assert len(changes(node, ChangeKind.REAP, subject)) == 1
        assert not changes(node, ChangeKind.SUSPECT)
    assert subject.disk.left
    assert all(subject.id not in node.disk.contacts for node in others)
    before = subject.sent
    world.run(120.0)
    assert subject.sent == before


def test_revoked_member_stays_out_through_everybodys_restart() -> None:
    """The word is on every disk, its own too."""
    world, nodes = local_cluster(4)
    subject, others = nodes[3], nodes[:3]
    world.revoke(nodes[0], subject.id)
    world.run(3.0)
    for node in nodes:
        world.crash(node)
    world.run(5.0)
    for node in nodes:
        world.restart(node)
    assert world.run_until(lambda: is_out(others, subject), 20.0) is not None
    assert subject.engine.local.goodbye
    assert subject.engine.membership.live_count == 0


def test_revoked_member_is_refused_at_the_door_with_the_reason() -> None:
    """By whomever it asks; a lost disk does not help it, and neither does another address."""
    world, nodes = local_cluster(4)
    subject, others = nodes[3], nodes[:3]
    world.revoke(nodes[0], subject.id)
    world.run(3.0)
    for seed in others:
        world.join(subject, seed)
        world.run(2.0)
        assert subject.joins[-1].refusal is Refusal.REVOKED
    world.crash(subject)
    world.restart(subject, keep_disk=False)
    world.join(subject, nodes[1])
    world.run(2.0)
    assert subject.joins[-1].refusal is Refusal.REVOKED
    world.run(60.0)
    assert is_out(others, subject)


def test_revoked_member_whose_join_is_refused_stays_silent() -> None:
    """A join that fails changes nothing, also one that begins before the other side heard of the revocation."""
    world, nodes = local_cluster(5)
    subject = nodes[4]
    world.revoke(nodes[0], subject.id)
    world.run_until(lambda: is_expelled(subject), 1.0, 0.001)
    world.join(subject, nodes[1])
    world.run(10.0)
    assert subject.joins[-1].peer is None
    assert is_out(nodes[:4], subject)
    assert subject.engine.local.goodbye


def test_revoked_member_that_was_dead_already_is_out_and_stays_out() -> None:
    """Failed and revoked: off the list at once; back from the dead: refused."""
    world, nodes = local_cluster(4)
    subject, others = nodes[3], nodes[:3]
    world.crash(subject)
    world.run(30.0)
    world.revoke(nodes[0], subject.id)
    assert world.run_until(lambda: is_out(others, subject), 3.0) is not None
    world.restart(subject)
    world.run(10.0)
    assert is_out(others, subject)
    world.join(subject, nodes[1])
    world.run(5.0)
    assert subject.joins[-1].refusal is Refusal.REVOKED


# --- at the same moment -------------------------------------------------------------------------


def test_revocation_beats_the_subjects_own_refutation() -> None:
    """It is accused, rises above that, and is put out at the same moment: no incarnation helps."""
    world, nodes = lan_cluster(5)
    subject, others = nodes[4], nodes[:4]
    hand(world, nodes[1], subject, accusation(nodes[1], subject, subject.engine.local.incarnation))
    world.revoke(nodes[0], subject.id)
    risen = Claim(subject.engine.local.record)
    assert world.run_until(lambda: is_out(others, subject), 5.0) is not None
    for node in others:
        hand(world, nodes[1], node, risen)
    world.run(30.0)
    assert is_out(others, subject)


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.002, 0.003, 0.004, 0.006, 0.01, 0.02, 0.2, 0.5])
def test_revocation_during_the_subjects_join(after_s: float) -> None:
    """Whichever message the word meets, it is out, and does not believe that it is in."""
    world, nodes = local_cluster(4)
    subject = world.add()
    world.join(subject, nodes[1])
    world.run(after_s)
    world.revoke(nodes[0], subject.id)
    assert world.run_until(lambda: is_out(nodes, subject), 10.0) is not None
    world.run(30.0)
    assert is_out(nodes, subject)
    assert subject.engine.membership.live_count <= 1 or subject.engine.local.goodbye


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.002, 0.003, 0.004, 0.006, 0.01])
def test_revocation_during_a_sync(after_s: float) -> None:
    """A sync under way brings the record of one that was put out meanwhile."""
    world, nodes = local_cluster(4)
    subject, others = nodes[3], nodes[:3]
    world.network.cut([nodes[2]], [nodes[0], nodes[1]])
    world.run(20.0)
    world.network.heal()
    one, other = nodes[2].engine, nodes[1]
    one.streams.dial_sync(world.now, other.id)
    world.act(nodes[2], one.core.drain())
    world.run(after_s)
    world.revoke(nodes[0], subject.id)
    assert world.run_until(lambda: is_out(others, subject), 60.0) is not None


def test_revocation_and_eviction_of_one_member() -> None:
    """Force-left, pruned and revoked at one moment by three members; it is out, once."""
    world, nodes = local_cluster(5)
    subject, others = nodes[4], nodes[:4]
    world.crash(subject)
    world.run(30.0)
    for index, prune in ((1, False), (2, True)):
        world.act(nodes[index], nodes[index].engine.force_leave(world.now, subject.id, prune=prune))
    world.revoke(nodes[0], subject.id)
    assert world.run_until(lambda: is_out(others, subject), 5.0) is not None
    assert {len(changes(node, ChangeKind.REAP, subject)) for node in others} == {1}


def test_revocation_by_all_at_once_ends_with_one_word() -> None:
    """Each signs its own; the largest digest of the newest stays, the same with everybody."""
    world, nodes = local_cluster(6)
    subject, others = nodes[5], nodes[:5]
    for node in others:
        world.revoke(node, subject.id)
    assert world.run_until(lambda: is_out(others, subject), 5.0) is not None
    held = {node.engine.membership.revocations.get(subject.id) for node in others}
    assert len(held) == 1


def test_revocation_and_reinstatement_at_one_moment_end_out() -> None:
    """Of two words of one version out beats in."""
    world, nodes = local_cluster(5)
    subject, others = nodes[4], nodes[:4]
    world.revoke(nodes[0], subject.id)
    world.revoke(nodes[1], subject.id, revoked=False)
    assert world.run_until(lambda: is_out(others, subject), 5.0) is not None


# --- issuers ------------------------------------------------------------------------------------


def test_revocation_whose_issuer_dies_at_once_reaches_all() -> None:
    """It told the subject before it died; the subject knows, and a sync with it tells the others."""
    world, nodes = lan_cluster(5)
    issuer, subject, others = nodes[0], nodes[4], nodes[1:4]
    world.revoke(issuer, subject.id)
    world.crash(issuer)
    assert world.run_until(lambda: all_see(others, subject, None), 30.0) is not None
    world.restart(issuer)
    assert world.run_until(lambda: is_out([issuer, *others], subject), 30.0) is not None


def test_revocation_that_only_a_dead_issuers_disk_has_counts_once_it_is_back() -> None:
    """Nothing got out before it died."""
    world, nodes = lan_cluster(5)
    issuer, subject, others = nodes[0], nodes[4], nodes[1:4]
    world.network.cut([issuer], nodes[1:])
    world.revoke(issuer, subject.id)
    world.crash(issuer)
    world.network.heal()
    world.run(60.0)
    assert all_see(others, subject, Status.ALIVE)
    world.restart(issuer)
    assert world.run_until(lambda: is_out([issuer, *others], subject), 30.0) is not None


def test_revocation_by_one_that_is_revoked_right_after_stands() -> None:
    """A word outlives its issuer's membership."""
    world, nodes = local_cluster(5)
    issuer, subject, others = nodes[3], nodes[4], nodes[:3]
    world.revoke(issuer, subject.id)
    world.run(0.3)
    world.revoke(nodes[0], issuer.id)
    assert world.run_until(lambda: is_out(others, subject) and is_out(others, issuer), 5.0) is not None
    newcomer = world.add()
    world.join(newcomer, nodes[0])
    assert world.run_until(lambda: is_out([*others, newcomer], subject), 5.0) is not None


def test_revocation_of_each_other_puts_both_out() -> None:
    """At one moment; the rest go on."""
    world, nodes = local_cluster(5)
    one, other, rest = nodes[3], nodes[4], nodes[:3]
    world.revoke(one, other.id)
    world.revoke(other, one.id)
    assert world.run_until(lambda: is_out(rest, one) and is_out(rest, other), 5.0) is not None


# --- partitions ---------------------------------------------------------------------------------


def test_subject_that_was_cut_off_hears_nobody_and_is_heard_by_nobody() -> None:
    """Revoked on the far side of a partition: after it is healed it is refused, and harms nobody."""
    world, nodes = local_cluster(5)
    subject, others = nodes[4], nodes[:4]
    world.network.cut(others, [subject])
    world.run(5.0)
    world.revoke(nodes[0], subject.id)
    world.run(30.0)
    world.network.heal()
    began = world.now
    world.run(120.0)
    assert is_out(others, subject)
    assert not [change for node in others for change in node.changes if change.at >= began]
    world.join(subject, nodes[1])
    world.run(5.0)
    assert subject.joins[-1].refusal is Refusal.REVOKED


def test_side_that_was_cut_off_with_the_subject_puts_it_out_when_it_hears() -> None:
    """It held the subject alive, and was not asked."""
    world, nodes = local_cluster(6)
    subject, others = nodes[5], nodes[:5]
    world.network.cut(nodes[:3], nodes[3:])
    world.run(30.0)
    world.revoke(nodes[0], subject.id)
    world.run(10.0)
    assert status(nodes[4], subject) is Status.ALIVE
    world.network.heal()
    assert world.run_until(lambda: is_out(others, subject) and is_expelled(subject), 30.0) is not None


@pytest.mark.parametrize("reinstater", [0, 3], ids=["same side", "other side"])
def test_subject_reinstated_in_a_partition_returns(reinstater: int) -> None:
    """Out on one side, in again on that side or the other: the newer word wins everywhere."""
    world, nodes = local_cluster(6)
    subject = nodes[5]
    world.network.cut(nodes[:3], nodes[3:])
    world.run(30.0)
    world.revoke(nodes[0], subject.id)
    world.run(5.0)
    world.revoke(nodes[reinstater], subject.id, revoked=False)
    world.run(5.0)
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), 60.0) is not None
    assert len({node.engine.membership.revocations.get(subject.id) for node in nodes}) == 1


def test_subject_revoked_after_it_was_reinstated_elsewhere_is_out() -> None:
    """The other order: in on one side, then out on the other."""
    world, nodes = local_cluster(6)
    subject, others = nodes[5], nodes[:5]
    world.network.cut(nodes[:3], nodes[3:])
    world.run(30.0)
    world.revoke(nodes[3], subject.id, revoked=False)
    world.run(5.0)
    world.revoke(nodes[0], subject.id)
    world.network.heal()
    assert world.run_until(lambda: is_out(others, subject), 60.0) is not None


# --- in again -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["invite", "join", "restart and join", "lost disk and join"])
def test_reinstated_member_returns(how: str) -> None:
    """By being invited, or by itself; the same process, or another."""
    world, nodes = local_cluster(5)
    subject, others = nodes[4], nodes[:4]
    world.revoke(nodes[0], subject.id)
    world.run(5.0)
    world.revoke(nodes[1], subject.id, revoked=False)
    world.run(3.0)
    assert is_expelled(subject)
    assert all_see(others, subject, None)
    if how.endswith("disk and join") or how.startswith("restart"):
        world.crash(subject)
        world.restart(subject, keep_disk=how.startswith("restart"))
    if how == "invite":
        world.invite(nodes[2], subject)
    else:
        world.join(subject, nodes[2])
    assert world.run_until(lambda: all_alive(nodes), 10.0) is not None
    world.run(60.0)
    assert all_alive(nodes)
    assert not subject.disk.left


def test_invitation_of_one_that_is_out_is_refused() -> None:
    """Whoever invites it has to take it in again first."""
    world, nodes = local_cluster(4)
    subject, others = nodes[3], nodes[:3]
    world.revoke(nodes[0], subject.id)
    world.run(3.0)
    world.invite(nodes[1], subject)
    world.run(3.0)
    assert nodes[1].joins[-1].refusal is Refusal.REVOKED
    assert is_out(others, subject)
    assert subject.engine.local.goodbye


def test_revoked_and_reinstated_ten_times_over() -> None:
    """Each word follows the last, whoever signs, whatever its clock says."""
    world, nodes = local_cluster(4)
    subject, others = nodes[3], nodes[:3]
    nodes[1].clock.wall_offset_s = -3_600.0
    for turn in range(10):
        world.revoke(nodes[turn % 3], subject.id)
        assert world.run_until(lambda: is_out(others, subject), 5.0) is not None
        world.revoke(nodes[(turn + 1) % 3], subject.id, revoked=False)
        world.run(3.0)
        world.invite(nodes[turn % 3], subject)
        assert world.run_until(lambda: all_alive(nodes), 10.0) is not None


# --- insiders -----------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [0.0, 0.05])
def test_stubborn_member_that_is_out_gets_nowhere(loss: float) -> None:
    """Its engine does not hear that it is out; it joins, syncs and tells its record for a minute."""
    world, nodes = lan_cluster(5)
    subject, others = nodes[4], nodes[:4]
    world.network.loss = loss
    stubborn = ATTACKERS["stubborn"](world, subject, 60.0, 20.0)
    stubborn.begin()
    world.revoke(nodes[0], subject.id)
    assert world.run_until(lambda: is_out(others, subject), 10.0) is not None
    began = world.now
    world.run(60.0)
    assert stubborn.told["smuggled"] + stubborn.told["streams"] > 500
    assert stubborn.told["doors_opened"] == 0
    assert is_out(others, subject)
    assert not [c for node in others for c in node.changes if c.at >= began and c.id == subject.id]


def test_stubborn_member_that_is_in_brings_nobody_back() -> None:
    """It stands by one that is out, in datagrams and syncs; in the end it holds what all do."""
    world, nodes = lan_cluster(5)
    subject, loyal, others = nodes[4], nodes[3], nodes[:3]
    stubborn = ATTACKERS["stubborn"](world, loyal, 30.0, 20.0)
    stubborn.begin()
    world.revoke(nodes[0], subject.id)
    world.run(5.0)
    assert all_see(others, subject, None)
    syncs = sum(node.engine.counters.syncs for node in others)
    world.run(24.0)
    assert stubborn.told["smuggled"] > 50
    assert stubborn.told["doors_opened"] > 50
    assert all_see(others, subject, None)
    assert sum(node.engine.counters.syncs for node in others) - syncs <= 3 * 30
    assert world.run_until(lambda: is_out([*others, loyal], subject), 60.0) is not None  # by a slow sync at the latest


def test_flood_of_revocations_costs_a_bounded_number_of_words() -> None:
    """Of ids that nobody has; nobody who is there is harmed, and all hold the same in the end."""
    world, nodes = lan_cluster(5)
    flooder = ATTACKERS["flooder"](world, nodes[4], 20.0, 100.0)
    flooder.begin()
    world.run(21.0)
    assert flooder.told["revocations"] > 500
    assert not [c for node in nodes for c in node.changes if c.kind is ChangeKind.FAILED and world.find(c.id)]
    held = max(len(node.engine.membership.revocations) for node in nodes)
    assert 100 < held <= 4_096
    assert world.run_until(lambda: len({n.engine.membership.hash.root for n in nodes}) == 1, 120.0) is not None


def test_any_member_may_revoke_any_other() -> None:
    """A limit, not a defect: where no operator's key is set, one member's word is enough, and another's undoes it."""
    world, nodes = local_cluster(4, settings=Settings.local())
    world.revoke(nodes[3], nodes[0].id)
    assert world.run_until(lambda: is_out(nodes[1:], nodes[0]), 5.0) is not None
    world.revoke(nodes[1], nodes[0].id, revoked=False)
    world.run(2.0)
    world.invite(nodes[2], nodes[0])
    assert world.run_until(lambda: all_alive(nodes), 10.0) is not None
