"""Every member loses a fifth of all packets that the others send it, for a minute: UDP and TCP, both ways.

What must hold: nobody is ever held failed, suspected though many are; once nothing is lost any more, all list the
same. A run in which no packet was lost has shown nothing, and fails.
"""

from simulations.processes.checker import Finding
from simulations.processes.scenario import HEALED_WITHIN_S, RealScenario, Stage

LOSS_PERCENT = 20
"""A ping and its ack both arrive in 64 of 100 cases."""


def play(stage: Stage) -> None:
    """Lose packets, for a while."""
    network = stage.start_wired_cluster()
    network.lose(LOSS_PERCENT)
    stage.story.tell(f"{LOSS_PERCENT} % of all packets are lost, each way")
    stage.story.rest(stage.duration_s, "packets are lost")
    lost = network.lost()
    network.heal()
    stage.story.tell(f"the network is good again; {lost} packets were lost")
    stage.story.count("packets lost", lost)
    stage.story.count("probes in vain", sum(int(agent.metric("shoal_probe_failures_total")) for agent in stage.agents))
    stage.story.check("the loss was real", [] if lost else [Finding("not_vacuous", "", "no packet was lost")])
    stage.check_nobody_failed("nobody was ever held failed")
    stage.expect_all_alive(HEALED_WITHIN_S)
    stage.expect_one_view()


SCENARIO = RealScenario(
    "lossy_network",
    f"{LOSS_PERCENT} % of all packets are lost each way, and nobody is failed",
    play,
    needs="network",
    duration_s=60.0,
)
