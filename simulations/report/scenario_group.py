"""The runs of one scenario, and what is counted over all of them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from simulations.report.quantile import Spread, measure_spread
from simulations.report.wording import natural
from simulations.result import Result


def is_duration(name: str) -> bool:
    """Tell whether a count is a length of time, which is never added up."""
    return name.endswith("_ms")


@dataclass(frozen=True, slots=True)
class Group:
    """All runs of one scenario."""

    scenario: str
    runs: tuple[Result, ...]

    @property
    def violations(self) -> int:
        """Count the violations of all runs."""
        return sum(len(run.violations) for run in self.runs)

    @property
    def counts(self) -> Counter[str]:
        """Add up what the runs reached; of a duration (`..._ms`), take the longest."""
        total: Counter[str] = Counter()
        for run in self.runs:
            for name, number in run.counts.items():
                total[name] = max(total[name], number) if is_duration(name) else total[name] + number
        return total

    @property
    def virtual_s(self) -> float:
        """Add up the virtual time."""
        return sum(run.virtual_s for run in self.runs)

    @property
    def wall_s(self) -> float:
        """Add up the time on a clock on the wall."""
        return sum(run.wall_s for run in self.runs)


@dataclass(frozen=True, slots=True)
class DetectionTimes:
    """How long the deaths of one scenario's runs took to be noticed."""

    scenario: str
    first: tuple[float, ...]
    """Per member that died in a run: its quickest observer."""
    every: tuple[float, ...]
    """Per member that died and observer."""
    first_spread: Spread
    every_spread: Spread


@dataclass(frozen=True, slots=True)
class SendRates:
    """Datagrams per node and virtual second, over all nodes of one scenario's runs."""

    scenario: str
    runs: int
    spread: Spread


def group_results(results: Sequence[Result]) -> list[Group]:
    """Gather results by scenario, in the order of its name."""
    by_scenario: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_scenario[result.scenario].append(result)
    return [Group(name, tuple(by_scenario[name])) for name in sorted(by_scenario, key=natural)]


def gather_detections(group: Group) -> DetectionTimes | None:
    """Gather a scenario's detection times; None where nobody was detected."""
    first: list[float] = []
    every: list[float] = []
    for run in group.runs:
        quickest: dict[str, float] = {}
        for detection in run.detections:
            if isfinite(detection.after_s):
                every.append(detection.after_s)
                quickest[detection.subject] = min(detection.after_s, quickest.get(detection.subject, detection.after_s))
        first.extend(quickest.values())
    first_spread, every_spread = measure_spread(first), measure_spread(every)
    if first_spread is None or every_spread is None:
        return None
    return DetectionTimes(group.scenario, tuple(first), tuple(every), first_spread, every_spread)


def gather_send_rates(group: Group) -> SendRates | None:
    """Gather what a scenario's nodes sent; None where it was not measured."""
    measured = [run for run in group.runs if run.virtual_s > 0 and run.traffic]
    rates = [sent.datagrams / run.virtual_s for run in measured for sent in run.traffic]
    spread = measure_spread(rates)
    return None if spread is None else SendRates(group.scenario, len(measured), spread)
