"""What requests about one peer may be answered: a model, the orders that explain a history, and a peer to ask about."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from random import Random

import pytest
import trio

from api.answer import Problem
from node import identity_lookup
from node.agent.peers import AgentPeers
from node.node import Node
from node.seeds import Attempt
from node.store import Store
from protocol.address import Address
from protocol.refusal import Refusal
from protocol.ulid import MemberId, format_ulid
from protocol.wire.message import Claim, Packet
from protocol.wire.statement import Record

GOSSIP, ALIAS, HTTP, NOBODY = (Address("127.0.0.1", port) for port in (1, 2, 3, 4))
"""Where the peer gossips, by two addresses; where it answers HTTP; and where nobody is."""


class Kind(Enum):
    """A request about the peer; the value is its letter in a history."""

    POST = "P"
    POST_ALIAS = "A"
    POST_HTTP = "H"
    POST_FAILING = "F"
    """Its handshakes end with a refusal: the name is in use."""
    POST_NOBODY = "N"
    POST_SELF = "S"
    PUT = "U"
    DELETE = "D"


class Place(Enum):
    """Where the peer stands for the node that is asked."""

    MEMBER = "member"
    OUT = "out"
    AWAY = "away"
    """No member, and free to come."""


@dataclass(frozen=True, slots=True)
class World:
    """All that the requests change."""

    place: Place
    note: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """One request with its answer, and its begin and end in the order of all begins and ends."""

    kind: Kind
    note: str
    began: int
    ended: int
    status: int

    def __str__(self) -> str:
        return f"{self.kind.value}@{self.began}-{self.ended}={self.status}"


def answers(world: World, kind: Kind, note: str) -> list[tuple[int, World]]:
    """Return the statuses with which a request alone may be answered, each with the world after it."""
    is_member = world.place is Place.MEMBER
    match kind:
        case Kind.POST_SELF:
            return [(409, world)]
        case Kind.POST_NOBODY:
            return [(422, world)]
        case Kind.POST_FAILING:
            return [(409 if is_member else 422, world)]
        case Kind.PUT:
            return [(200, World(world.place, note))] if is_member else [(404, world)]
        case Kind.DELETE:
            return [(200, World(Place.OUT))] if is_member else [(404, world)]
        case _:
            return [(409, world)] if is_member else [(201, World(Place.MEMBER, world.note))]


def is_explained(begin: World, history: Sequence[Done], end: World) -> bool:
    """Return whether some order of the requests, in which none is before one that ended earlier, gives all this."""
    seen: set[tuple[frozenset[int], World]] = set()

    def goes_on(left: frozenset[int], world: World) -> bool:
        if not left:
            return world == end
        if (left, world) in seen:
            return False
        seen.add((left, world))
        first_end = min(history[i].ended for i in left)
        for i in left:
            done = history[i]
            if done.began > first_end:
                continue
            for status, after in answers(world, done.kind, done.note):
                if status == done.status and goes_on(left - {i}, after):
                    return True
        return False

    return goes_on(frozenset(range(len(history))), begin)


_FAILURES: ContextVar[list[Attempt] | None] = ContextVar("failures", default=None)
"""Where the handshakes of the request in hand fail, once they get that far: those that did."""


class StagedPeer:
    """A peer that shakes hands in steps between which anything may happen, with a node whose list is real."""

    def __init__(self, node: Node, record: Record, rng: Random, patch: pytest.MonkeyPatch) -> None:
        """Stand for the node's streams, its disk, and what a peer answers by HTTP."""
        self._node = node
        self._record = record
        self._rng = rng
        self._peers = AgentPeers(node)
        self._moment = 0
        self.pace = 1
        patch.setattr(node, "invite_address", self._invite)
        patch.setattr(Store, "_save_unsynced", self._store(Store._commit))
        patch.setattr(identity_lookup, "look_up_gossip_address", self._look_up)

    @property
    def id(self) -> MemberId:
        """The peer's."""
        return self._record.id

    async def run(self, begin: World, kinds: Sequence[Kind]) -> tuple[list[Done], World]:
        """Make requests at once in a world; what each was answered, and the world then."""
        await self._set(begin)
        history: list[Done] = []
        async with trio.open_nursery() as nursery:
            for number, kind in enumerate(kinds):
                nursery.start_soon(self._ask, kind, f"note {number}", history)
        await self._node._state.flush()
        return history, self._world()

    async def _ask(self, kind: Kind, note: str, history: list[Done]) -> None:
        await self._step()
        began = self._moment = self._moment + 1
        try:
            status = await self._answer(kind, note)
        except Problem as refused:
            status = refused.status
        self._moment += 1
        if kind is Kind.POST_FAILING and not _FAILURES.get():  # others changed the world before it got that far
            kind = Kind.POST
        history.append(Done(kind, note, began, self._moment, status))

    async def _answer(self, kind: Kind, note: str) -> int:
        peers, id = self._peers, format_ulid(self.id)
        if kind is Kind.PUT:
            return 404 if await peers.rename(id, note) is None else 200
        if kind is Kind.DELETE:
            return 200 if await peers.delete(id) else 404
        address = {
            Kind.POST_ALIAS: ALIAS,
            Kind.POST_HTTP: HTTP,
            Kind.POST_NOBODY: NOBODY,
            Kind.POST_SELF: self._node.address,
        }.get(kind, GOSSIP)
        _FAILURES.set([] if kind is Kind.POST_FAILING else None)
        await peers.add(str(address))
        return 201

    # --- the world ------------------------------------------------------------------------------

    async def _set(self, world: World) -> None:
        keeper = self._node.peers
        await keeper.revoke(self.id, revoked=True)
        if world.place is not Place.OUT:
            await keeper.revoke(self.id, revoked=False)
        if world.place is Place.MEMBER:
            self._arrive()
        if world.note:
            await keeper.rename(self.id, world.note)

    def _world(self) -> World:
        membership = self._node.membership
        place = Place.OUT if membership.revocations.bars(self.id) else Place.AWAY
        member = membership.get(self.id)
        if member is not None:
            place = Place.MEMBER
        note = self._node.peers.names._notes.get(self.id, "")
        stored = self._node._state.store.load_display_names().get(self.id, "")
        return World(place, note if note == stored else f"{note!r} here, {stored!r} on the disk")

    def _arrive(self) -> None:
        engine = self._node.engine
        packet = Packet((), (Claim(self._record),))
        self._node.driver.perform(engine.handle_packet(self._node.driver.now, self.id, packet))

    # --- in place of the network and the disk ---------------------------------------------------

    async def _step(self) -> None:
        for _ in range(self._rng.randrange(1, 4 * self.pace)):
            await trio.lowlevel.checkpoint()

    async def _invite(self, address: Address) -> Attempt:
        if address == self._node.address:
            return Attempt(own_echo=True)
        await self._step()
        if address not in (GOSSIP, ALIAS):
            return Attempt(reason="nobody listens there")
        membership, met = self._node.membership, self.id
        was_live = membership.is_live(met)
        is_barred = membership.revocations.bars
        refused = Attempt(refusal=Refusal.REVOKED, reason="revoked", met=met, was_live=was_live)
        if is_barred(met):
            return refused
        await self._step()
        failures = _FAILURES.get()
        if failures is not None:
            failures.append(Attempt(refusal=Refusal.NAME_IN_USE, reason="used", met=met, was_live=was_live))
            return failures[-1]
        if is_barred(met):
            await self._step()
            return refused
        self._arrive()
        await self._step()
        return refused if is_barred(met) else Attempt(peer=met, met=met, was_live=was_live)

    async def _look_up(self, address: Address) -> Address:
        await self._step()
        if address != HTTP:
            raise identity_lookup.LookupFailed(f"{address} answers nothing")
        return GOSSIP

    def _store(self, commit: Callable[..., None]) -> Callable[..., object]:
        step = self._step

        async def save(store: Store, *statements: object) -> None:
            batch, store._waiting = store._waiting, type(store._waiting)()
            batch.statements.extend(statements)  # type: ignore[arg-type]
            await step()
            commit(store, batch)
            await step()

        return save
