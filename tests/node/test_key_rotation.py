"""Replacing the cluster key: in which order, whom it waits for, and what is said where it cannot go on."""

from types import SimpleNamespace
from typing import cast

import pytest
import trio
from trio.testing import MockClock

from node.key_rotation import NAMED_MAX, STEP_LONGEST_S, RotationIncomplete, replace_cluster_key
from node.node import Node
from node.peer_keeper import NotActive
from protocol.error import InvalidRequest
from protocol.status import Status
from protocol.ulid import MemberId

OLD, OLDER, NEW = b"old1", b"old2", b"new1"


def _id(number: int) -> MemberId:
    return MemberId(bytes([number]) * 16)


class Cluster:
    """A node that is all memory, with some members; `acts` has what was done, in order."""

    def __init__(self, *members: SimpleNamespace) -> None:
        self.members = {member.id: member for member in members}
        self.acts: list[object] = []
        self.disagreeing: list[MemberId] = []
        self.lacking: list[MemberId] = []
        self.asked_since: float | None = None
        self.refusal: InvalidRequest | None = None
        self.stubborn = b""
        """The key that does not go when it is retired."""
        self.ring = SimpleNamespace(key_ids=(OLD, OLDER), primary=OLD)
        self.keyring = SimpleNamespace(
            keyring=self.ring,
            add=self._add,
            use=self._use,
            retire=self._retire,
            ask=lambda ids: self.acts.append(("ask", tuple(ids))),
            not_shown_by=self._not_shown_by,
        )
        self.engine = SimpleNamespace(disagreeing_since=self._disagreeing_since)
        self.membership = self
        self.is_leaving = False
        self.peers = SimpleNamespace(check_active=self._check_active, rotation_turn=trio.Lock())

    @property
    def driver(self) -> SimpleNamespace:
        """The clock."""
        return SimpleNamespace(now=trio.current_time())

    def get(self, id: MemberId) -> SimpleNamespace | None:
        """Find a member."""
        return self.members.get(id)

    def __iter__(self) -> object:
        return iter(self.members.values())

    def shown_name(self, member: SimpleNamespace) -> str:
        """Name a member."""
        return str(member.name)

    def _check_active(self) -> None:
        if self.is_leaving:
            raise NotActive("this node has left the cluster: join it first")

    def _disagreeing_since(self, at: float) -> list[MemberId]:
        self.asked_since = at
        return self.disagreeing

    def _not_shown_by(self, key_id: bytes) -> list[MemberId]:
        assert key_id == NEW
        return self.lacking

    async def _add(self) -> bytes:
        if self.refusal is not None:
            raise self.refusal
        self.acts.append("add")
        self.ring.key_ids = (*self.ring.key_ids, NEW)
        return NEW

    async def _use(self, key_id: bytes, *, force: bool) -> None:
        self.acts.append(("use", key_id, force))
        self.ring.primary = key_id

    async def _retire(self, key_id: bytes) -> None:
        self.acts.append(("retire", key_id))
        if key_id == self.stubborn:
            raise InvalidRequest("no key of this id is held")
        self.ring.key_ids = tuple(id for id in self.ring.key_ids if id != key_id)

    @property
    def node(self) -> Node:
        """As a node."""
        return cast(Node, self)

    @property
    def changes(self) -> list[object]:
        """What was done to the keys."""
        return [act for act in self.acts if not (isinstance(act, tuple) and act[0] == "ask")]


def _member(number: int, status: Status = Status.ALIVE) -> SimpleNamespace:
    return SimpleNamespace(id=_id(number), name=f"n{number}", status=status)


async def test_rotation_adds_uses_and_retires_all_others(autojump_clock: MockClock) -> None:
    """In this order; failed members, and nobody else, are told to the operator."""
    cluster = Cluster(_member(1), _member(2, Status.SUSPECT), _member(3, Status.FAILED), _member(4, Status.LEFT))
    done = await replace_cluster_key(cluster.node)
    assert (done.key_id, done.retired, done.untold) == (NEW, (OLD, OLDER), (_id(3),))
    assert cluster.acts == ["add", ("use", NEW, True), ("retire", OLD), ("retire", OLDER)]


async def test_rotation_changes_no_key_before_all_know_who_is_out(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Whoever has not shown our view since it began is asked until it has; then the key is added, and shown by all."""
    cluster = Cluster(_member(1), _member(2), _member(3))
    cluster.disagreeing, cluster.lacking = [_id(2)], [_id(3)]
    began = trio.current_time()
    nursery.start_soon(replace_cluster_key, cluster.node)
    await trio.sleep(STEP_LONGEST_S / 2)
    assert cluster.asked_since == began
    assert set(cluster.acts) == {("ask", (_id(2),))}
    cluster.disagreeing = []
    await trio.sleep(STEP_LONGEST_S / 2)
    assert cluster.changes == ["add"]
    assert cluster.acts[-1] == ("ask", (_id(3),))
    cluster.lacking = []
    await trio.sleep(STEP_LONGEST_S / 2)
    assert cluster.changes[1:] == [("use", NEW, True), ("retire", OLD), ("retire", OLDER)]


async def test_rotation_that_not_all_agree_to_changes_nothing(autojump_clock: MockClock) -> None:
    """It is said who did not show it, the first few by name; one that was reaped meanwhile has none."""
    cluster = Cluster(*(_member(number) for number in range(1, NAMED_MAX + 3)))
    cluster.disagreeing = [_id(number) for number in range(1, NAMED_MAX + 3)]
    began = trio.current_time()
    with pytest.raises(RotationIncomplete, match=r"^n1, n2, n3, n4, n5 and 2 more did not .* no key was changed"):
        await replace_cluster_key(cluster.node)
    assert trio.current_time() - began == pytest.approx(STEP_LONGEST_S)
    assert cluster.changes == []
    del cluster.members[_id(1)]
    cluster.disagreeing = [_id(1), _id(2)]
    with pytest.raises(RotationIncomplete, match=r"^n2 did not"):
        await replace_cluster_key(cluster.node)


async def test_rotation_that_not_all_follow_keeps_the_key_in_use(autojump_clock: MockClock) -> None:
    """The new key is held and not used; the sentence has its id and the commands that end what was begun."""
    cluster = Cluster(_member(1), _member(2))
    cluster.lacking = [_id(2)]
    with pytest.raises(
        RotationIncomplete, match=f"n2 did not show the new key {NEW.hex()}.*shoal keys use {NEW.hex()}"
    ):
        await replace_cluster_key(cluster.node)
    assert cluster.changes == ["add"]


async def test_rotation_that_leaves_another_key_is_not_done(autojump_clock: MockClock) -> None:
    """What came from elsewhere meanwhile is retired too; what still is held in the end is said."""
    cluster = Cluster(_member(1))
    cluster.lacking, cluster.stubborn = [_id(1)], b"new2"

    async def add_elsewhere() -> None:
        await trio.sleep(STEP_LONGEST_S / 2)
        cluster.ring.key_ids = (*cluster.ring.key_ids, cluster.stubborn)
        cluster.lacking = []

    with trio.fail_after(STEP_LONGEST_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(add_elsewhere)
            with pytest.raises(
                RotationIncomplete, match=f"held are {NEW.hex()}, {b'new2'.hex()}, in use is {NEW.hex()}"
            ):
                await replace_cluster_key(cluster.node)
    assert [act for act in cluster.changes if isinstance(act, tuple) and act[0] == "retire"] == [
        ("retire", OLD), ("retire", OLDER), ("retire", cluster.stubborn),
    ]  # fmt: skip


async def test_second_rotation_waits_for_the_first(autojump_clock: MockClock) -> None:
    """Neither changes a key in the midst of the other."""
    cluster = Cluster(_member(1))
    cluster.disagreeing = [_id(1)]
    async with trio.open_nursery() as nursery, cluster.peers.rotation_turn:
        nursery.start_soon(replace_cluster_key, cluster.node)
        await trio.sleep(10 * STEP_LONGEST_S)
        assert cluster.acts == []
        cluster.disagreeing = []
    assert cluster.ring.key_ids == (NEW,)


async def test_rotation_with_a_full_ring_is_refused() -> None:
    """As adding a key by hand is, and nothing else is done."""
    cluster = Cluster(_member(1))
    cluster.refusal = InvalidRequest("8 keys are held, no more is taken")
    with pytest.raises(InvalidRequest, match="8 keys are held"):
        await replace_cluster_key(cluster.node)
    assert cluster.acts == []


async def test_rotation_by_a_node_that_left_is_refused() -> None:
    """The others would never hear of the new key, and this node could not come back to them without the old one."""
    cluster = Cluster(_member(1))
    cluster.is_leaving = True
    with pytest.raises(NotActive):
        await replace_cluster_key(cluster.node)
    assert cluster.acts == []
