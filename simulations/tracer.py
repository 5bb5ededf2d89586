"""A run written down line by line, with a legend, for reading with grep and diff.

The idea is TigerBeetle's: terse columns that line up, so that an eye finds what differs. The same plan gives the
same lines.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import assert_never

from protocol.swim.effect import (
    Changed,
    Cloned,
    Dial,
    Effect,
    Expelled,
    FactTaken,
    ForgetContact,
    JoinEnded,
    KeyringReceived,
    LeaveEnded,
    PersistContact,
    PersistPresence,
    PersistReserve,
    RevocationTaken,
    Send,
    StartRaised,
    SteppedDown,
    StreamClose,
    StreamSend,
    StreamVerdict,
)
from protocol.ulid import MemberId, format_ulid
from protocol.wire.fact import Fact
from protocol.wire.message import (
    Ack,
    Claim,
    Forgotten,
    KeyringOffer,
    Message,
    Nack,
    NoSeat,
    Packet,
    Ping,
    PingReq,
)
from protocol.wire.statement import Accusation, Eviction, Record, Revocation
from simulations.checkers import ALL_CHECKERS, Checker
from simulations.deed import Deed
from simulations.plan import Plan
from simulations.result import Result
from simulations.run import Run
from simulations.scenario import Scenario
from simulations.world import Node, Step, World
from simulations.world.stream import claims_of

LINES_MAX = 200_000
"""Some 20 MB: what is longer is not read from top to bottom; a shorter run, or fewer nodes, is."""
REMEMBERED_MAX = 4_096
"""Datagrams under way of which it is known who sent them; an arrival does not say."""
CLAIMS_SHOWN = 6
"""Of one datagram or stream message; a sync may carry hundreds."""
IN_WIDTH = 34
OUT_WIDTH = 44
"""What is wider pushes what follows to the right, and loses nothing."""

LEGEND = """\
# time       virtual seconds
# node       where it happened
# in         <n2 ping      a datagram from n2, and what was in it; <? where that cannot be told
#            ~root         a message on a stream; timer, start, join, ...: what else the engine was called for
# out        >n4 ack       a datagram; several are parted by a bar
#            dial n4 sync  a stream is opened, for this purpose; ~root a message on a stream
# messages   ping ack nack, req:n7 (ping n7 for me), forgotten:n7, keyring
# claims     n7+0 its record, n7-0 its goodbye, n7?0 an accusation, n7!0 an eviction; the number counts
#            incarnations from the first that was seen of that member
# change     n7=suspect    what the node now holds of n7
# **         a deed of the plan, or what is done to a process or to the network
"""


class Tracer:
    """A watcher that writes lines."""

    def __init__(self, world: World, write: Callable[[str], object]) -> None:
        """Write through `write`, which gets whole lines without their end."""
        self._world, self._write = world, write
        self._lines = 0
        self._first: dict[MemberId, int] = {}
        self._senders: dict[tuple[MemberId, Packet], str] = {}

    def begin(self, plan: Plan, command: str) -> None:
        """Write the head: what this is, how to have it again, and the legend."""
        self._write(f"# {plan.scenario}: {plan.nodes} nodes, seed {plan.seed}, profile {plan.profile}")
        self._write(f"# {command}")
        for line in LEGEND.splitlines():
            self._write(line)
        self._write(f"# {'time':>9} {'node':<6}{'in':<{IN_WIDTH}} {'out':<{OUT_WIDTH}} change")

    def end(self, result: Result) -> None:
        """Write what it came to."""
        for violation in result.violations:
            where = f" at {violation.node}" if violation.node else ""
            self._write(f"# violation: {violation.checker} at {violation.at:.4f} s{where}: {violation.text}")
        self._write(f"# {result.events} events, digest {result.digest}")

    # --- watching -------------------------------------------------------------------------------

    def see_deed(self, deed: Deed) -> None:
        """Write down what the plan does."""
        self._line("", f"** {deed.text()}")

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Write down what is done to a process or to the network."""
        self._line(node.name if node else "", f"** {kind} {text}".rstrip())

    def see_step(self, step: Step) -> None:
        """Write down a step of which anything came, or in which anything came."""
        came = self._came(step)
        went = " | ".join(self._sent(step.node, step.effects))
        changes = " ".join(self._changes(step.effects))
        if came or went or changes:
            self._line(step.node.name, f"{came or step.kind:<{IN_WIDTH}} {went:<{OUT_WIDTH}} {changes}".rstrip())

    def _line(self, node: str, text: str) -> None:
        self._lines += 1
        if self._lines < LINES_MAX:
            self._write(f"{self._world.now:11.4f} {node:<6}{text}")
        elif self._lines == LINES_MAX:
            self._write(f"# {LINES_MAX} lines are the most: the rest is not written down")

    # --- what came in ---------------------------------------------------------------------------

    def _came(self, step: Step) -> str:
        detail = step.detail
        if detail is None:
            return "" if step.kind in ("timer", "stream") else step.kind
        if isinstance(detail, Packet):
            sender = self._senders.get((step.node.id, detail), "?")
            return f"<{sender} {self._packet(detail, step.claims)}"
        return " ".join([f"~{type(detail).__name__.lower()}", *self._claims(step.claims)])

    def _packet(self, packet: Packet, claims: Sequence[Claim]) -> str:
        words = [self._message(message) for message in packet.messages]
        return " ".join(words + self._claims(claims))

    def _message(self, message: Message) -> str:
        match message:
            case PingReq(target=target):
                return f"req:{self._name(target)}"
            case Forgotten(subject=subject):
                return f"forgotten:{self._name(subject)}"
            case KeyringOffer():
                return "keyring"
            case Ping() | Ack() | Nack() | NoSeat():
                return type(message).__name__.lower()
            case _:
                assert_never(message)

    def _claims(self, claims: Sequence[Claim]) -> list[str]:
        """Give nothing, or one word in brackets."""
        shown = [self._claim(claim) for claim in claims[:CLAIMS_SHOWN]]
        if len(claims) > CLAIMS_SHOWN:
            shown.append(f"and {len(claims) - CLAIMS_SHOWN} more")
        return [f"[{' '.join(shown)}]"] if shown else []

    def _claim(self, claim: Claim) -> str:
        statement = claim.statement
        match statement:
            case Record():
                id, sign = statement.id, "-" if statement.goodbye else "+"
            case Accusation():
                id, sign = statement.subject, "?"
            case Eviction():
                id, sign = statement.subject, "!"
            case Revocation():
                return f"{self._name(statement.subject)}{'x' if statement.revoked else 'o'}"
            case Fact():
                return f"{self._name(statement.owner)}:{statement.key.decode(errors='replace') or 'horizon'}"
            case _:
                assert_never(statement)
        first = self._first.setdefault(id, statement.incarnation)
        return f"{self._name(id)}{sign}{statement.incarnation - first}"

    def _name(self, id: MemberId) -> str:
        node = self._world.find(id)
        return node.name if node else format_ulid(id)[-4:]

    # --- what came of it ------------------------------------------------------------------------

    def _sent(self, node: Node, effects: Sequence[Effect]) -> Iterator[str]:
        for effect in effects:
            match effect:
                case Send(to=to, packet=packet):
                    self._remember(node, effect)
                    introduced = " (new)" if effect.introduce else ""
                    yield f">{self._name(to)} {self._packet(packet, packet.claims)}{introduced}"
                case Dial(to=to, purpose=purpose):
                    whom = self._name(to) if to else str(effect.address)
                    yield f"dial {whom} {purpose.name.lower()}"
                case StreamVerdict(refusal=refusal):
                    yield f"refuse: {refusal.value}" if refusal else "agree"
                case StreamSend(message=message):
                    yield " ".join([f"~{type(message).__name__.lower()}", *self._claims(claims_of(message))])
                case StreamClose():
                    yield "close"
                case _:
                    continue

    def _remember(self, node: Node, effect: Send) -> None:
        """Note who sent this; where two sent the same to one receiver, both."""
        key = (effect.to, effect.packet)
        known = self._senders.pop(key, node.name)
        self._senders[key] = known if node.name in known.split("/") else f"{known}/{node.name}"
        if len(self._senders) > REMEMBERED_MAX:
            del self._senders[next(iter(self._senders))]

    def _changes(self, effects: Sequence[Effect]) -> Iterator[str]:
        for effect in effects:
            match effect:
                case Changed(change):
                    yield f"{self._name(change.id)}={change.status.value}"
                case JoinEnded(peer=peer):
                    yield f"joined {self._name(peer)}" if peer else f"join failed: {effect.reason}"
                case LeaveEnded():
                    yield "left"
                case Cloned():
                    yield "cloned"
                case RevocationTaken(revocation):
                    yield f"{self._name(revocation.subject)} {'out' if revocation.revoked else 'in again'}"
                case Expelled():
                    yield "expelled"
                case SteppedDown():
                    yield "stepped down"
                case FactTaken(owner, fact):
                    yield f"{self._name(owner)} says {fact.key.decode(errors='replace') if fact else 'nothing more'}"
                case StartRaised():
                    yield "start raised"
                case PersistReserve() | PersistContact() | PersistPresence() | ForgetContact() | KeyringReceived():
                    continue
                case Send() | Dial() | StreamVerdict() | StreamSend() | StreamClose():
                    continue
                case _:
                    assert_never(effect)


class TracedRun(Run):
    """A run that is written down; who carries it out begins and ends the trace."""

    def __init__(
        self,
        plan: Plan,
        scenario: Scenario,
        write: Callable[[str], object],
        checkers: Sequence[type[Checker]] = ALL_CHECKERS,
        tell: Callable[[float, float], None] | None = None,
    ) -> None:
        """Prepare it; `write` gets the lines, the rest is as Run takes it."""
        super().__init__(plan, scenario, checkers=checkers, tell=tell)
        self.tracer = Tracer(self.world, write)
        self.world.watch(self.tracer, routine=True)

    def _doer(self, deed: Deed) -> Callable[[], None]:
        do = super()._doer(deed)

        def traced() -> None:
            self.tracer.see_deed(deed)
            do()

        return traced
