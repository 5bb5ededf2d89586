"""One run of a campaign: named by scenario and seed, and a result whatever becomes of it."""

import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path

from simulations.replay import PROGRAM, replay_command
from simulations.result import Result, Violation
from simulations.run import Run
from simulations.scenarios import SCENARIOS

EXCEPTION = "exception"
"""The checker's name where a run ended with an exception."""
LOST = "lost"
"""The checker's name where the process that computed a run died."""
TEXT_LENGTH_MAX = 300
"""Of an exception's words: some quote all that they were given."""
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a worker is told to do."""

    scenario: str
    seed: int
    nodes: int
    encode: bool = False
    keep_timeline: bool = False
    """Whether the timeline and the curve of views are wanted of a run without violations too."""

    @property
    def command(self) -> str:
        """The command that replays it, where no plan could be drawn that says it better."""
        encode = " --encode" if self.encode else ""
        return f"{PROGRAM} run {self.scenario} --nodes {self.nodes} --seed {self.seed}{encode}"


def run_trial(trial: Trial) -> Result:
    """Draw the plan and carry it out; whatever is raised is a violation of this run."""
    began = time.perf_counter()
    try:
        result = _run(trial)
    except Exception as error:  # a run that cannot even begin must not end the campaign
        return failed_result(trial, EXCEPTION, describe(error), time.perf_counter() - began)
    return result if result.violations or trial.keep_timeline else replace(result, timeline=(), views=())


def _run(trial: Trial) -> Result:
    scenario = SCENARIOS[trial.scenario]
    plan = scenario.plan(trial.seed, trial.nodes)
    if trial.encode:
        from msgspec.structs import replace as change

        plan = change(plan, encode=True)
    return carry_out(Run(plan, scenario), replay_command(plan, scenario))


def carry_out(run: Run, command: str) -> Result:
    """Carry a run out; where something raises, the result says so, with all that was seen until then."""
    began = time.perf_counter()
    try:
        return run.carry_out(command)
    except Exception as error:  # whatever a broken engine raises is what the run found
        violation = Violation(EXCEPTION, run.world.now, "", describe(error))
        violations = [*run.watch.violations, violation]
        return run.recorder.result(run, violations, time.perf_counter() - began, command)


def describe(error: BaseException) -> str:
    """Say in a sentence what was raised, and where: the innermost frame, its file as the project names it."""
    words = " ".join(str(error).split())[:TEXT_LENGTH_MAX]
    said = f"{type(error).__name__}: {words}" if words else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return f"raised {said}"
    file = Path(frames[-1].filename)
    shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else Path(file.name)
    return f"raised {said} ({shown.as_posix()}:{frames[-1].lineno} in {frames[-1].name})"


def failed_result(trial: Trial, checker: str, text: str, wall_s: float = 0.0) -> Result:
    """Give the result of a run of which nothing is known but that it failed."""
    return Result(
        scenario=trial.scenario,
        seed=trial.seed,
        nodes=trial.nodes,
        profile="",
        digest="",
        violations=(Violation(checker, 0.0, "", text),),
        counts={},
        virtual_s=0.0,
        wall_s=wall_s,
        events=0,
        command=trial.command,
    )
