"""run: one run told to a person and to a program, replayed by the line it prints; what users get wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulations.plan import decode_plan, encode_plan
from simulations.scenarios import SCENARIOS
from tests.simulations.cli.invocation import break_engine, digest, invoke, replayed

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "line",
    [
        "run crash --nodes 5",
        "run crash --seed 3 --duration 2.5 --profile local --nodes 4",
        "run steady --nodes 6 --set lasts_s=7 --encode",
        "run lossy_links --nodes 4 --seed 5 --profile wan",
    ],
)
def test_run_prints_a_command_that_gives_the_same_digest(line: str) -> None:
    """The replayed run is the same run, and prints the same command."""
    first = invoke(line)
    again = invoke(replayed(first.output))
    assert first.exit_code == again.exit_code == 0
    assert digest(again.output) == digest(first.output)
    assert replayed(again.output) == replayed(first.output)


def test_run_replays_in_another_process_under_another_hash_seed() -> None:
    """The command works from a shell, and hash seeds change nothing."""
    first = invoke("run crash --nodes 6 --seed 2")
    words = [sys.executable, "-m", "simulations", *replayed(first.output).split()]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert digest(done.stdout) == digest(first.output)


def test_run_of_a_stored_plan_is_replayed_with_its_file(tmp_path: Path) -> None:
    """A plan that no seed draws is named by its file, and what was changed of it beside."""
    file = tmp_path / "a plan.json"
    file.write_bytes(encode_plan(SCENARIOS["crash"].plan(4, 5)))
    first = invoke(f"run crash --plan '{file}' --nodes 6 --encode")
    assert first.exit_code == 0
    assert replayed(first.output) == f"run crash --plan '{file}' --nodes 6 --encode"
    assert digest(invoke(replayed(first.output)).output) == digest(first.output)
    assert digest(invoke(f"run crash --plan '{file}'").output) == digest(invoke("run crash --seed 4 --nodes 5").output)


def test_run_as_json_is_one_object_on_one_line() -> None:
    """A program gets the whole result."""
    output = invoke("run crash --nodes 4 --seed 3 --json").output
    result = json.loads(output)
    wanted = {"scenario", "seed", "nodes", "digest", "violations", "counts", "virtual_s", "wall_s", "events"}
    assert wanted <= result.keys()
    assert (result["scenario"], result["seed"], result["nodes"], result["violations"]) == ("crash", 3, 4, [])
    assert output.count("\n") == 1


def test_run_without_checkers_is_the_same_run() -> None:
    """Checkers only look."""
    line = "run crash --nodes 6 --seed 2"
    assert digest(invoke(f"{line} --no-check").output) == digest(invoke(line).output)


def test_run_of_a_broken_engine_says_what_is_violated_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an engine raises is a violation, in one line, with the moment and the place; the exit code is 1."""
    (dead,) = SCENARIOS["crash"].plan(1, 3).deeds[0].deed.concerns
    break_engine(monkeypatch, f"n{dead}")
    result = invoke("run crash --nodes 3 --seed 1")
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if "ZeroDivisionError" in line]
    assert line.startswith("  exception at ")
    assert "raised ZeroDivisionError: no witnesses (tests/simulations/cli/invocation.py:" in line
    assert "replay: python -m simulations run crash --nodes 3 --seed 1\n" in result.output


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("run crsh", "unknown scenario 'crsh'; did you mean 'crash'? (`list` shows all)"),
        ("run crash --nodes 0", "0 nodes: a run has 1 to 20000"),
        ("run crash --nodes 20001", "20001 nodes: a run has 1 to 20000"),
        ("run steady --set lasts=3", "steady has no option 'lasts'; it has: lasts_s"),
        ("run steady --set lasts_s=soon", "lasts_s is a number, not 'soon'"),
        ("run steady --set lasts_s", "--set takes name=value, not 'lasts_s'"),
        ("run crash --duration nan", "a duration of nan s: give 0 or more virtual seconds"),
        ("run crash --duration -1", "a duration of -1 s: give 0 or more virtual seconds"),
        ("run crash --plan no/such/file", "no/such/file cannot be read: No such file or directory"),
        ("run crash --trace no/such/file", "no/such/file cannot be written: No such file or directory"),
        ("run crash --json --trace -", "--json and --trace - both want the output: give the trace a file"),
    ],
)
def test_run_refuses_mistakes_in_one_sentence(line: str, sentence: str) -> None:
    """Exit code 2, one sentence, no traceback."""
    result = invoke(line)
    assert (result.exit_code, result.output) == (2, f"simulations: {sentence}\n")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b"\xff\xfe", b'{"scenario": "crash", "seed": "x"}'])
def test_run_refuses_a_file_that_is_no_plan(tmp_path: Path, content: bytes) -> None:
    """Whatever is in the file, the answer is a sentence."""
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    result = invoke(f"run crash --plan {file}")
    assert result.exit_code == 2
    assert result.output.startswith(f"simulations: {file} is no plan: ")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"scenario": "crash"', '"scenario": "steady"', "is a plan of steady, not of crash"),
        ('"nodes": 4', '"nodes": -4', "-4 nodes: a run has 1 to 20000"),
        ('"settings": {}', '"settings": {"haste": 1}', "the plan cannot be run: "),
    ],
)
def test_run_refuses_a_plan_that_cannot_be_run(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    """A plan that a hand has changed is looked at before it is run."""
    text = encode_plan(SCENARIOS["crash"].plan(1, 4)).decode()
    assert old in text
    file = tmp_path / "plan.json"
    file.write_text(text.replace(old, new))
    decode_plan(file.read_bytes())
    result = invoke(f"run crash --plan {file}")
    assert result.exit_code == 2
    assert sentence in result.output


def test_run_refuses_options_of_a_plan_that_was_drawn(tmp_path: Path) -> None:
    """--set takes part in drawing alone."""
    file = tmp_path / "plan.json"
    file.write_bytes(encode_plan(SCENARIOS["steady"].plan(1, 4)))
    result = invoke(f"run steady --plan {file} --set lasts_s=3")
    assert (result.exit_code, result.output) == (
        2,
        "simulations: a stored plan was drawn already: --set comes too late\n",
    )


def test_run_leaves_it_to_the_scenario_to_take_fewer_nodes() -> None:
    """A drawn cut of an hour takes five; nine would have four of them on neither side."""
    result = invoke("run partition_heal --nodes 9 --seed 4 --json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["nodes"] == 5
