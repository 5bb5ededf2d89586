"""One engine on the bench: its inputs by hand, its effects in the open."""

from random import Random
from typing import TypeVar

from protocol.address import Address
from protocol.status import Status
from protocol.swim.census import EMPTY_CENSUS, Census
from protocol.swim.effect import Change, Changed, ChangeKind, Effect, Send
from protocol.swim.engine import Engine
from protocol.swim.local import Profile
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from protocol.wire.message import Claim, Message, Packet
from protocol.wire.statement import Statement
from tests.protocol.wire.sample import Author, author

ME, PEER, SUBJECT, ACCUSER = author(1), author(2), author(3), author(4)
FIRST = 5
"""The incarnation that all begin with."""

E = TypeVar("E")


def profile_of(who: Author, *, start: int = 1, tags: dict[str, str] | None = None, license_id: str = "") -> Profile:
    """Give what a node says about itself."""
    return Profile(
        id=who.id,
        public_key=who.key,
        name=f"n{who.key[0]}",
        address=Address("10.0.0.1", 7000 + who.key[0]),
        start=start,
        version="1",
        license_id=license_id,
        tags=tags or {},
    )


def make_engine(
    who: Author = ME,
    settings: Settings | None = None,
    *,
    seed: int = 1,
    incarnation: int = FIRST,
    census: Census = EMPTY_CENSUS,
) -> Engine:
    """Make an engine that was not started; by itself it holds failed without a second look, to the moment."""
    chosen = settings or Settings.lan(second_look=False, own_look=False)
    profile = profile_of(who, license_id=chosen.license_id)
    return Engine(profile, chosen, incarnation=incarnation, sign=who.sign, rng=Random(seed), census=census)


def started(who: Author = ME, settings: Settings | None = None, *known: Statement) -> Engine:
    """Make an engine that knows some statements at time 0; what it emitted so far is gone."""
    engine = make_engine(who, settings)
    engine.start(0.0)
    for statement in known:
        tell(engine, 0.0, statement)
    return engine


def tell(engine: Engine, now: float, statement: Statement, *, sender: Author = PEER, age_s: int = 0) -> list[Effect]:
    """Let a sender bring one claim."""
    return engine.handle_packet(now, sender.id, Packet((), (Claim(statement, age_s),)))


def say(engine: Engine, now: float, message: Message, *, sender: Author = PEER) -> list[Effect]:
    """Let a sender say one message."""
    return engine.handle_packet(now, sender.id, Packet((message,)))


def advance(engine: Engine, until: float) -> list[Effect]:
    """Serve every deadline at its time."""
    effects: list[Effect] = []
    while (due := engine.next_deadline()) is not None and due <= until:
        effects += engine.handle_timer(due)
    return effects


def only(kind: type[E], effects: list[Effect]) -> list[E]:
    """Give the effects of one kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def changes(effects: list[Effect], id: MemberId | None = None) -> list[Change]:
    """Give the changes, about one member if given."""
    return [effect.change for effect in only(Changed, effects) if id is None or effect.change.id == id]


def kinds(effects: list[Effect], id: MemberId = SUBJECT.id) -> list[ChangeKind]:
    """Give the kinds of the changes about one member."""
    return [change.kind for change in changes(effects, id)]


def told(effects: list[Effect], to: MemberId) -> list[Statement]:
    """Give the statements that go to one peer."""
    return [claim.statement for send in only(Send, effects) if send.to == to for claim in send.packet.claims]


def said(effects: list[Effect], to: MemberId) -> list[Message]:
    """Give the messages that go to one peer."""
    return [message for send in only(Send, effects) if send.to == to for message in send.packet.messages]


def status(engine: Engine, who: Author = SUBJECT) -> Status | None:
    """Tell what the engine thinks of somebody."""
    member = engine.membership.get(who.id)
    return member.status if member else None
