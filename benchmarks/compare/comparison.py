"""One run: the machine, the products, and all that was measured so far."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.compare.hearing import ClusterBroke
from benchmarks.compare.plan import Turn, Wish
from benchmarks.compare.private_network import why_no_network
from benchmarks.compare.product import Product
from benchmarks.compare.scale import Scale
from benchmarks.compare.table import format_turn
from benchmarks.compare.tally import Tally
from benchmarks.compare.teller import Teller
from simulations.machine import this_machine


class Comparison:
    """Grows turn by turn; what is there can be shown at any time."""

    def __init__(
        self, products: Sequence[Product], absent: Mapping[str, str], command: str, wish: Wish, scale: Scale
    ) -> None:
        """Begin; `absent` says of each peer that is not here how to get it."""
        self.machine = this_machine()
        self.command = command
        self.product_names = [product.name for product in products]
        self.versions = {product.name: product.version() for product in products}
        self.absent = absent
        self.tally = Tally(self.product_names)
        self.notes = [f"{reason} It is left out." for reason in absent.values()]
        """What a reader has to know, one sentence or two each."""
        reason = why_no_network()
        if reason:
            self.notes.append(f"No packets and bytes: {reason}, and here they cannot be told from others'.")
        self.is_complete = False
        self._wish = wish
        self._scale = scale
        self._turns: list[dict[str, Any]] = []

    def introduction(self) -> Iterator[str]:
        """Say what is compared, and what is not."""
        yield self.machine.as_line()
        yield "; ".join(f"{name} {version}" for name, version in self.versions.items())
        yield from self.notes

    def carry_out(self, plan: Sequence[Turn], teller: Teller) -> None:
        """Do all turns; one whose cluster breaks is told of, and gives nothing."""
        for turn in plan:
            teller.begin(turn.title)
            try:
                outcome = turn.carry_out(self._wish, self._scale, teller.say)
            except ClusterBroke as error:
                self.notes.append(f"{turn.title} gave nothing: {error}.")
                teller.end(f"{turn.title} gave nothing: {error}.")
                continue
            self.tally.add(turn.product.name, turn.node_count, outcome.readings)
            self.notes += [f"{turn.title}: {note}." for note in outcome.notes]
            self._turns.append(
                {
                    "kind": turn.kind,
                    "product": turn.product.name,
                    "node_count": turn.node_count,
                    "number": turn.number,
                    "readings": outcome.readings,
                    "notes": outcome.notes,
                }
            )
            teller.end(format_turn(turn.title, outcome.readings, outcome.notes))
        self.is_complete = True

    def as_json(self) -> dict[str, Any]:
        """Give it for a machine to read."""
        return {
            "machine": self.machine.as_json(),
            "command": self.command,
            "is_complete": self.is_complete,
            "versions": self.versions,
            "absent": dict(self.absent),
            "wish": asdict(self._wish),
            "scale": asdict(self._scale),
            "lines": [line.as_json() for node_count in self.tally.node_counts for line in self.tally.lines(node_count)],
            "turns": self._turns,
            "notes": self.notes,
        }
