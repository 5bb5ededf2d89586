"""One number for a whole run: equal numbers mean that each event came at the same moment and did the same."""

from array import array
from hashlib import blake2b

from protocol.swim.effect import Changed, JoinEnded
from simulations.world.step import Step

FLUSH_NUMBERS = 4_096


class Digest:
    """A hash over (time, node, effects) of every step, with the text of each change."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self._numbers: list[float] = []

    def add(self, at: float, index: int, effect_count: int) -> None:
        """Take in one step."""
        numbers = self._numbers
        numbers += (at, index * 65_536 + effect_count)
        if len(numbers) >= FLUSH_NUMBERS:
            self._flush()

    def add_effects(self, step: Step) -> None:
        """Take in what listeners would hear of a step."""
        for effect in step.effects:
            if isinstance(effect, Changed):
                change = effect.change
                text = f"{change.kind.value} {change.id.hex()} {change.incarnation} {change.status.value} {change.name}"
                self.add_text(text)
            elif isinstance(effect, JoinEnded):
                self.add_text(f"joined {effect.peer!r} {effect.reason}")

    def add_text(self, text: str) -> None:
        """Take in a line."""
        self._flush()
        self._hash.update(text.encode())

    def _flush(self) -> None:
        self._hash.update(array("d", self._numbers).tobytes())
        self._numbers.clear()

    def hexdigest(self) -> str:
        """Give 32 hex letters over all so far."""
        self._flush()
        return self._hash.hexdigest()
