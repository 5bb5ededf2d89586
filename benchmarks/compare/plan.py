"""What is done in which order: the products take turns, so that the machine's moods hit all alike."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.compare.cycle import Outcome, Say, run_cycle, run_plain, run_start
from benchmarks.compare.hog import run_hog
from benchmarks.compare.product import Product
from benchmarks.compare.row import HOG, STARTS
from benchmarks.compare.scale import Scale


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for."""

    node_counts: Sequence[int]
    """At least 3 each: one is killed, another leaves, and the first stays."""
    stages: Collection[str]
    """Of each cycle; none: no cycles."""
    repetitions: int
    starts: int
    """Of the largest cluster, besides."""
    hog_s: float
    """Under load, besides; for each product."""
    seed: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One cluster of one product."""

    kind: str
    """`cycle`, `plain`, `starts` or `hog`."""
    product: Product
    node_count: int
    number: int
    """Of the repetition, from 1."""
    duration_s: float = 0.0
    """Of a hog's turn."""

    @property
    def title(self) -> str:
        """Name it to a person."""
        what = "" if self.kind == "cycle" else f" {self.kind}"
        return f"{self.product.name}{what}, N = {self.node_count}, no. {self.number}"

    def carry_out(self, wish: Wish, scale: Scale, say: Say) -> Outcome:
        """Do it. Raises ClusterBroke as `cycle.run_cycle`."""
        match self.kind:
            case "plain":
                return run_plain(self.product, self.node_count, scale, say)
            case "starts":
                return run_start(self.product, self.node_count, scale, say)
            case "hog":
                return run_hog(self.product, self.node_count, self.duration_s, scale, say)
            case _:
                # the same nodes die in every product's cluster of this repetition
                rng = Random(f"{wish.seed}/{self.node_count}/{self.number}")
                return run_cycle(self.product, self.node_count, wish.stages, scale, rng, say)


def make_plan(products: Sequence[Product], wish: Wish, scale: Scale) -> list[Turn]:
    """Lay the turns out: each repetition has every size, each size every product, who is first changes."""
    return [*_cycles(products, wish), *_starts(products, wish), *_hogs(products, wish, scale)]


def _cycles(products: Sequence[Product], wish: Wish) -> Iterator[Turn]:
    if not wish.stages:
        return
    for number in range(1, wish.repetitions + 1):
        for node_count in wish.node_counts:
            for product in _in_turn(products, number):
                if {*wish.stages} != {"plain"} or not product.may_be_plain:
                    yield Turn("cycle", product, node_count, number)
                if "plain" in wish.stages and product.may_be_plain:
                    yield Turn("plain", product, node_count, number)


def _starts(products: Sequence[Product], wish: Wish) -> Iterator[Turn]:
    for number in range(1, wish.starts + 1):
        for product in _in_turn(products, number):
            yield Turn(STARTS, product, max(wish.node_counts), number)


def _hogs(products: Sequence[Product], wish: Wish, scale: Scale) -> Iterator[Turn]:
    left_s, number = wish.hog_s, 0
    while left_s > 0:
        number += 1
        for product in _in_turn(products, number):
            yield Turn(HOG, product, scale.hog_nodes, number, min(left_s, scale.slice_s))
        left_s -= scale.slice_s


def _in_turn(products: Sequence[Product], number: int) -> list[Product]:
    first = (number - 1) % len(products)
    return [*products[first:], *products[:first]]
