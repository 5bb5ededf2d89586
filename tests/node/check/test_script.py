"""Script checks: exit codes, output, and programs that hang, flood, fork or are not there. Real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from node.check.outcome import Outcome
from node.check.script import NICENESS, check_script
from protocol.catalog.check import CheckStatus
from tests.node.check.sample import definition


async def _sh(text: str, timeout_s: float = 20.0) -> Outcome:
    with trio.fail_after(30):
        return await check_script(definition(args=("/bin/sh", "-c", text), timeout_s=timeout_s))


def _is_gone(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return subprocess.run(["ps", "-p", str(process_id)], capture_output=True, check=False).returncode != 0
    return state == "Z"


async def _wait_gone(process_id: int) -> None:
    with trio.fail_after(10):
        while not _is_gone(process_id):
            await trio.sleep(0.01)


@pytest.mark.parametrize(
    ("code", "status"),
    [(0, CheckStatus.PASSING), (1, CheckStatus.WARNING), (2, CheckStatus.CRITICAL), (255, CheckStatus.CRITICAL)],
)
async def test_script_exit_code_decides(code: int, status: CheckStatus) -> None:
    """0 passes, 1 warns, all else is critical; both its outputs are kept."""
    assert await _sh(f"echo out; echo err >&2; exit {code}") == Outcome(status, "out\nerr\n")


async def test_script_output_is_kept_as_its_check_wants() -> None:
    """The end of it, and how much there was."""
    outcome = await check_script(definition(args=("/bin/sh", "-c", "printf 0123456789abcdefghij"), output_max_size=10))
    assert outcome == Outcome(CheckStatus.PASSING, "Captured 10 of 20 bytes\n...\nabcdefghij")


async def test_script_killed_by_a_signal_is_critical() -> None:
    """Signal 1 is not exit code 1. Whoever runs this under nohup has it ignored, and a shell keeps to that."""
    program = "import os, signal; signal.signal(1, signal.SIG_DFL); os.kill(os.getpid(), 1)"
    assert (await check_script(definition(args=(sys.executable, "-c", program)))).status is CheckStatus.CRITICAL


async def test_script_gets_arguments_as_they_are_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell reads them; nothing waits on its input."""
    monkeypatch.setenv("CHECK_WORD", "here")
    program = "import os, sys; print(sys.argv[1:], os.environ['CHECK_WORD'], sys.stdin.read() == '')"
    outcome = await check_script(definition(args=(sys.executable, "-c", program, "$HOME *", "b\N{SNOWMAN}")))
    assert outcome == Outcome(CheckStatus.PASSING, "['$HOME *', 'b\N{SNOWMAN}'] here True\n")


async def test_script_runs_below_the_nodes_priority() -> None:
    """In a session of its own, so that it can be killed as a whole."""
    outcome = await _sh("sleep 0.1; nice; ps -o sid= -p $$; echo $$")
    niceness, session, process = outcome.output.split()
    assert int(niceness) == min(19, os.nice(0) + NICENESS)
    assert session == process


@pytest.mark.parametrize("args", [("/nonexistent/program",), ("/",), ("a\0b",)], ids=repr)
async def test_script_that_cannot_be_started(args: tuple[str, ...]) -> None:
    """It is critical, and says why."""
    outcome = await check_script(definition(args=args))
    assert outcome.status is CheckStatus.CRITICAL
    assert outcome.output.startswith(args[0] + ": ")


async def test_script_output_is_kept_to_its_end() -> None:
    """The last 4,096 bytes, with a note of how much there was; bytes that are no text do no harm."""
    outcome = await _sh("head -c 100000 /dev/zero | tr '\\0' 'x'; printf 'the end\\377'")
    head, _, tail = outcome.output.partition("\n...\n")
    assert head == "Captured 4096 of 100008 bytes"
    assert tail.endswith("xthe end\N{REPLACEMENT CHARACTER}")
    assert len(tail) == 4_096


async def test_script_is_killed_with_all_it_started(tmp_path: Path) -> None:
    """At its timeout the whole group goes, also what ignores SIGTERM; what it said is kept."""
    ids = tmp_path / "ids"
    outcome = await _sh(f"trap '' TERM; sleep 600 & echo $! $$ > {ids}; echo words; wait; wait", timeout_s=1.0)
    assert outcome == Outcome(CheckStatus.CRITICAL, "Timed out (1s) running check\n\nwords\n")
    for id in ids.read_text().split():
        await _wait_gone(int(id))


async def test_script_that_is_stopped_is_killed(tmp_path: Path) -> None:
    """A check that is deregistered while its program runs leaves no program behind."""
    ids = tmp_path / "ids"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_sh, f"sleep 600 & echo $! $$ > {ids}; wait")
        with trio.fail_after(10):
            while not (ids.exists() and len(ids.read_text().split()) == 2):
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    for id in ids.read_text().split():
        await _wait_gone(int(id))


async def test_script_that_leaves_something_running_has_ended(tmp_path: Path) -> None:
    """What it started and did not wait for holds its output open; its own end counts all the same."""
    begun = trio.current_time()
    outcome = await _sh("sleep 15 & echo $!; exit 1")
    assert outcome.status is CheckStatus.WARNING
    assert trio.current_time() - begun < 10
    os.kill(int(outcome.output), 9)


async def test_script_that_floods_costs_the_node_little() -> None:
    """A program that never stops talking has to wait for its pipe: the loop runs on, and is idle most of the time."""
    late: list[float] = []

    async def measure() -> None:
        while True:
            due = trio.current_time() + 0.02
            await trio.sleep_until(due)
            late.append(trio.current_time() - due)

    spent = 0.0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(measure)
        before = os.times()
        outcome = await _sh("exec yes", timeout_s=1.5)
        after = os.times()
        spent = after.user + after.system - before.user - before.system
        nursery.cancel_scope.cancel()
    assert outcome.output.startswith("Timed out (1.5s) running check\n\nCaptured 4096 of ")
    assert int(outcome.output.split()[8]) < 12_000_000
    assert spent < 0.75
    assert sorted(late)[len(late) // 2] < 0.02
