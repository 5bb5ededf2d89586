"""A settled cluster while every core is busy with something else: whom it holds for dead though nobody is."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.compare.cluster import open_cluster
from benchmarks.compare.cycle import Cycle, Outcome, Say
from benchmarks.compare.event import Word
from benchmarks.compare.node_process import NodeProcess
from benchmarks.compare.product import Product
from benchmarks.compare.scale import Scale
from simulations.machine import core_count

SPIN = (sys.executable, "-I", "-S", "-c", "while True: pass")


def run_hog(product: Product, node_count: int, duration_s: float, scale: Scale, say: Say) -> Outcome:
    """Count the alarms of a cluster for a time with one spinning process on each core.

    Raises:
        ClusterBroke: one of its nodes ended by itself, or never listened.
    """
    with open_cluster(product, node_count) as cluster:
        cycle = Cycle(cluster, scale, say)
        cycle.start()
        cycle.settle(scale.settle_s)
        say(f"{core_count()} hogs for {duration_s:g} s")
        began_at = time.monotonic()
        with _spin(core_count()):
            cluster.hearing.listen_for(duration_s)
        alarms = [told for told in cluster.story.false_alarms if told.at >= began_at]
        return Outcome(
            {
                "hog_s": duration_s,
                "hog_suspect": float(cluster.story.count_false(Word.SUSPECT, began_at)),
                "hog_failed": float(cluster.story.count_false(Word.FAILED, began_at)),
                "hog_suspect_lines": float(sum(told.event.word is Word.SUSPECT for told in alarms)),
                "hog_failed_lines": float(sum(told.event.word is Word.FAILED for told in alarms)),
            },
            cycle.outcome.notes,
        )


@contextmanager
def _spin(count: int) -> Iterator[None]:
    hogs: list[NodeProcess] = []
    try:
        for number in range(count):
            hogs.append(NodeProcess(f"hog {number + 1}", SPIN, {}))
        yield
    finally:
        for hog in hogs:
            hog.close()
