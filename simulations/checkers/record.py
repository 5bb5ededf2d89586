"""Who said what: no member's words are written by another, and no member says two things at once."""

from protocol.swim.effect import FactTaken, RevocationTaken
from protocol.ulid import MemberId
from protocol.wire.statement import Record, Statement, statement_author
from simulations.checkers.checker import Checker, Report
from simulations.checkers.shadow import Transition
from simulations.world import Node, Step, World
from simulations.world.object_transport import ObjectTransport


class OneRecord(Checker):
    """Across all observers, one incarnation means one thing."""

    name = "one-record"
    law = "all observers that hold a member at one incarnation hold the same record"

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._records: dict[MemberId, dict[int, Record]] = {}
        self._index_of: dict[MemberId, int] = {}
        self._lost_disk: set[int] = set()

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Note who lost what it had written down: it cannot know which incarnations it has used."""
        if node is not None and kind == "restart" and not text.startswith("with its"):
            self._lost_disk.add(node.index)

    def see_own_record(self, step: Step, before: Record | None, now: Record) -> None:
        """Excuse a copied data directory, and one that begins again below what it has used."""
        index = self._index_of.setdefault(step.node.id, step.node.index)
        used = max(self._records.get(now.id, ()), default=-1)
        if index != step.node.index or (step.node.index in self._lost_disk and now.incarnation <= used):
            self.excuse(step.node)

    def see_transition(self, step: Step, transition: Transition) -> None:
        """Compare with what whoever came first holds."""
        before, now = transition.before, transition.now
        if now is None or (before is not None and before.record is now.record):
            return
        record = now.record
        first = self._records.setdefault(transition.id, {}).setdefault(record.incarnation, record)
        if first is not record and first.raw != record.raw and not self.is_excused(transition.id):
            text = f"{record.name} at {record.incarnation} is not the record that another observer holds"
            self.violate(step.at, step.node, text)


class Genuine(Checker):
    """Nobody is hijacked: name, address and tags are as the subject gave them, charges as their authors did."""

    name = "genuine"
    law = "each record held was made by its subject's own engine, and each statement held is signed by its author"

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._said: dict[MemberId, dict[int, list[Record]]] = {}
        self._signs_by_hash = isinstance(world.transport, ObjectTransport)

    def see_own_record(self, step: Step, before: Record | None, now: Record) -> None:
        """Take down what a node says of itself."""
        self._take_down(now)

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Take down what a process said last, in a step that had no effect yet."""
        if node is not None and kind == "crash":
            self._take_down(node.engine.local.record)

    def _take_down(self, record: Record) -> None:
        said = self._said.setdefault(record.id, {}).setdefault(record.incarnation, [])
        if not any(other.raw == record.raw for other in said):
            said.append(record)

    def see_transition(self, step: Step, transition: Transition) -> None:
        """Look at what is new in a row."""
        before, now = transition.before, transition.now
        if now is None:
            return
        if before is None or before.record is not now.record:
            self._check_signed(step, now.record)
            if self.world.find(transition.id) is not None and not self.is_excused(transition.id):
                self._check_said(step, now.record)
        old = before.entry.accusations if before is not None else ()
        for accusation in now.entry.accusations:
            if accusation not in old:
                self._check_signed(step, accusation)
        if now.entry.eviction is not None and (before is None or before.entry.eviction is not now.entry.eviction):
            self._check_signed(step, now.entry.eviction)

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Look at what is newly held about who is out, and of what others say."""
        for effect in step.effects:
            if type(effect) is RevocationTaken:
                self._check_signed(step, effect.revocation)
            elif type(effect) is FactTaken and effect.fact is not None:
                self._check_signed(step, effect.fact)

    def _check_signed(self, step: Step, statement: Statement) -> None:
        """Check the signature; sealed, nothing comes in whose signature was not checked."""
        if self._signs_by_hash and not self.world.ledger.is_genuine(statement):
            author = self.world.find(statement_author(statement))
            name = author.name if author else "somebody"
            self.violate(step.at, step.node, f"holds a {type(statement).__name__.lower()} that {name} did not sign")

    def _check_said(self, step: Step, record: Record) -> None:
        said = self._said.get(record.id, {})
        exact = said.get(record.incarnation)
        if exact is not None:
            if any(other is record or other == record for other in exact):
                return
        elif self._is_fresh(record) or self._is_between(record, said):
            return
        text = f"holds {record.name} at {record.address}, incarnation {record.incarnation}, which it never said"
        self.violate(step.at, step.node, text)

    def _is_fresh(self, record: Record) -> bool:
        """Tell whether it is what the subject says now, though no step of it was seen since it says so."""
        return any(node.engine.local.record.raw == record.raw for node in self.world.nodes if node.id == record.id)

    def _is_between(self, record: Record, said: dict[int, list[Record]]) -> bool:
        """Tell whether the subject rose past it within one step, and said the same before or after."""
        below = max((incarnation for incarnation in said if incarnation < record.incarnation), default=None)
        above = min((incarnation for incarnation in said if incarnation > record.incarnation), default=None)
        if below is None or above is None:
            return False
        return any(_content(other) == _content(record) for other in (*said[below], *said[above]))


def _content(record: Record) -> tuple[object, ...]:
    return record.name, record.address, record.tags, record.display_name, record.public_key
