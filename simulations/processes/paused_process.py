"""A process is stopped (SIGSTOP) and goes on later: for 0.7 s first, and then for 20 s.

What must hold: on waking it accuses nobody. The short pause fails nobody; in the long one the others hold it failed,
and nobody else; within 5 s of waking all show all alive.
"""

import signal
from collections import Counter

from simulations.processes.agent_process import AgentProcess
from simulations.processes.checker import accusations_by, accused_others
from simulations.processes.scenario import HEALED_WITHIN_S, WOKEN_WITHIN_S, RealScenario, Stage

SHORT_S = 0.7
"""Longer than a probe's timeout, shorter than any suspicion."""
WATCHED_S = 4.0
"""After waking: what was overdue has become an accusation, or has not, within one suspicion."""


def play(stage: Stage) -> None:
    """Stop one, twice."""
    stage.start_cluster()
    paused = stage.draw()

    known = _accusations(stage, paused)
    _pause(stage, paused, SHORT_S)
    stage.story.rest(WATCHED_S, f"{paused.name} is watched")
    _check_accusations(stage, paused, known)
    stage.check_nobody_failed("nobody was held failed")

    known = _accusations(stage, paused)
    _pause(stage, paused, stage.duration_s)
    within_s = WOKEN_WITHIN_S if stage.duration_s <= SCENARIO.duration_s else HEALED_WITHIN_S
    stage.expect_all_alive(within_s)
    stage.story.rest(WATCHED_S, f"{paused.name} is watched")
    _check_accusations(stage, paused, known)
    stage.check_nobody_failed(f"nobody but {paused.name} was ever held failed", paused)
    stage.expect_one_view()


def _pause(stage: Stage, paused: AgentProcess, duration_s: float) -> None:
    paused.send_signal(signal.SIGSTOP)
    try:
        stage.story.tell(f"{paused.name} stopped")
        stopped_at = stage.story.now
        if duration_s >= stage.failed_within_s:
            stage.expect_status(paused, "failed", stage.failed_within_s)
        stage.story.rest(duration_s - (stage.story.now - stopped_at), f"{paused.name} is stopped")
    finally:
        paused.send_signal(signal.SIGCONT)
    stage.story.tell(f"{paused.name} goes on after {stage.story.now - stopped_at:.1f} s")


def _accusations(stage: Stage, paused: AgentProcess) -> Counter[tuple[str, str]]:
    return accusations_by(stage.cluster.histories(), paused.name, paused.id)


def _check_accusations(stage: Stage, paused: AgentProcess, known: Counter[tuple[str, str]]) -> None:
    findings = accused_others(_accusations(stage, paused), known, paused.name)
    stage.story.check(f"{paused.name} accused nobody", findings)


SCENARIO = RealScenario(
    "paused_process", "SIGSTOP for 0.7 s and for 20 s; it accuses nobody on waking", play, duration_s=20.0
)
