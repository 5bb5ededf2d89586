"""What a program says with its exit code and its output.

It runs in a process group of its own, which is killed as a whole when its time is up; below the node's own priority,
with nothing to read, the node's environment, and no shell unless it is one. Its output is read at a bounded pace and
only the end is kept, so a program that never stops talking costs the node next to nothing: it waits for its pipe.
"""

import os
import signal
import subprocess
from contextlib import suppress

import trio

from node.check.definition import CheckDefinition
from node.check.outcome import Outcome, Tail, critical, exit_status, reason_of, show_duration
from node.check.pace import Pace
from protocol.catalog.check import CheckStatus

PROGRAM_TIMEOUT_S = 30.0
NICENESS = 10
"""Checks give way to the node: a machine that is busy with them must not look failed to others."""
READ_SIZE = 65_536
"""A pipe's capacity on Linux."""
GRACE_S = 1.0
"""How long an output is read on after the program's end, where something it started holds it open."""
REAP_MAX_S = 5.0
"""How long a killed program may take to be gone."""


def program_timeout_s(definition: CheckDefinition) -> float:
    """Give how long a check's program may run."""
    return definition.timeout_s or PROGRAM_TIMEOUT_S


async def check_script(definition: CheckDefinition) -> Outcome:
    """Run the program once: exit code 0 passing, 1 warning, else critical."""
    timeout_s = program_timeout_s(definition)
    tail = Tail(definition.output_size)
    try:
        process = await trio.lowlevel.open_process(
            list(definition.args),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as wrong:  # ValueError: an argument with a zero in it
        return critical(f"{definition.args[0]}: {reason_of(wrong)}")
    try:
        with suppress(OSError):  # it has ended already, or the system forbids it
            os.setpriority(os.PRIO_PGRP, process.pid, NICENESS)
        with trio.move_on_after(timeout_s):
            await _finish(process, tail)
        code = process.returncode
    finally:
        if process.returncode is None:  # so its id, and its group's, are still its own
            await _kill(process)
        if process.stdout is not None:
            with trio.CancelScope(shield=True):
                await process.stdout.aclose()
    if code is None:
        words = tail.text()
        return critical(f"Timed out ({show_duration(timeout_s)}) running check" + (f"\n\n{words}" if words else ""))
    return Outcome(exit_status(code) if code >= 0 else CheckStatus.CRITICAL, tail.text())


async def _finish(process: trio.Process, tail: Tail) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_read, process, tail)
        await process.wait()
        nursery.cancel_scope.deadline = trio.current_time() + GRACE_S


async def _read(process: trio.Process, tail: Tail) -> None:
    stream = process.stdout
    if stream is None:
        return
    pace = Pace()
    while data := await stream.receive_some(READ_SIZE):
        tail.add(data)
        await pace.breathe()


async def _kill(process: trio.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with trio.CancelScope(shield=True), trio.move_on_after(REAP_MAX_S):
        await process.wait()
