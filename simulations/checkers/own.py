"""What a node says of itself: always more, never that it is gone, and never more than is on its disk."""

from protocol.status import Status
from protocol.swim.effect import PersistPresence, PersistReserve, RevocationTaken, Send, StreamSend
from protocol.ulid import MemberId
from protocol.wire.statement import Record, Revocation
from simulations.checkers.checker import Checker, Report
from simulations.checkers.shadow import Transition
from simulations.world import Node, Step, World
from simulations.world.stream import claims_of


class OwnIncarnation(Checker):
    """A node's own incarnation only grows, through restarts too."""

    name = "own-incarnation"
    law = "each record a node signs has a higher incarnation than its last, in this life or an earlier one"

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._lost_disk: set[int] = set()

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Note who lost its reserve: it begins by the clock alone."""
        if node is not None and kind == "restart" and not text.startswith("with its"):
            self._lost_disk.add(node.index)

    def see_own_record(self, step: Step, before: Record | None, now: Record) -> None:
        """Compare with the last."""
        if step.kind == "start" and step.node.index in self._lost_disk:
            self._lost_disk.discard(step.node.index)
        elif before is not None and now.incarnation <= before.incarnation:
            self.violate(step.at, step.node, f"says {now.incarnation} of itself, after {before.incarnation}")


class OwnStatus(Checker):
    """A running node holds itself alive, or left once it said goodbye."""

    name = "own-status"
    law = "a running node never sees itself suspect or failed, and left exactly when it said goodbye"

    def see_transition(self, step: Step, transition: Transition) -> None:
        """Look at a node's own row."""
        if transition.id == step.node.id:
            self._look(step.at, step.node)

    def audit(self, node: Node) -> None:
        """Look again."""
        self._look(self.world.now, node)

    def _look(self, at: float, node: Node) -> None:
        local, member = node.engine.local, node.engine.membership.get(node.id)
        expected = Status.LEFT if local.goodbye else Status.ALIVE
        if member is None:
            self.violate(at, node, "is not on its own list")
        elif member.status is not expected:
            self.violate(at, node, f"holds itself {member.status.value}, and is {expected.value}")
        elif member.record is not local.record:
            text = f"holds itself at {member.record.incarnation}, and says {local.record.incarnation}"
            self.violate(at, node, text)


class PersistedFirst(Checker):
    """What a crash must not undo is on disk before anybody hears of it."""

    name = "persisted-first"
    law = "the reserve is above an incarnation, and goodbye, return or revocation on disk, before a message tells of it"

    def see_own_record(self, step: Step, before: Record | None, now: Record) -> None:
        """Walk through a step's effects, in the order in which they are carried out."""
        disk = step.node.disk
        reserve, left = disk.reserve, disk.left
        for effect in step.effects:
            match effect:
                case PersistReserve():
                    reserve = effect.incarnation
                case PersistPresence():
                    left = effect.left
                case Send() | StreamSend() if _tells(effect, now) and not self._is_safe(step, now, reserve, left):
                    return
        self._is_safe(step, now, reserve, left)

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Look at the revocations that are told: a restart must not forget who is out."""
        if not len(step.node.engine.membership.revocations):
            return
        stored = step.node.disk.revocations
        taken: dict[MemberId, bytes] = {}
        for effect in step.effects:
            if type(effect) is RevocationTaken:
                taken[effect.revocation.subject] = effect.revocation.raw
            elif isinstance(effect, Send | StreamSend):
                for claim in effect.packet.claims if isinstance(effect, Send) else claims_of(effect.message):
                    word = claim.statement
                    if not isinstance(word, Revocation) or taken.get(word.subject) == word.raw:
                        continue
                    if (held := stored.get(word.subject)) is None or held.raw != word.raw:
                        self.violate(step.at, step.node, "tells of a revocation that is not on disk")
                        return

    def _is_safe(self, step: Step, record: Record, reserve: int, left: bool) -> bool:
        text = ""
        if record.incarnation >= reserve:
            text = f"says {record.incarnation}, and only those below {reserve} are reserved on disk"
        elif record.goodbye and not left:
            text = "says goodbye, which is not on disk"
        elif left and not record.goodbye:
            text = "says that it is back, and on disk it has left"
        if text:
            self.violate(step.at, step.node, text)
        return not text


def _tells(effect: Send | StreamSend, record: Record) -> bool:
    if isinstance(effect, Send):
        return effect.introduce or any(claim.statement is record for claim in effect.packet.claims)
    return any(claim.statement is record for claim in claims_of(effect.message))
