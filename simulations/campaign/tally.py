"""What a campaign came to: sums for each scenario, the first violations, and one number over all results."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from simulations.result import Result
from simulations.scenario import Scenario

SHOWN_MAX = 20
"""Violated runs that are shown, each with its command: more would push the table off the screen."""


@dataclass(slots=True)
class ScenarioTally:
    """One scenario's sums."""

    scenario: Scenario
    runs: int = 0
    violated: int = 0
    """Runs with at least one violation."""
    counts: Counter[str] = field(default_factory=Counter)
    virtual_s: float = 0.0
    wall_s: float = 0.0
    events: int = 0
    first_found_s: list[float] = field(default_factory=list)
    """Of each run in which a member died: how long until the first observer held it failed."""
    all_found_s: list[float] = field(default_factory=list)
    """Of the same: until the last did."""

    def add(self, result: Result) -> None:
        """Add a run."""
        self.runs += 1
        self.violated += bool(result.violations)
        self.counts.update(result.counts)
        self.virtual_s += result.virtual_s
        self.wall_s += result.wall_s
        self.events += result.events
        after = [detection.after_s for detection in result.detections]
        if after:
            self.first_found_s.append(min(after))
            self.all_found_s.append(max(after))

    @property
    def reached(self) -> dict[str, int]:
        """What the scenario must reach in some run, and how often it did."""
        return {name: self.counts[name] for name in self.scenario.reached}

    def unreached(self) -> tuple[str, ...]:
        """Give what no run reached, if there were runs."""
        return tuple(name for name, count in self.reached.items() if not count) if self.runs else ()


class Tally:
    """All scenarios' sums."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self.scenarios = {scenario.name: ScenarioTally(scenario) for scenario in scenarios}
        self.shown: list[Result] = []
        """The first runs with violations."""
        self._hash = blake2b(digest_size=16)

    def add(self, result: Result) -> None:
        """Add a run, in the order of the campaign."""
        self.scenarios[result.scenario].add(result)
        if result.violations and len(self.shown) < SHOWN_MAX:
            self.shown.append(result)
        line = f"{result.scenario} {result.seed} {result.nodes} {result.digest} {len(result.violations)}\n"
        self._hash.update(line.encode())

    @property
    def runs(self) -> int:
        """Runs so far."""
        return sum(tally.runs for tally in self.scenarios.values())

    @property
    def violated(self) -> int:
        """Runs with violations so far."""
        return sum(tally.violated for tally in self.scenarios.values())

    @property
    def digest(self) -> str:
        """32 hex letters over the digests of all runs, in order: the same on every machine."""
        return self._hash.hexdigest()

    def vacuous(self) -> Iterator[str]:
        """Say of each scenario what it never reached, and so did not prove."""
        for name, tally in self.scenarios.items():
            for count in tally.unreached():
                yield f"vacuous: {name} never reached {count}"
