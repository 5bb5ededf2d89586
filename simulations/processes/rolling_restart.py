"""Every member is restarted, one after the other, in an order drawn from the seed.

Half of them, by lot, leave with Ctrl-C (SIGINT) and are started again with --join; the others are ended by SIGTERM,
which says no goodbye, and are started again at once, without.

What must hold: who leaves is shown left, who returns is shown alive, with the id it had and a higher incarnation;
nobody is ever held failed; in the end all list the same.
"""

import signal

from simulations.processes.agent_process import AgentProcess
from simulations.processes.checker import Finding
from simulations.processes.scenario import LEFT_WITHIN_S, RETURNED_WITHIN_S, RealScenario, Stage


def play(stage: Stage) -> None:
    """Restart all, each in its turn."""
    stage.start_cluster()
    order = stage.rng.sample(stage.agents, stage.nodes)
    leavers = order[::2]
    for agent in order:
        before = agent.rows()[agent.name]
        if agent in leavers:
            _leave_and_join(stage, agent)
        else:
            _end_and_start(stage, agent)
        stage.expect_all_alive(RETURNED_WITHIN_S)
        stage.expect_same_self(before, RETURNED_WITHIN_S)
    stage.expect_one_view()
    stage.check_nobody_failed("nobody was ever held failed")


def _leave_and_join(stage: Stage, agent: AgentProcess) -> None:
    _end(stage, agent, signal.SIGINT)
    stage.expect_status(agent, "left", LEFT_WITHIN_S)
    contact = stage.rng.choice(stage.others(agent))
    agent.start(join=[contact.gossip])
    stage.story.tell(f"{agent.name} started again with --join {contact.name}")


def _end_and_start(stage: Stage, agent: AgentProcess) -> None:
    _end(stage, agent, signal.SIGTERM)
    agent.start()
    stage.story.tell(f"{agent.name} started again, without --join")


def _end(stage: Stage, agent: AgentProcess, number: signal.Signals) -> None:
    agent.send_signal(number)
    code = agent.wait_end()
    stage.story.tell(f"{agent.name} ended by {number.name}, exit code {code}")
    if code:
        stage.story.check(
            "", [Finding("exit_code", agent.name, f"{number.name} ended {agent.name} with {code}, not 0")]
        )


SCENARIO = RealScenario("rolling_restart", "restart each in turn, by SIGINT and --join or by SIGTERM", play)
