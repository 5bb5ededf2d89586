"""Who said what of whom, and when."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from benchmarks.compare.event import Event, Word

EPISODE_GAP_S = 10.0
"""Words about one node with less between them are one alarm: products differ in how many of their nodes log it."""
ALARMS = (Word.SUSPECT, Word.FAILED)


@dataclass(frozen=True, slots=True)
class Told:
    """One word, with the time of its arrival on the monotonic clock."""

    at: float
    teller: str
    event: Event


class Story:
    """All that the nodes of one cluster have said."""

    def __init__(self) -> None:
        self._told: list[Told] = []
        self._alive: dict[str, set[str]] = {}
        self._up: set[str] = set()
        self.false_alarms: list[Told] = []
        """Suspect or failed, said of a node that was up."""

    def hear(self, at: float, teller: str, event: Event) -> None:
        """Take one word; what a node says of itself is nothing."""
        if event.subject == teller:
            return
        told = Told(at, teller, event)
        self._told.append(told)
        known = self._alive.setdefault(teller, set())
        match event.word:
            case Word.ALIVE:
                known.add(event.subject)
            case Word.FAILED | Word.LEFT:
                known.discard(event.subject)
            case Word.SUSPECT:
                pass  # still a member; not every product says when it is over
        if event.word in ALARMS and event.subject in self._up:
            self.false_alarms.append(told)

    def put_up(self, name: str) -> None:
        """Hold a node for up from now on: it listens."""
        self._up.add(name)

    def put_down(self, name: str) -> None:
        """Hold a node for down from now on: it was killed, or told to leave; it has forgotten all."""
        self._up.discard(name)
        self._alive.pop(name, None)

    def sees(self, teller: str, names: Collection[str]) -> bool:
        """Tell whether a node has said alive of all others, and not taken it back."""
        known = self._alive.get(teller, set())
        return all(name in known for name in names if name != teller)

    def all_see(self, tellers: Iterable[str], names: Collection[str]) -> bool:
        """Tell whether each of some nodes holds all of some for alive."""
        return all(self.sees(teller, names) for teller in tellers)

    def times(self, word: Word, subject: str, since: float) -> dict[str, float]:
        """Give when each node first said a word of a subject, from a time on."""
        times: dict[str, float] = {}
        for told in self._told:
            if told.at >= since and told.event.word is word and told.event.subject == subject:
                times.setdefault(told.teller, told.at)
        return times

    def count_false(self, word: Word, since: float = float("-inf")) -> int:
        """Count the false alarms of one kind, whoever and however many said it."""
        last: dict[str, float] = {}
        count = 0
        for told in self.false_alarms:
            if told.at >= since and told.event.word is word:
                subject = told.event.subject
                count += told.at - last.get(subject, float("-inf")) > EPISODE_GAP_S
                last[subject] = told.at
        return count
