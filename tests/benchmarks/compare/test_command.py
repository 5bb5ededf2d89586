"""The command line, and tiny runs of real clusters."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.agent_process import ROOT
from benchmarks.command import main
from benchmarks.compare.command import PEERS
from benchmarks.compare.private_network import why_no_network

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what a process costs is read from Linux's /proc")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--peers", "consul"), "consul: not one of serf, kinship"),
        (("--nodes", "2"), "3 to 150 nodes"),
        (("--nodes", "5,x"), "no list of numbers"),
        (("--only", "nothing"), "invalid choice"),
        (("--hog-s", "-1"), "more than 0 s"),
    ],
)
def test_compare_refuses_what_cannot_be(
    words: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A usage error says what is allowed."""
    with pytest.raises(SystemExit) as ended:
        main(["compare", *words])
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def _compare(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict[str, float]]:
    """Run it; the readings of all turns, by product."""
    assert main(["compare", "--tiny", "--json", *words]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["is_complete"] is True
    assert report["notes"] == ([] if not why_no_network() else report["notes"])
    readings: dict[str, dict[str, float]] = {}
    for turn in report["turns"]:
        readings.setdefault(turn["product"], {}).update(turn["readings"])
    return readings


def _check(readings: dict[str, float]) -> None:
    assert readings["start_stuck"] == 0
    assert 0 < readings["kill_suspect"] < readings["kill_first"] <= readings["kill_last"] < 60
    assert 0 <= readings["restart"] <= readings["restart_exec"] < 30
    assert 0 < readings["leave_first"] <= readings["leave_last"] < 30
    assert readings["pss"] > 1
    assert readings["cpu"] > 0
    assert readings["false_failed"] == 0
    if not why_no_network():
        assert readings["packets"] > 0.5
        assert readings["bytes"] / readings["packets"] > 28  # an IP and a UDP header


@pytest.mark.end_to_end
@LINUX
def test_compare_shoal_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A cluster of three goes through the whole cycle, and the page is written."""
    page = tmp_path / "page.html"
    readings = _compare(capsys, "--peers", "", "--html", str(page))["shoal"]
    _check(readings)
    assert readings["pss_http"] > readings["pss_off"]
    assert "<h2>3 nodes</h2>" in page.read_text()


@pytest.mark.end_to_end
@LINUX
@pytest.mark.parametrize("name", sorted(PEERS))
def test_compare_a_peer(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """The same of a peer, where it is, and its traffic without encryption."""
    if reason := PEERS[name].why_not():
        pytest.skip(reason)
    readings = _compare(capsys, "--peers", name)[name]
    _check(readings)
    if not why_no_network():
        assert readings["plain_bytes"] > 0


@pytest.mark.end_to_end
@LINUX
def test_compare_without_networks_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On free ports of this machine all is measured but packets and bytes."""
    for module in ("place", "comparison"):
        monkeypatch.setattr(f"benchmarks.compare.{module}.why_no_network", lambda: "this is a test")
    assert main(["compare", "--tiny", "--json", "--peers", "", "--only", "start", "--only", "idle"]) == 0
    report = json.loads(capsys.readouterr().out)
    [turn] = report["turns"]
    assert turn["readings"]["cpu"] > 0
    assert "bytes" not in turn["readings"]
    assert "this is a test" in report["notes"][0]


@pytest.mark.end_to_end
@LINUX
def test_compare_counts_alarms_under_load_and_starts(capsys: pytest.CaptureFixture[str]) -> None:
    """Starts and load are measured without cycles."""
    readings = _compare(capsys, "--peers", "", "--starts", "1", "--hog-s", "2")["shoal"]
    assert readings["starts"] < 35
    assert readings["hog_s"] == 2.0
    assert readings["hog_failed"] == 0
    assert "kill_first" not in readings


@pytest.mark.end_to_end
@LINUX
def test_compare_interrupted_leaves_nothing_and_shows_what_it_has() -> None:
    """SIGTERM in the middle ends every node, and the report says that it is not complete."""
    command = [sys.executable, "-m", "benchmarks", "compare", "--peers", "", "--nodes", "3", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        while "settling" not in (line := process.stderr.readline()):
            assert line, "it ended by itself"
        children = _children(process.pid)
        assert len(children) == 3
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(out)["is_complete"] is False
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < until
        os.sched_yield()


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
