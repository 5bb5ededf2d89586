"""Rapid's set-ups, small: what is measured, and what must never be."""

import json

import pytest
from click.testing import CliRunner

from simulations.rapid import cli
from simulations.rapid.experiment import run_setup
from simulations.rapid.setup import SETUPS


def test_bootstrap_is_complete() -> None:
    """All hold all alive, soon after the last start."""
    found = run_setup(SETUPS["bootstrap"], 40, 1, 60.0)
    assert found.complete_s is not None
    assert found.complete_s < 10.0
    assert found.healthy_removed == 0


def test_crash_is_found_by_all() -> None:
    """One in a hundred dies; all others know it, after 0.6 of the shortest suspicion, and nobody else is removed."""
    found = run_setup(SETUPS["crash"], 100, 1, 40.0)
    assert found.faulty == 1
    assert found.first_seen_s is not None
    assert found.all_seen_s is not None
    assert 4.8 < found.first_seen_s <= found.all_seen_s
    assert (found.healthy_removed, found.faulty_removed) == (0, 99)


@pytest.mark.parametrize("name", ["flip_flop", "loss"])
def test_partly_reachable_members_remove_nobody_healthy(name: str) -> None:
    """Whatever becomes of themselves."""
    found = run_setup(SETUPS[name], 100, 1, 60.0)
    assert found.healthy_removed == 0
    assert found.bytes_sent_max >= found.bytes_sent_mean > 0


def test_command_gives_a_line_of_json_for_each_setup() -> None:
    """And the same run has the same digest."""
    arguments = ["crash", "--nodes", "100", "--duration", "20", "--jobs", "1", "--json"]
    lines = [CliRunner().invoke(cli.command, arguments).output for _ in range(2)]
    one, other = (json.loads(line) for line in lines)
    assert (one["setup"], one["nodes"]) == ("crash", 100)
    assert one["digest"] == other["digest"]
