"""Nothing grows without end: each bound is the product's constant, and named in the report."""

from collections import Counter
from collections.abc import Iterator

from protocol.budget import HOLDERS_MAX, Budget
from protocol.purpose import Purpose
from protocol.swim.address_book import CONTACTS_MAX
from protocol.swim.admission import RECENT_MAX
from protocol.swim.core import FACT_RUMORS_MAX, PARTED_MAX
from protocol.swim.deadline import STALE_MIN
from protocol.swim.entry import ACCUSATIONS_MAX
from protocol.swim.evidence import EVIDENCE_MAX
from protocol.swim.facts import FACTS_MAX, FACTS_SIZE_MAX, FACTS_TOTAL_MAX, FACTS_TOTAL_SIZE_MAX
from protocol.swim.membership import FORGOTTEN_MAX, LIST_FACTOR_MAX
from protocol.swim.ping import PINGS_MAX, RELAYS_EACH_MAX, RELAYS_MAX
from protocol.swim.revocations import REVOCATIONS_MAX
from protocol.swim.rtt import ROUND_TRIPS_MAX
from protocol.swim.rumor import RUMORS_MAX
from protocol.swim.stream import PEER_STREAMS_MAX, SETTLED_MAX, SLIGHTED_MAX, STREAMS_MAX, Streams, Turn
from protocol.swim.verdict import CHECKS_MAX
from protocol.ulid import MemberId
from protocol.wire.statement import RECORD_SIZE_MAX
from simulations.checkers.checker import Checker
from simulations.checkers.shadow import Transition
from simulations.world import Node, Step

Measure = tuple[str, int, int]
"""The bound's name, what is there, and the bound."""


class Bounds(Checker):
    """Every queue, list, log and cache of an engine is within its bound."""

    name = "bounds"
    law = "every list, queue, log and cache of a node is within the bound that its constant names"

    def see_transition(self, step: Step, transition: Transition) -> None:
        """Look at who is let in: those who return may be more than the seats, newcomers may not."""
        now = transition.now
        if transition.before is not None or now is None or transition.id == step.node.id:
            return
        seats, membership = step.node.settings.members_max, step.node.engine.membership
        if membership.is_live(transition.id) and membership.live_count - len(step.claims) >= seats:
            text = f"{transition.name} was let in as live member {membership.live_count} of members_max = {seats}"
            self.violate(step.at, step.node, text)

    def audit(self, node: Node) -> None:
        """Measure everything."""
        for name, there, bound in _measures(node):
            if there > bound:
                self.violate(self.world.now, node, f"{there} where {name} allows {bound}")


def _measures(node: Node) -> Iterator[Measure]:
    engine = node.engine
    core, membership, pinger, verdicts = engine.core, engine.membership, engine.pinger, engine.verdicts
    yield "LIST_FACTOR_MAX * members_max", len(membership._gone), LIST_FACTOR_MAX * node.settings.members_max
    yield "FORGOTTEN_MAX", len(membership._forgotten), FORGOTTEN_MAX
    yield "REVOCATIONS_MAX", len(membership.revocations), REVOCATIONS_MAX
    yield "REVOCATIONS_MAX (shares of the hash)", len(membership.revocations._marks), REVOCATIONS_MAX
    yield "RECENT_MAX", len(membership.admission._recent), RECENT_MAX
    yield "PARTED_MAX", len(core._parted), PARTED_MAX
    yield "RUMORS_MAX", len(core.rumors), RUMORS_MAX
    yield "FACT_RUMORS_MAX", len(core.fact_rumors), FACT_RUMORS_MAX
    owned = membership.facts._owned
    yield "FACTS_MAX", max((len(held.facts) for held in owned.values()), default=0), FACTS_MAX
    yield "FACTS_SIZE_MAX", max((held.size for held in owned.values()), default=0), FACTS_SIZE_MAX
    yield "FACTS_TOTAL_MAX", len(membership.facts), FACTS_TOTAL_MAX
    yield "FACTS_TOTAL_SIZE_MAX", sum(held.size for held in owned.values()), FACTS_TOTAL_SIZE_MAX
    yield "the list (owners of facts)", len(owned), len(membership)
    yield "PINGS_MAX", len(pinger._outstanding), PINGS_MAX
    yield "RELAYS_MAX", max(pinger._relay_count, sum(pinger._relays.values())), RELAYS_MAX
    yield "RELAYS_EACH_MAX", max(pinger._relays.values(), default=0), RELAYS_EACH_MAX
    accepted = _accepted(engine.streams)
    yield "STREAMS_MAX", accepted.total(), STREAMS_MAX
    yield "PEER_STREAMS_MAX", max(accepted.values(), default=0), PEER_STREAMS_MAX
    yield "SETTLED_MAX", len(engine.streams._settled), SETTLED_MAX
    yield "SLIGHTED_MAX", len(engine.streams._slighted), SLIGHTED_MAX
    yield "CHECKS_MAX", len(verdicts._checks), CHECKS_MAX
    yield "the list (paths of suspicions)", len(verdicts._paths), len(membership)
    yield "the list (suspicions)", len(verdicts._suspicions), len(membership)
    yield "CONTACTS_MAX", len(core.book), CONTACTS_MAX
    yield "the address book (attempts)", len(core.book._attempts), len(core.book)
    yield "the address book (failed)", len(core.book._failed_at), len(core.book)
    yield "ROUND_TRIPS_MAX", len(core.round_trips), ROUND_TRIPS_MAX
    for timers in (core.timers, core.book._due):
        yield "STALE_MIN + 2 * armed", len(timers._heap), STALE_MIN + 2 * len(timers)
    yield "awareness_max", core.awareness.score + 1, max(1, node.settings.awareness_max)
    for budget in _budgets(node):
        yield "HOLDERS_MAX", len(budget._buckets), HOLDERS_MAX
    yield from _rows(node)


def _rows(node: Node) -> Iterator[Measure]:
    """Give the largest of each measure of a row."""
    evidence = accusations = size = 0
    for member in node.engine.membership:
        entry = member.entry
        evidence = max(evidence, len(member.evidence))
        accusations = max(accusations, len(entry.accusations))
        size = max(size, len(entry.record.raw))
    yield "EVIDENCE_MAX", evidence, EVIDENCE_MAX
    yield "ACCUSATIONS_MAX", accusations, ACCUSATIONS_MAX
    yield "RECORD_SIZE_MAX", size, RECORD_SIZE_MAX


def _budgets(node: Node) -> tuple[Budget, ...]:
    engine = node.engine
    reception, local = engine.reception, engine.local
    return (
        engine.core.corrections,
        reception._accusations,
        reception._records,
        reception._revocations,
        engine.facts._budget,
        local._refutations,
        local._doubts,
    )


def _accepted(streams: Streams) -> Counter[MemberId | None]:
    """Count the streams that each peer opened: one's own are few by their pace."""
    return Counter(
        held.peer
        for held in streams._streams.values()
        if held.purpose is Purpose.SYNC
        and held.turn is not Turn.DIALLED
        and not (held.exchange is not None and held.exchange._initiator)
    )
