"""A member is killed (kill -9), is held failed by all others, and returns as itself from its data directory.

What must hold: all others find it; once it is started again all show it alive, with the id it had and a higher
incarnation; nobody else is ever held failed; in the end all list the same.
"""

from simulations.processes.scenario import RETURNED_WITHIN_S, RealScenario, Stage


def play(stage: Stage) -> None:
    """Kill one, and start it again."""
    stage.start_cluster()
    victim = stage.draw()
    before = victim.rows()[victim.name]

    victim.kill()
    stage.story.tell(f"{victim.name} killed")
    stage.expect_status(victim, "failed", stage.failed_within_s)

    victim.start()
    stage.story.tell(f"{victim.name} started again, without --join")
    stage.expect_status(victim, "alive", RETURNED_WITHIN_S)
    stage.expect_same_self(before, RETURNED_WITHIN_S)
    stage.expect_one_view()
    stage.check_nobody_failed(f"nobody but {victim.name} was ever held failed", victim)


SCENARIO = RealScenario("kill_and_return", "kill -9 one, wait until it is failed, start it again", play)
