"""Scenarios over real processes: a slice of them for real, and what is refused before anything starts."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulations.processes import EXIT_CANNOT_RUN, EXIT_HELD, EXIT_USAGE, EXIT_VIOLATED, REAL_SCENARIOS, run_real
from simulations.processes import run as run_module
from simulations.processes.checker import Finding
from simulations.processes.run import why_not
from simulations.processes.scenario import RealScenario, Stage
from simulations.processes.story import Over

Told = Callable[..., dict[str, Any]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Told:
    """Run a scenario that needs what may not be there; give its JSON."""

    def run(name: str, **options: Any) -> dict[str, Any]:
        if missing := why_not(REAL_SCENARIOS[name], tmp_path):
            pytest.skip(missing)
        code = run_real(name, as_json=True, **options)
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        story = "\n".join(f"{step['at']:6.1f} s  {step['text']}" for step in answer["steps"])
        assert (code, answer["violations"]) == (EXIT_HELD, []), story
        return answer

    return run


@pytest.mark.end_to_end
def test_killed_member_returns_as_itself(told: Told) -> None:
    """Three agents, one killed: failed on both others, and back."""
    answer = told("kill_and_return", nodes=3, seed=2)
    assert (answer["scenario"], answer["nodes"], answer["seed"]) == ("kill_and_return", 3, 2)
    assert answer["counts"]["member-failed"] == 2
    assert answer["steps"][-1]["kind"] == "held"


@pytest.mark.end_to_end
def test_paused_process_accuses_nobody(told: Told) -> None:
    """Three agents, one stopped for 0.7 s and for 8 s, in which the others fail it."""
    answer = told("paused_process", nodes=3, seed=1, duration_s=8)
    assert answer["counts"]["member-failed"] == 2


@pytest.mark.end_to_end
def test_rolling_restart_fails_nobody(told: Told) -> None:
    """Each of three is restarted: two leave and join again, one is ended and started."""
    answer = told("rolling_restart", nodes=3, seed=1)
    assert (answer["counts"]["member-failed"], answer["counts"]["member-leave"]) == (0, 4)


@pytest.mark.end_to_end
def test_full_disk_loses_nothing_that_was_answered_200(told: Told) -> None:
    """A small disk fills up twice; refused changes show nowhere, and taken ones outlive a kill."""
    answer = told("full_disk", seed=1)
    assert any("refuses new tags" in step["text"] for step in answer["steps"])


@pytest.mark.end_to_end
def test_loss_is_felt_and_fails_nobody(told: Told) -> None:
    """Three agents in namespaces, a fifth of all packets lost for some seconds."""
    assert told("lossy_network", nodes=3, seed=1, duration_s=8)["counts"]["packets lost"] > 0


def test_scenarios_are_listed_with_what_they_need() -> None:
    """The command line shows each with one line, and says which need root."""
    assert {name: scenario.needs for name, scenario in REAL_SCENARIOS.items()} == {
        "kill_and_return": "",
        "rolling_restart": "",
        "partition_heal": "network",
        "lossy_network": "network",
        "paused_process": "",
        "full_disk": "disk",
    }
    assert all(0 < len(scenario.summary) <= 80 for scenario in REAL_SCENARIOS.values())


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("kill_and_retrun", {}, "unknown scenario 'kill_and_retrun'; did you mean 'kill_and_return'?"),
        ("kill_and_return", {"nodes": 2}, "2 nodes: kill_and_return takes 3 to 50"),
        ("kill_and_return", {"nodes": 51}, "51 nodes: kill_and_return takes 3 to 50"),
        ("lossy_network", {"duration_s": -1.0}, "a duration of -1 s: give 0 or more"),
        ("lossy_network", {"duration_s": float("nan")}, "a duration of nan s: give 0 or more"),
    ],
    ids=["name", "few", "many", "negative", "nan"],
)
def test_wrong_arguments_are_a_usage_error(
    name: str, options: dict[str, Any], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence on standard error, and nothing started."""
    assert run_real(name, **options) == EXIT_USAGE
    captured = capsys.readouterr()
    assert captured.err.startswith(sentence)
    assert (captured.err.count("\n"), captured.out) == (1, "")


@pytest.mark.parametrize("name", ["partition_heal", "lossy_network", "full_disk"])
def test_scenario_without_its_needs_says_what_is_missing(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without root they end with 3 and one sentence."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert run_real(name) == EXIT_CANNOT_RUN
    captured = capsys.readouterr()
    assert captured.err.startswith(f"{name} cannot run here: ")
    assert captured.err.endswith("root\n")
    assert captured.out == ""


def _played(monkeypatch: pytest.MonkeyPatch, play: Callable[[Stage], None]) -> None:
    made = RealScenario("made", "what a test made", play, duration_s=4.0)
    monkeypatch.setitem(run_module.REAL_SCENARIOS, "made", made)


def test_broken_promise_prints_the_command_that_runs_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1, the violation in one line, the command, and the place of the logs, which is kept."""

    def play(stage: Stage) -> None:
        stage.story.check("", [Finding("status", "n1", "n1 shows n2 alive")])
        raise Over

    _played(monkeypatch, play)
    assert run_real("made", nodes=4, seed=7) == EXIT_VIOLATED
    out = capsys.readouterr().out
    assert "made: 1 violation (4 nodes, seed 7, " in out
    assert "first: n1 shows n2 alive\n" in out
    assert "run it again: python -m simulations real made --nodes 4 --seed 7 --duration 4\n" in out
    logs = Path(out.partition("the agents' logs: ")[2].splitlines()[0])
    assert (logs / "cluster.key").exists()
    (logs / "cluster.key").unlink()
    logs.rmdir()


def test_scenario_that_cannot_go_on_is_a_violation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An agent that ended before its time is told as what it is, and not as a traceback."""

    def play(stage: Stage) -> None:
        directory.append(stage.directory)
        raise OSError("no such agent")

    directory: list[Path] = []
    _played(monkeypatch, play)
    assert run_real("made", as_json=True) == EXIT_VIOLATED
    (violation,) = json.loads(capsys.readouterr().out)["violations"]
    assert violation["checker"] == "goes_on"
    assert violation["text"] == "the scenario could not go on: no such agent"
    (directory[0] / "cluster.key").unlink()
    directory[0].rmdir()


def test_interrupted_run_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C takes down what was put on the stage, and removes the directory."""
    taken: list[Any] = []

    def play(stage: Stage) -> None:
        taken.append(stage.directory)
        stage.closing.callback(taken.append, "down")
        raise KeyboardInterrupt

    _played(monkeypatch, play)
    with pytest.raises(KeyboardInterrupt):
        run_real("made")
    assert taken[1:] == ["down"]
    assert not taken[0].exists()


def test_same_seed_hits_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is killed is drawn from the seed alone."""
    drawn: list[list[int]] = []
    _played(monkeypatch, lambda stage: drawn.append([stage.rng.randrange(1000) for _ in range(5)]))
    for seed in (3, 3, 4):
        assert run_real("made", seed=seed) == EXIT_HELD
    assert drawn[0] == drawn[1] != drawn[2]
