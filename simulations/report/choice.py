"""Which of the runs is shown in full."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulations.result import Result


@dataclass(frozen=True, slots=True)
class Choice:
    """The run that is shown, and why it."""

    run: Result
    reason: str


def choose_run(results: Sequence[Result]) -> Choice:
    """Choose the first run with a violation, else the one with the richest timeline.

    The richest has the most kinds of moments; of those, the most moments that are not joins, which every
    run has by the hundred. Of equals the first. `results` is not empty.
    """
    for run in results:
        if run.violations:
            return Choice(run, "the first run with a violation")
    reason = "no run has a violation; this one has the richest timeline" if len(results) > 1 else "the only run"
    return Choice(max(results, key=_richness), reason)


def _richness(run: Result) -> tuple[int, int]:
    kinds = [moment.kind for moment in run.timeline]
    return len(set(kinds)), len(kinds) - kinds.count("member-join")
