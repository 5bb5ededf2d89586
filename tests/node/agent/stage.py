"""A catalog with a few members who say what a test wants, and the HTTP routes over it: no engine, no network."""

from types import SimpleNamespace
from typing import Any, cast

from quart_trio import QuartTrio

from api.catalog_view import CatalogView
from node.agent.catalog import AgentCatalog
from node.catalog import Catalog
from node.node import Node
from protocol.catalog.check import Check, CheckStatus
from protocol.catalog.key import check_key, service_key
from protocol.catalog.service import Service
from protocol.status import Status
from protocol.swim import vivaldi
from protocol.swim.effect import Change, ChangeKind
from protocol.swim.location import COORDINATE_KEY
from protocol.swim.membership import Membership
from protocol.swim.settings import Settings
from protocol.wire.fact import Fact
from protocol.wire.message import Claim
from tests.api.asker import make_app, make_consul_app
from tests.api.fake_view import FakeView
from tests.protocol.wire.sample import HOME, Author, author

FIRST_INDEX = 1_000
AUTHORS = (author(1), author(2), author(3))
"""The first is the node itself."""


class Stage:
    """What one node knows; each act is told to its catalog as its engine would."""

    def __init__(self) -> None:
        self.membership = Membership(AUTHORS[0].id, Settings.lan())
        self.catalog = Catalog(self.membership, FIRST_INDEX)
        self._clock = 0
        self.member(0, "n1")
        node = SimpleNamespace(
            catalog=self.catalog,
            membership=self.membership,
            config=SimpleNamespace(datacenter="dc1"),
            engine=SimpleNamespace(coordinate=vivaldi.ORIGIN),
            local=SimpleNamespace(id=AUTHORS[0].id),
            services=SimpleNamespace(check=lambda id: None),
            members=lambda *statuses: [member for member in self.membership if member.status in statuses],
        )
        self.view: CatalogView = AgentCatalog(cast(Node, node))

    def apps(self) -> tuple[QuartTrio, QuartTrio]:
        """Build both apps over this catalog, with nothing kept."""
        fake: Any = FakeView(1)
        fake.catalog = self.view
        return make_consul_app(fake), make_app(fake)

    def _tick(self) -> int:
        self._clock += 1
        return self._clock

    def _note(self, who: Author) -> None:
        self.catalog.note_change(Change(ChangeKind.UPDATE, who.id, "", HOME, 0, Status.ALIVE, 0.0))

    def member(self, who: int, name: str, *, leaves: bool = False, **tags: str) -> None:
        """Apply a member's record: it comes, changes or leaves."""
        record = AUTHORS[who].record(self._tick(), name=name, goodbye=leaves, tags=tags)
        self.membership.apply(0.0, Claim(record))
        self._note(AUTHORS[who])

    def fail(self, who: int) -> None:
        """Mark a member failed, as this node's own verdict, if it lives."""
        member = self.membership.get(AUTHORS[who].id)
        if who and member is not None and member.is_live:
            self.membership.mark_failed(0.0, member)
            self._note(AUTHORS[who])

    def forget(self, who: int) -> None:
        """Remove a member from the list, if it is gone."""
        member = self.membership.get(AUTHORS[who].id)
        if who and member is not None and not member.is_live:
            self.membership.forget(member, 0.0)
            self._note(AUTHORS[who])
            self.catalog.note_fact(AUTHORS[who].id, None)

    def _say(self, who: int, key: bytes, value: bytes) -> None:
        if AUTHORS[who].id in {member.id for member in self.membership}:
            self.catalog.note_fact(AUTHORS[who].id, Fact(b"", AUTHORS[who].id, key, self._tick(), value))

    def offer(self, who: int, id: str, name: str, *tags: str) -> None:
        """Apply a service that a member offers."""
        self._say(who, service_key(id), Service(id, name, tags).encode())

    def withdraw(self, who: int, id: str) -> None:
        """Apply the end of a service."""
        self._say(who, service_key(id), b"")

    def check(self, who: int, id: str, status: CheckStatus, service_id: str = "") -> None:
        """Apply how a member's check stands."""
        self._say(who, check_key(id), Check(id, id, status, service_id=service_id).encode())

    def stand(self, who: int, x: float) -> None:
        """Apply where a member stands."""
        place = vivaldi.Coordinate((x, *(0.0,) * 7), 0.5, 0.0, 0.001)
        self._say(who, COORDINATE_KEY, place.encode())
