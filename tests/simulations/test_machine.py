"""What is said of the machine that a figure was measured on."""

import os
import platform
import subprocess

import pytest

from simulations.machine import core_count, this_machine


def test_machine_knows_how_many_cores_this_process_may_use() -> None:
    """At least the one that this runs on, and no more than there are."""
    assert 1 <= core_count() <= (os.cpu_count() or 1)


def test_machine_without_affinity_counts_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every system can say what a process may use; where none can say anything, there is one."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert core_count() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert core_count() == 1


def test_machine_line_has_hardware_python_and_commit() -> None:
    """One line says all three, and JSON has the parts."""
    machine = this_machine()
    assert machine.hardware.endswith(f", {core_count()} cores, {platform.system()} {platform.release()}")
    assert machine.as_line() == f"{machine.hardware}; {machine.python}; commit {machine.commit}"
    assert machine.as_json().keys() == {"cpu", "core_count", "system", "python", "commit"}


@pytest.mark.parametrize(
    ("answers", "commit"),
    [
        ({"rev-parse": "0123abc\n", "status": ""}, "0123abc"),
        ({"rev-parse": "0123abc\n", "status": " M a.py\n"}, "0123abc+"),
        ({}, "unknown"),
    ],
    ids=["clean", "changed", "no repository"],
)
def test_machine_commit_tells_whether_the_tree_differs(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, str], commit: str
) -> None:
    """A plus where it does; outside a repository git fails, and there is no commit to name."""

    def answer(words: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        if words[3] not in answers:
            raise subprocess.CalledProcessError(128, words)
        return subprocess.CompletedProcess(words, 0, answers[words[3]], "")

    monkeypatch.setattr(subprocess, "run", answer)
    assert this_machine().commit == commit
