"""What happens in one run, told as it happens: steps, waits with their progress, promises kept and broken."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from simulations.processes.agent_process import POLL_S
from simulations.processes.checker import Finding
from simulations.result import Violation

PROGRESS_AFTER_S = 2.0
"""A wait that lasts longer shows how far it is."""
FINDINGS_TOLD_MAX = 20
"""Of one check: when all of many members see all others wrongly, the first ones say it."""

StepKind = Literal["done", "held", "broken"]
_WORDS: dict[StepKind, str] = {"done": "", "held": "ok  ", "broken": "BROKEN  "}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a story."""

    at: float
    """Seconds since the run began."""
    kind: StepKind
    text: str


class Over(Exception):
    """A promise that all further ones rest on is broken; its violations are in the story."""


class Story:
    """One run's steps and violations; each step is a line on standard output unless `quiet`."""

    def __init__(self, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.steps: list[Step] = []
        self.violations: list[Violation] = []
        self.counts: dict[str, int] = {}
        self._quiet = quiet
        self._clock = clock
        self._begun = clock()

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._begun

    def tell(self, text: str) -> None:
        """Say what was done to the cluster."""
        self._add("done", text)

    def count(self, what: str, number: int) -> None:
        """Say how often something happened, so that a run that reached nothing shows it."""
        self.counts[what] = self.counts.get(what, 0) + number

    def check(self, promise: str, findings: Sequence[Finding]) -> None:
        """Tell a promise kept, or each finding as a violation; the story goes on."""
        if not findings:
            self._add("held", promise)
        for finding in findings[:FINDINGS_TOLD_MAX]:
            self.violations.append(Violation(finding.checker, round(self.now, 3), finding.node, finding.text))
            self._add("broken", finding.text)
        if len(findings) > FINDINGS_TOLD_MAX:
            self._add("broken", f"and {len(findings) - FINDINGS_TOLD_MAX} more of the kind")

    def expect(self, promise: str, find: Callable[[], Sequence[Finding]], within_s: float) -> float:
        """Look again until nothing is found; the seconds it took.

        Raises:
            Over: the time is up; what is still found are the violations.
        """
        begun = self.now
        with _Bar(promise, within_s) as bar:
            while True:
                findings = find()
                took = self.now - begun
                if not findings or took > within_s:
                    break
                bar.show(took)
                time.sleep(POLL_S)
        if findings:
            late = [Finding(each.checker, each.node, f"{each.text}, {within_s:g} s on") for each in findings]
            self.check(promise, late)
            raise Over
        self.check(f"{promise} after {took:.1f} s", [])
        return took

    def rest(self, duration_s: float, what: str) -> None:
        """Let time pass."""
        begun = self.now
        with _Bar(what, duration_s) as bar:
            while (took := self.now - begun) < duration_s:
                bar.show(took)
                time.sleep(min(POLL_S, duration_s - took))

    def _add(self, kind: StepKind, text: str) -> None:
        step = Step(round(self.now, 3), kind, text)
        self.steps.append(step)
        if not self._quiet:
            print(f"{step.at:6.1f} s  {_WORDS[kind]}{text}", flush=True)


class _Bar:
    """A progress bar on standard error, from two seconds on, where a person looks at it."""

    def __init__(self, what: str, whole_s: float) -> None:
        self._what = what
        self._whole_s = whole_s
        self._progress: Progress | None = None

    def __enter__(self) -> "_Bar":
        return self

    def show(self, took_s: float) -> None:
        """Move it."""
        if self._progress is None and took_s >= PROGRESS_AFTER_S and sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
            self._progress.add_task(self._what, total=self._whole_s)
            self._progress.start()
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=min(took_s, self._whole_s), refresh=True)

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()
