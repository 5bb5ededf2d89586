"""campaign, shrink and report from the command line: what they print, write, and end with."""

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest

from simulations.machine import this_machine
from simulations.plan import decode_plan
from simulations.report import read_results
from simulations.scenarios import SCENARIOS
from tests.simulations.cli.invocation import break_engine, invoke

ROOT = Path(__file__).resolve().parents[3]
COMMAND = re.compile(r"^    python -m simulations (run .*)$", re.MULTILINE)
DEADLINE_S = 60.0


def test_campaign_prints_a_table_and_writes_results(tmp_path: Path) -> None:
    """Each scenario has its sums; each run is a line of the file, without a timeline where nothing was violated."""
    file = tmp_path / "results.jsonl"
    result = invoke(f"campaign --scenarios crash,steady --seeds 1..3 --jobs 0 --out {file}")
    assert result.exit_code == 0, result.output
    assert re.search(r"^crash +3 +0 +crash 3, ", result.output, re.MULTILINE)
    assert re.search(r"^steady +3 +0 ", result.output, re.MULTILINE)
    assert "all that must hold held" in result.output
    results = read_results(file)
    assert [(one.scenario, one.seed) for one in results] == [
        (name, seed) for seed in (1, 2, 3) for name in ("crash", "steady")
    ]
    assert all(one.digest and one.command for one in results)
    assert not any(one.timeline or one.views for one in results)


def test_campaign_keeps_timelines_when_told_to(tmp_path: Path) -> None:
    """A report needs them."""
    file = tmp_path / "results.jsonl"
    assert invoke(f"campaign --scenarios crash --seeds 2 --jobs 0 --timelines --out {file}").exit_code == 0
    (result,) = read_results(file)
    assert result.timeline
    assert result.views


def test_campaign_as_json_is_one_object_whose_digest_is_that_of_all_runs() -> None:
    """A program gets the sums; the same campaign has the same digest, another one another."""
    line = "campaign --scenarios crash --jobs 0 --json --seeds"
    one, same, other = (json.loads(invoke(f"{line} {seeds}").output) for seeds in ("1..2", "1..2", "2..3"))
    assert (one["runs"], one["planned"], one["violated"], one["vacuous"]) == (2, 2, 0, [])
    assert one["scenarios"]["crash"]["reached"]["crash"] == 2
    assert one["digest"] == same["digest"] != other["digest"]


def test_campaign_that_proved_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario that never came to what it is there for is no success."""
    monkeypatch.setitem(SCENARIOS, "crash", replace(SCENARIOS["crash"], reached=("crash", "reaps")))
    result = invoke("campaign --scenarios crash --seeds 1..2 --jobs 0")
    assert result.exit_code == 1
    assert "vacuous: crash never reached reaps\n" in result.output
    assert "never reached crash" not in result.output


def test_campaign_of_a_broken_engine_prints_the_commands_that_replay_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each violated run has one line that says why and one that runs it again, to the same violation."""
    break_engine(monkeypatch, "n1")
    result = invoke("campaign --scenarios crash,mass_crash --seeds 1..12 --jobs 0")
    assert result.exit_code == 1
    commands = COMMAND.findall(result.output)
    reasons = re.findall(r"^  \w+: (exception at .*)$", result.output, re.MULTILINE)
    assert commands
    assert len(commands) == len(reasons)
    assert f"{len(commands)} violated:" in result.output
    again = invoke(commands[0])
    assert again.exit_code == 1
    assert reasons[0] in again.output


def test_campaign_shrink_and_replay_lead_to_a_small_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From a violated run to the plan with the one deed that matters, which fails in the same way."""
    break_engine(monkeypatch, "n1")
    (command, *_) = COMMAND.findall(invoke("campaign --scenarios mass_crash --seeds 1..12 --jobs 0").output)
    file = tmp_path / "small.json"
    result = invoke(f"{command.replace('run', 'shrink', 1)} --out {file}")
    assert result.exit_code == 0, result.output
    plan = decode_plan(file.read_bytes())
    assert [planned.deed.text() for planned in plan.deeds] == ["n1 crashes"]
    assert plan.nodes == 2
    assert "  at 0 s: n1 crashes\n" in result.output
    line = f"run mass_crash --plan {file}"
    assert f"replay: python -m simulations {line}\n" in result.output
    again = invoke(line)
    assert again.exit_code == 1
    assert "raised ZeroDivisionError" in again.output


def test_shrink_of_a_run_that_holds_is_refused(tmp_path: Path) -> None:
    """There is nothing to shrink, and no file is written."""
    file = tmp_path / "small.json"
    result = invoke(f"shrink crash --nodes 4 --seed 1 --out {file}")
    assert result.exit_code == 2
    line = "python -m simulations run crash --nodes 4 --seed 1"
    assert result.output == f"simulations: nothing to shrink: all that must hold held in {line}\n"
    assert not file.exists()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("campaign --seeds 5..1", "seeds are A..B with A at most B, not '5..1'"),
        ("campaign --seeds many", "seeds are A..B, as 1..100 is, or one number, not 'many'"),
        ("campaign --seeds -3..1", "seeds are 0 or more, not -3"),
        ("campaign --seeds 1..2000000", "2000000 seeds, at most 1000000"),
        ("campaign --seeds 1 --scenarios steady,crsh",
         "unknown scenario 'crsh'; did you mean 'crash'? (`list` shows all)"),
        ("campaign --seeds 1 --out no/such/file", "no/such/file cannot be written: No such file or directory"),
        ("campaign --seeds 1 --jobs 2 --scheduler tcp://127.0.0.1:1",
         "--jobs is for this machine: with --scheduler the cluster has its own number of workers"),
        ("report --in no/such/file", "cannot read no/such/file: No such file or directory"),
        ("report --in no/such/file --seeds 1", "with --in there is nothing to run: leave out --seeds and --jobs"),
    ],
)  # fmt: skip
def test_campaign_and_report_refuse_mistakes_in_one_sentence(line: str, sentence: str) -> None:
    """Exit code 2, one sentence, no traceback."""
    result = invoke(line)
    assert (result.exit_code, result.output) == (2, f"simulations: {sentence}\n")


def test_report_writes_a_page_from_a_file_and_from_runs_of_its_own(tmp_path: Path) -> None:
    """With --in it runs nothing; without, it keeps the timelines of its small campaign."""
    pytest.importorskip("matplotlib", reason="the report draws with matplotlib, an optional extra")
    results, page = tmp_path / "results.jsonl", tmp_path / "page.html"
    invoke(f"campaign --scenarios crash --seeds 1..2 --jobs 0 --out {results}")
    result = invoke(f"report --in {results} --out {page}")
    assert (result.exit_code, result.output) == (0, f"wrote {page}: 2 runs\n")
    assert f"python -m simulations report --in {results} --out {page}" in page.read_text()
    assert escape(this_machine().hardware) in page.read_text()
    result = invoke(f"report --scenarios crash --seeds 1..2 --jobs 0 --out {page} --title Crashes")
    assert (result.exit_code, result.output) == (0, f"wrote {page}: 2 runs\n")
    assert "<h1>Crashes</h1>" in page.read_text()


def test_campaign_interrupted_tells_what_was_done_so_far(tmp_path: Path) -> None:
    """Ctrl-C ends the workers, prints the table, leaves whole lines in the file, and exits with 130."""
    file = tmp_path / "results.jsonl"
    words = ["campaign", "--scenarios", "steady", "--seeds", "1..100000", "--jobs", "2", "--out", str(file)]
    with subprocess.Popen(
        [sys.executable, "-m", "simulations", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + DEADLINE_S
        while not (file.exists() and file.read_bytes().count(b"\n") > 2) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, complaints = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, complaints) == (130, "")
    assert "interrupted: the table is what was done so far" in output
    done = len(read_results(file))
    assert done > 2
    assert f"{done:,} of 100,000 runs" in output
