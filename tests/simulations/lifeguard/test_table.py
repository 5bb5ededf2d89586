"""The table: sums, shares of SWIM's, and an interval that is honest about few events."""

import json

import pytest
from click.testing import CliRunner

from simulations.lifeguard import cli
from simulations.lifeguard.experiment import Outcome
from simulations.lifeguard.ladder import Cell
from simulations.lifeguard.table import add_up


def made_up(configuration: str, *counts: tuple[int, int]) -> list[Outcome]:
    """Give outcomes with some FP and FP-."""
    return [
        Outcome(configuration, Cell(1, index, 1), false, healthy, 0, 100, 10_000)
        for index, (false, healthy) in enumerate(counts)
    ]


def test_table_gives_shares_of_the_first_configuration() -> None:
    """And the paper's beside them."""
    outcomes = made_up("SWIM", (100, 10), (300, 30)) + made_up("Lifeguard", (4, 0), (0, 2))
    swim, lifeguard = add_up(outcomes, ["SWIM", "Lifeguard"])
    assert (swim.false_alarms, swim.healthy_false_alarms, swim.false_share) == (400, 40, 1.0)
    assert lifeguard.false_share == pytest.approx(0.01)
    assert lifeguard.healthy_share == pytest.approx(0.05)
    assert lifeguard.paper_false_share == pytest.approx(0.0153, abs=1e-4)
    low, high = lifeguard.healthy_interval or (0.0, 0.0)
    assert low <= 0.05 <= high


def test_table_gives_no_share_of_nothing() -> None:
    """Where SWIM alone had no FP- there is nothing to be compared with."""
    rows = add_up(made_up("SWIM", (5, 0)) + made_up("Buddy", (5, 0)), ["SWIM", "Buddy"])
    assert [row.healthy_share for row in rows] == [None, None]


def test_table_of_few_cells_has_a_wide_interval() -> None:
    """One cell proves nothing."""
    rows = add_up(made_up("SWIM", (5, 5)) + made_up("Buddy", (5, 1)), ["SWIM", "Buddy"])
    assert rows[1].healthy_interval == (0.0, 1.0)


def test_command_prints_a_table_and_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """One cell of a small cluster, in this process."""
    monkeypatch.setattr(cli, "thin_ladder", lambda repetitions: [Cell(4, 2_048, 256, 0)])
    arguments = ["--nodes", "40", "--duration", "5", "--jobs", "1", "--alpha", "2"]
    table = CliRunner().invoke(cli.command, arguments)
    assert table.exit_code == 0, table.output
    assert "LHA-Suspicion" in table.output
    told = json.loads(CliRunner().invoke(cli.command, [*arguments, "--json"]).output)
    assert told["rows"][0]["configuration"] == "SWIM"
    assert (told["nodes"], told["cells"]) == (40, 1)
