"""A node that is all memory: satisfies `api.view.NodeView` and notes what was asked of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import trio

from api.catalog_view import Watch
from api.view import (
    ConfigView,
    Event,
    EventBatch,
    Evidence,
    EvidenceLog,
    Health,
    Histogram,
    JoinReport,
    KeyView,
    MemberView,
    Metric,
    Sample,
)
from protocol.address import Address, split_host_port
from protocol.error import InvalidRequest
from protocol.status import Status
from protocol.ulid import compose_ulid, format_ulid
from tests.api.fake_catalog import FakeCatalog
from tests.api.fake_license import FakeLicensing
from tests.api.fake_peers import FakePeers
from tests.api.fake_services import FakeServices
from tests.api.fake_tokens import FakeTokens

CREATED_AT = 1_763_000_000_000
RING_START = 1_763_690_400_000


def fake_id(number: int) -> str:
    """Give the id of member `number`; larger numbers are younger."""
    return format_ulid(compose_ulid(CREATED_AT + number, number.to_bytes(10, "big")))


def fake_member(number: int, status: Status = Status.ALIVE) -> MemberView:
    """Give member `number`, of which 1 is the node itself."""
    return MemberView(
        id=fake_id(number),
        name=f"n{number}",
        region="global",
        datacenter="dc1",
        address=Address("127.0.0.1", 4646 + number),
        status=status,
        tags={"rack": f"r{number}"},
        incarnation=CREATED_AT + number,
        public_key=bytes([number % 256]) * 32,
        protocol_range=(1, 1, 1),
        version="0.1.0-dev",
        license_id="",
        display_name="",
        is_local=number == 1,
        since=1_763_000_000.5,
        rtt_s=None if number == 1 else 0.00125,
        created_at=CREATED_AT + number,
    )


class FakeView:
    """A node with some members; `calls` has every change asked for, in order."""

    def __init__(self, member_count: int = 3) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.peers = FakePeers(self.calls)
        self.tokens = FakeTokens(self.calls)
        self.licensing = FakeLicensing()
        self.catalog = FakeCatalog(lambda: self._members)
        self.services = FakeServices(self.calls, self.catalog.service_changed)
        self.catalog.local = self.services
        self.generation = 1
        self.cluster_id = fake_id(999)
        self.version = "0.1.0-dev"
        self.started_at = 1_763_000_000.0
        self.is_leaving = False
        self.awareness = 0
        self.is_ready = Health(True)
        self.is_live = Health(True)
        self.server_list: tuple[str, ...] = ("127.0.0.1:4647",)
        self.join_blocks = False
        self.listing_count = 0
        self._members = tuple(fake_member(number) for number in range(1, member_count + 1))
        self._events: list[Event] = []
        self._first_index = RING_START
        self._news = trio.Event()
        self._keys = {"0000000a": KeyView("0000000a", "primary", 3, 3), "0000000b": KeyView("0000000b", "held", 2, 3)}
        self._tags = {"rack": "r1"}

    def set_status(self, number: int, status: Status) -> None:
        """Change a member, as the engine would."""
        self.change_member(number, status=status)

    def change_member(self, number: int, **changed: Any) -> None:
        """Change fields of a member, and tell those who wait for answers that show it."""
        name = f"n{number}"
        self._members = tuple(replace(member, **changed) if member.name == name else member for member in self._members)
        self.generation += 1
        self.catalog.touch(Watch("nodes"))
        self.catalog.service_changed("", name)

    def add_event(self, name: str = "member-failed", number: int = 2) -> int:
        """Put an event on the ring; give its index."""
        member = fake_member(number)
        index = self.event_index + 1
        self._events.append(
            Event(index, 1.5, name, member.id, member.name, member.address, member.incarnation, Status.FAILED)
        )
        self._news.set()
        self._news = trio.Event()
        return index

    def forget_events(self, count: int) -> None:
        """Let the ring move on."""
        self._first_index = self._events[count - 1].index
        del self._events[:count]

    @property
    def event_index(self) -> int:
        """Tell the newest index."""
        return self._events[-1].index if self._events else self._first_index

    def events_since(self, index: int, limit: int) -> EventBatch:
        """Give events after an index."""
        if index < self._first_index or index > self.event_index:
            return EventBatch(tuple(self._events[:limit]), gap=True)
        return EventBatch(tuple(event for event in self._events if event.index > index)[:limit])

    async def wait_for_event(self, index: int) -> None:
        """Wait for a newer event."""
        while self.event_index <= index:
            await self._news.wait()

    def local(self) -> MemberView:
        """Give member 1."""
        return self._members[0]

    def members(self) -> tuple[MemberView, ...]:
        """Give all."""
        self.listing_count += 1
        return self._members

    def _find(self, node: str) -> MemberView | None:
        return next((one for one in self._members if node in (one.name, f"{one.name}.{one.region}", one.id)), None)

    async def join(self, addresses: Sequence[str], timeout_s: float) -> JoinReport:
        """Join all on 127.0.0.1; nothing else answers."""
        self.calls.append(("join", *addresses))
        if self.join_blocks:
            await trio.sleep_forever()
        errors = []
        for address in addresses:
            try:
                host, _ = split_host_port(address, 7946)
            except ValueError as wrong:
                errors.append(str(wrong))
                continue
            if host != "127.0.0.1":
                errors.append(f"{address}: nobody answers (within {timeout_s} s)")
        return JoinReport(len(addresses) - len(errors), tuple(errors))

    async def force_leave(self, node: str, prune: bool) -> bool:
        """Evict."""
        self.calls.append(("force_leave", node, prune))
        return self._find(node) is not None

    def servers(self) -> tuple[str, ...]:
        """Give the list."""
        return self.server_list

    async def replace_servers(self, addresses: Sequence[str], timeout_s: float) -> tuple[str, ...]:
        """Keep those on 127.0.0.1."""
        kept = tuple(sorted(text for text in addresses if text.startswith("127.0.0.1")))
        if not kept:
            raise InvalidRequest(f"no server is left: {addresses[0]!r} does not answer within {timeout_s} s")
        self.calls.append(("replace_servers", *addresses))
        self.server_list = kept
        return kept

    def health(self) -> Health:
        """Tell readiness."""
        return self.is_ready

    def live(self) -> Health:
        """Tell liveness."""
        return self.is_live

    def explain(self, node: str) -> EvidenceLog | None:
        """Give two entries."""
        member = self._find(node)
        if member is None:
            return None
        entries = (
            Evidence(1.0, "member-suspect", Status.SUSPECT, 7, ("n1",), ("direct: no answer",), 0.001, 1, 0.0, "why"),
            Evidence(2.0, "member-failed", Status.FAILED, 7),
        )
        return EvidenceLog(member.id, member.name, Status.FAILED, entries, 4)

    async def leave(self, stay: bool) -> None:
        """Say goodbye."""
        self.calls.append(("leave", stay))
        self.is_leaving = True
        self.generation += 1

    def keys(self) -> tuple[KeyView, ...]:
        """List keys."""
        return tuple(self._keys.values())

    async def add_key(self, key: bytes | None) -> KeyView:
        """Add a key."""
        if key is not None and len(key) != 32:
            raise InvalidRequest(f"a key has 32 bytes, not {len(key)}")
        self.calls.append(("add_key", key))
        self._keys["0000000c"] = KeyView("0000000c", "held", 1, 3)
        return self._keys["0000000c"]

    async def use_key(self, key_id: str, force: bool) -> KeyView | None:
        """Use a key that all have shown."""
        key = self._keys.get(key_id)
        if key is None:
            return None
        if key.shown_count < key.member_count and not force:
            raise InvalidRequest("n3 has not shown this key yet: wait, or use force")
        self.calls.append(("use_key", key_id, force))
        return replace(key, state="primary")

    async def retire_key(self, key_id: str) -> bool:
        """Retire a key."""
        if key_id not in self._keys:
            return False
        if self._keys[key_id].state == "primary":
            raise InvalidRequest("this key is in use: use another first")
        self.calls.append(("retire_key", key_id))
        return True

    async def set_tags(self, changed: Mapping[str, str], deleted: Sequence[str]) -> Mapping[str, str]:
        """Change tags."""
        if "region" in changed:
            raise InvalidRequest("the tag region is the node's own")
        self.calls.append(("set_tags", dict(changed), tuple(deleted)))
        self._tags = {key: value for key, value in {**self._tags, **changed}.items() if key not in deleted}
        return self._tags

    def config_view(self) -> ConfigView:
        """Give a configuration."""
        return ConfigView(
            node_name="n1",
            region="global",
            datacenter="dc1",
            bind=Address("127.0.0.1", 4647),
            advertise=Address("127.0.0.1", 4647),
            http=Address("127.0.0.1", 4646),
            data_dir="/var/lib/shoal",
            log_level="info",
            profile="lan",
            join=("127.0.0.1:4648",),
        )

    def stats(self) -> Mapping[str, Mapping[str, str]]:
        """Give one group of our own and one of Nomad's."""
        return {"keyring": {"keys": "2"}, "serf": {"event_queue": "5"}}

    def counters(self) -> tuple[Metric, ...]:
        """Give one of each kind."""
        return (
            Metric("shoal_members", "Members by status.", "gauge", (Sample(3.0, {"status": "alive"}),)),
            Metric("shoal_syncs_total", "Syncs.", "counter", (Sample(5.0),)),
            Metric(
                "shoal_probe_rtt_seconds",
                "Round trips.",
                "histogram",
                (Histogram(((0.001, 2), (0.01, 3), (float("inf"), 3)), 3, 0.007),),
            ),
        )
