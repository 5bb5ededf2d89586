"""Lifeguard's experiment: what is counted, and what each configuration switches."""

import pytest

from simulations.lifeguard.configuration import BY_NAME, CONFIGURATIONS
from simulations.lifeguard.experiment import Anomaly, Outcome, Task, run_cell
from simulations.lifeguard.ladder import Cell, full_ladder, thin_ladder

NODES = 16
HARD = Cell(6, 8_192, 16)
"""Six of sixteen held up for 8 s at a time: twice the shortest suspicion at alpha 4."""


def outcome(configuration: str, anomaly: Anomaly = "blocked", cell: Cell = HARD) -> Outcome:
    """Run one short cell."""
    return run_cell(Task(cell, configuration, anomaly, NODES, 2, 6, 1, 60.0))


def test_configurations_switch_what_their_names_say() -> None:
    """The first is SWIM alone, and the last three are the only ones with extensions."""
    switches = {
        one.name: (
            one.settings(5, 6).lha_probe,
            one.settings(5, 6).lha_suspicion,
            one.settings(5, 6).buddy,
            one.settings(5, 6).second_look,
            one.settings(5, 6).own_look,
            one.settings(5, 6).early_probe,
        )
        for one in CONFIGURATIONS
    }
    assert switches == {
        "SWIM": (False, False, False, False, False, False),
        "LHA-Probe": (True, False, False, False, False, False),
        "LHA-Suspicion": (False, True, False, False, False, False),
        "Buddy": (False, False, True, False, False, False),
        "Lifeguard": (True, True, True, False, False, False),
        "Second look": (True, True, True, True, False, False),
        "Own look": (True, True, True, True, True, False),
        "Shoal": (True, True, True, True, True, True),
    }
    assert (BY_NAME["SWIM"].settings(5, 6).suspicion_alpha, BY_NAME["SWIM"].settings(5, 3).suspicion_beta) == (5, 3)


def test_ladder_is_the_papers_grid() -> None:
    """Nine, nine and eight steps; the thin one is a part of it."""
    assert len(full_ladder(1)) == 9 * 9 * 8
    assert set(thin_ladder(1)) < set(full_ladder(1))
    assert len(set(thin_ladder(3))) == 3 * len(thin_ladder(1))


def test_experiment_counts_alarms_about_the_healthy_apart() -> None:
    """SWIM alone has those who are held up accuse the healthy; with Lifeguard that is rare or never."""
    swim, lifeguard = outcome("SWIM"), outcome("Lifeguard")
    assert swim.false_alarms > 0
    assert swim.healthy_false_alarms <= swim.false_alarms
    assert lifeguard.false_alarms < swim.false_alarms
    assert swim.true_alarms > 0
    assert swim.bytes > 80 * swim.datagrams > 0


def test_experiment_is_the_same_each_time() -> None:
    """The seed, and the cell, decide all."""
    assert outcome("SWIM") == outcome("SWIM")


@pytest.mark.parametrize("configuration", ["SWIM", "Shoal"])
def test_experiment_stalled_processes_accuse_nobody_healthy(configuration: str) -> None:
    """A process that stood still as a whole knows it, in every configuration."""
    assert outcome(configuration, "stalled").false_alarms == 0


def test_experiment_with_nobody_troubled_for_long_is_quiet() -> None:
    """An eighth of a second is no trouble."""
    calm = outcome("SWIM", cell=Cell(1, 128, 16_384))
    assert (calm.false_alarms, calm.true_alarms) == (0, 0)
