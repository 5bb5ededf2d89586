"""Who is out: stays out until a newer word says in; and words about one id only follow each other upwards."""

from protocol.swim.effect import RevocationTaken
from protocol.swim.revocations import REVOCATIONS_MAX, revocation_rank
from protocol.ulid import MemberId
from protocol.wire.statement import Revocation
from simulations.checkers.checker import Checker, Report
from simulations.checkers.shadow import Transition
from simulations.world import Node, Step, World

Taken = dict[MemberId, Revocation]


class OfWords(Checker):
    """Writes down which words each process took, of its own life or from its disk."""

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._taken: dict[tuple[int, int], Taken] = {}

    def taken(self, node: Node) -> Taken:
        """Give the last word about each id that a process took; at its first step those of its disk."""
        key = (node.index, node.life)
        taken = self._taken.get(key)
        if taken is None:
            self._taken.pop((node.index, node.life - 1), None)
            taken = self._taken[key] = dict(node.disk.revocations)
        return taken

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Look at each word that is taken in this step."""
        if step.kind == "start":
            self.taken(step.node)
        for effect in step.effects:
            if type(effect) is RevocationTaken:
                self.see_word(step, effect.revocation, self.taken(step.node))

    def see_word(self, step: Step, word: Revocation, taken: Taken) -> None:
        """Look at a word, and write it down."""
        taken[word.subject] = word


class OutStaysOut(OfWords):
    """Once a list has taken the word that an id is out, the id is not on it."""

    name = "out-stays-out"
    law = "an id of which a node took the word that it is out is not on its list until it took a newer one"

    def see_word(self, step: Step, word: Revocation, taken: Taken) -> None:
        """Look whether the subject went."""
        super().see_word(step, word, taken)
        if word.revoked and step.node.engine.membership.get(word.subject) is not None:
            self._look(step.at, step.node, word.subject, taken)

    def see_transition(self, step: Step, transition: Transition) -> None:
        """Look at who comes, or changes."""
        taken = self._taken.get((step.node.index, step.node.life))
        if taken and transition.now is not None:
            self._look(step.at, step.node, transition.id, taken)

    def audit(self, node: Node) -> None:
        """Look at all who are out."""
        taken = self.taken(node)
        for id in taken:
            if node.engine.membership.get(id) is not None:
                self._look(self.world.now, node, id, taken)

    def _look(self, at: float, node: Node, id: MemberId, taken: Taken) -> None:
        word = taken.get(id)
        if word is None or not word.revoked or id == node.id or _is_full(node):
            return
        subject = self.world.find(id)
        text = f"{subject.name if subject else id.hex()} is on the list, and out by a word of version {word.version}"
        self.violate(at, node, text)


class WordsGrow(OfWords):
    """Of the words about one id a process holds the newest that it took, through restarts too."""

    name = "words-grow"
    law = "each word that a node takes about an id is newer than its last, and the last is what it holds"

    def see_word(self, step: Step, word: Revocation, taken: Taken) -> None:
        """Compare with the last."""
        last = taken.get(word.subject)
        if last is not None and revocation_rank(word) <= revocation_rank(last) and not _is_full(step.node):
            text = f"took a word of version {word.version} about {self._name(word.subject)}, after {last.version}"
            self.violate(step.at, step.node, text)
        super().see_word(step, word, taken)

    def audit(self, node: Node) -> None:
        """Compare with what it holds."""
        held = node.engine.membership.revocations
        if _is_full(node):
            return
        taken = self.taken(node)
        for id, word in taken.items():
            now = held.get(id)
            if now is None or now.raw != word.raw:
                has = "none" if now is None else f"one of version {now.version}"
                text = f"took a word of version {word.version} about {self._name(id)}, and holds {has}"
                self.violate(self.world.now, node, text)
        if len(held) != len(taken):
            self.violate(self.world.now, node, f"holds {len(held)} words, and took {len(taken)}")

    def _name(self, id: MemberId) -> str:
        subject = self.world.find(id)
        return subject.name if subject else id.hex()


def _is_full(node: Node) -> bool:
    """Tell whether a node holds as many words as it may: the oldest went, or may have."""
    return len(node.engine.membership.revocations) >= REVOCATIONS_MAX
