"""The services of the whole cluster as this node knows them: facts of all members, by node and by name, with an index.

Each change gets the next number, and each answer that shows it takes that number as its index; who waits for an answer
wakes when it does. Names count in any case, as Consul's do: what differs in case alone is one answer. The numbers begin
at the unix time of the start in seconds, so they go on above those of an earlier run that made less than one change a
second.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import trio

from protocol.catalog.check import Check
from protocol.catalog.key import Kind, read_key
from protocol.catalog.service import Service
from protocol.error import MalformedMessage
from protocol.status import Status
from protocol.swim.effect import Change
from protocol.swim.location import COORDINATE_KEY
from protocol.swim.member import Member
from protocol.swim.membership import Membership
from protocol.swim.vivaldi import Coordinate
from protocol.ulid import MemberId
from protocol.wire.fact import Fact

TOPICS_MAX = 16_384
"""Answers whose last change is remembered; for a forgotten one it is that of the newest forgotten."""

Topic = tuple[str, str]
"""What an answer shows: kind (`nodes`, `services`, `service`, `node`, `checks`, `coordinates`); name, in lower case."""
NODES: Topic = ("nodes", "")
SERVICES: Topic = ("services", "")
ALL_CHECKS: Topic = ("checks", "")
COORDINATES: Topic = ("coordinates", "")

T = TypeVar("T")

_log = logging.getLogger("shoal.catalog")


@dataclass(slots=True)
class Held(Generic[T]):
    """A value, and the numbers of the changes that made it and changed it last."""

    value: T
    create_index: int
    modify_index: int


@dataclass(slots=True)
class NodeFacts:
    """What one member says."""

    services: dict[str, Held[Service]] = field(default_factory=dict)
    checks: dict[str, Held[Check]] = field(default_factory=dict)
    coordinate: Coordinate | None = None
    create_index: int = 0
    modify_index: int = 0
    """Of its name, address and tags."""
    status_index: int = 0
    """Of the change by which it came, failed or came back."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the catalog shows of a member itself."""

    name: str
    datacenter: str
    """Empty: it carries no tag for it."""
    words: tuple[object, ...]
    """Its address and tags."""
    is_failed: bool


class Catalog:
    """Read from facts as they come; members come and go by `note_change`."""

    def __init__(self, membership: Membership, first_index: int) -> None:
        self._membership = membership
        self._nodes: dict[MemberId, NodeFacts] = {}
        shown = {member.id: self._show(member.id) for member in membership}
        self._shown: dict[MemberId, _Shown] = {id: one for id, one in shown.items() if one is not None}
        self._by_name: dict[str, dict[tuple[MemberId, str], None]] = {}
        """Instances, as owner and id, by the name of their service in lower case."""
        self._changed: OrderedDict[Topic, int] = OrderedDict()
        self._waiting: dict[Topic, tuple[trio.Event, list[int]]] = {}
        """By topic: what wakes, and how many wait, as a list of one number."""
        self._floor = first_index
        self.newest = first_index
        """The number of the last change: no answer has had a larger index."""

    # --- asking ---------------------------------------------------------------------------------

    def members(self) -> list[Member]:
        """Give the members the catalog shows, by shown name: all that have not left."""
        shown = self._membership.shown_name
        return sorted((m for m in self._membership if m.status is not Status.LEFT), key=shown)

    def of(self, id: MemberId) -> NodeFacts:
        """Give what a member says."""
        held = self._nodes.get(id)
        return NodeFacts(create_index=self._floor, modify_index=self._floor) if held is None else held

    def names(self) -> Mapping[str, frozenset[str]]:
        """Give the tags of each service name, over all members shown."""
        found: dict[str, set[str]] = {}
        for instances in self._by_name.values():
            for id, service_id in instances:
                if self._is_shown(id):
                    service = self._nodes[id].services[service_id].value
                    found.setdefault(service.name, set()).update(service.tags)
        return {name: frozenset(tags) for name, tags in found.items()}

    def instances(self, name: str) -> list[tuple[MemberId, Held[Service]]]:
        """Return all instances of a service that are shown, whose names may differ in case."""
        found = self._by_name.get(name.lower(), ())
        return [(id, self._nodes[id].services[service]) for id, service in found if self._is_shown(id)]

    def _is_shown(self, id: MemberId) -> bool:
        member = self._membership.get(id)
        return member is not None and member.status is not Status.LEFT

    # --- waiting --------------------------------------------------------------------------------

    def index(self, topic: Topic) -> int:
        """Tell the number of the last change of an answer."""
        return self._changed.get(topic, self._floor)

    async def wait(self, topic: Topic, index: int) -> None:
        """Return once an answer's number is above one; costs an event while waiting."""
        while self.index(topic) <= index:
            event, count = self._waiting.setdefault(topic, (trio.Event(), [0]))
            count[0] += 1
            try:
                await event.wait()
            finally:
                count[0] -= 1
                if not count[0] and self._waiting.get(topic, (None,))[0] is event:
                    del self._waiting[topic]

    def _touch(self, topics: Iterable[Topic]) -> int:
        """Give the next number to some answers, and wake who waits for them."""
        self.newest += 1
        for topic in dict.fromkeys(topics):
            self._changed.pop(topic, None)
            self._changed[topic] = self.newest
            waiting = self._waiting.pop(topic, None)
            if waiting is not None:
                waiting[0].set()
        while len(self._changed) > TOPICS_MAX:
            _, index = self._changed.popitem(last=False)
            self._floor = max(self._floor, index)
        return self.newest

    # --- what comes in --------------------------------------------------------------------------

    def note_change(self, change: Change) -> None:
        """Take note that a member came, went, failed or said something new of itself.

        Who is suspected shows nowhere here, and wakes nobody.
        """
        member = self._membership.get(change.id)
        bearers = () if member is None else self._membership.names.ids(member.record.name)
        for id in dict.fromkeys((change.id, *bearers)):  # with one of a name others may be shown by another
            before, now = self._shown.get(id), self._show(id)
            if before != now:
                self._note_shown(id, before, now)

    def _show(self, id: MemberId) -> _Shown | None:
        member = self._membership.get(id)
        if member is None or member.status is Status.LEFT:
            return None
        record = member.record
        return _Shown(
            self._membership.shown_name(member),
            dict(record.tags).get("dc", ""),
            (record.address, record.tags),
            member.status is Status.FAILED,
        )

    def _note_shown(self, id: MemberId, before: _Shown | None, now: _Shown | None) -> None:
        names = [held.value.name for held in self._nodes[id].services.values()] if id in self._nodes else []
        topics: list[Topic] = [("node", one.name.lower()) for one in (before, now) if one is not None]
        topics += [("service", name.lower()) for name in names]
        if before is None or now is None or (before.name, before.datacenter) != (now.name, now.datacenter):
            topics += [NODES, SERVICES, ALL_CHECKS, *(("checks", name.lower()) for name in names)]
        else:
            if before.words != now.words:
                topics.append(NODES)
            if before.is_failed != now.is_failed:
                topics.append(ALL_CHECKS)
        index = self._touch(topics)
        if now is None:
            self._shown.pop(id, None)
            return
        self._shown[id] = now
        facts = self._nodes.setdefault(id, NodeFacts(create_index=index))
        if before is None or before.is_failed != now.is_failed:
            facts.status_index = index
        if before is None or replace(before, is_failed=now.is_failed) != now:
            facts.modify_index = index

    def note_fact(self, owner: MemberId, fact: Fact | None) -> None:
        """Take what a member said; None: it is gone with all that it said."""
        if fact is None:
            self._forget(owner)
            return
        facts = self._nodes.get(owner)
        if facts is None:
            facts = self._nodes[owner] = NodeFacts(create_index=self.newest, modify_index=self.newest)
        try:
            self._take(owner, facts, fact)
        except MalformedMessage as wrong:
            _log.debug("a fact that says nothing to us: %s", wrong)

    def _take(self, owner: MemberId, facts: NodeFacts, fact: Fact) -> None:
        if fact.key == COORDINATE_KEY:
            facts.coordinate = Coordinate.decode(fact.value) if fact.value else None
            self._touch((COORDINATES,))
            return
        key = read_key(fact.key)
        if key is None:  # a horizon, or of a kind that a later version knows
            return
        if key.kind is Kind.SERVICE:
            self._take_service(owner, facts, key.id, Service.decode(key.id, fact.value) if fact.value else None)
        else:
            self._take_check(owner, facts, key.id, Check.decode(key.id, fact.value) if fact.value else None)

    def _node_topic(self, owner: MemberId) -> Topic:
        member = self._membership.get(owner)
        return ("node", "" if member is None else self._membership.shown_name(member).lower())

    def _take_service(self, owner: MemberId, facts: NodeFacts, id: str, service: Service | None) -> None:
        held = facts.services.get(id)
        topics: list[Topic] = [SERVICES, self._node_topic(owner)]
        for one in (service, held.value if held else None):
            if one is not None:
                topics += _service_topics(one.name)
        if facts.checks and _labels(service) != _labels(held.value if held else None):
            topics.append(ALL_CHECKS)  # a check is listed with its service's name and tags
        index = self._touch(topics)
        if held is not None:
            self._unlist(held.value.name, owner, id)
            del facts.services[id]
        if service is not None:
            facts.services[id] = Held(service, held.create_index if held else index, index)
            self._by_name.setdefault(service.name.lower(), {})[owner, id] = None

    def _unlist(self, name: str, owner: MemberId, id: str) -> None:
        instances = self._by_name.get(name.lower(), {})
        instances.pop((owner, id), None)
        if not instances:
            self._by_name.pop(name.lower(), None)

    def _take_check(self, owner: MemberId, facts: NodeFacts, id: str, check: Check | None) -> None:
        held = facts.checks.get(id)
        topics: list[Topic] = [ALL_CHECKS, self._node_topic(owner)]
        for one in (check, held.value if held else None):
            if one is not None:
                topics += self._topics_of(facts, one)
        index = self._touch(topics)
        if check is None:
            facts.checks.pop(id, None)
        else:
            facts.checks[id] = Held(check, held.create_index if held else index, index)

    def _topics_of(self, facts: NodeFacts, check: Check) -> list[Topic]:
        """Tell which services a check speaks of: its own, or, of a node's check, all of that node's."""
        if check.service_id:
            service = facts.services.get(check.service_id)
            names = [] if service is None else [service.value.name]
        else:
            names = [held.value.name for held in facts.services.values()]
        return [topic for name in names for topic in _service_topics(name)]

    def _forget(self, owner: MemberId) -> None:
        facts = self._nodes.pop(owner, None)
        if facts is None:
            return
        names = {held.value.name for held in facts.services.values()}
        for id, held in facts.services.items():
            self._unlist(held.value.name, owner, id)
        topics: list[Topic] = [SERVICES, ALL_CHECKS, NODES, self._node_topic(owner)]
        topics += [topic for name in names for topic in _service_topics(name)]
        self._touch(topics)


def _labels(service: Service | None) -> tuple[str, tuple[str, ...]] | None:
    return None if service is None else (service.name, service.tags)


def _service_topics(name: str) -> tuple[Topic, Topic]:
    lower = name.lower()
    return ("service", lower), ("checks", lower)
