"""`shoal up`, over stand-ins for the agent."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select
from time import monotonic

import pytest

from node.member_row import read_members
from node.up_child import Child, find_addresses
from node.up_watch import Look, summarize
from tests.node.cli.fake_agent import ID_1, ID_2, member, three_members
from tests.node.cli.fake_node import PATIENCE_S, is_running, wait_for_end

ROOT = Path(__file__).parents[3]
Start = Callable[..., "Up"]


class Up:
    """A running `shoal up` and the lines it printed."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: int, temp_dir: Path) -> None:
        self.process = process
        self.temp_dir = temp_dir
        self.text = ""
        self._output = output

    def read_until(self, pattern: str) -> "re.Match[str]":
        """Read on until the text matches."""
        deadline = monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.text, re.MULTILINE)):
            ready, _, _ = select([self._output], [], [], deadline - monotonic())
            piece = os.read(self._output, 65_536) if ready else b""
            assert piece, f"{pattern!r} is not in {self.text!r}"
            self.text += piece.decode()
        return found

    def pid_of(self, name: str) -> int:
        """Read a node's process id off its line."""
        return int(self.read_until(rf"{name}  \w+  \S+  \S+  (\d+)  alive")[1])

    def end(self) -> int:
        """Wait for the end and give the exit code."""
        return self.process.wait(PATIENCE_S)

    def base_dirs(self) -> list[Path]:
        """List what is left of temporary base directories."""
        return list(self.temp_dir.glob("shoal-up-*"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `shoal up` with a temporary directory of its own."""
    running: list[Up] = []

    def start_up(*words: str, terminal: bool = False) -> Up:
        reading, writing = pty.openpty() if terminal else os.pipe()
        environ = os.environ | {"TMPDIR": str(tmp_path), "SHOAL_JOIN": "10.0.0.1:1", "TERM": "xterm", "COLUMNS": "200"}
        command = [sys.executable, "-m", "tests.node.cli.up_driver", *words]
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=writing, stderr=writing)
        os.close(writing)
        running.append(Up(process, reading, tmp_path))
        return running[-1]

    yield start_up
    for up in running:
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait()


def test_up_once_prints_the_table_and_leaves_nothing(start: Start) -> None:
    """All see all: the table, exit code 0, no process and no file."""
    up = start("3", "-", "once")

    assert up.end() == 0
    up.read_until("n3  .*\n")
    lines = up.text.splitlines()
    assert lines[0].split("  ")[0] == "Name"
    assert [re.split(r"\s{2,}", line)[5:] for line in lines[1:4]] == [["alive 3/3", "3"]] * 3
    assert not any(is_running(int(re.split(r"\s{2,}", line)[4])) for line in lines[1:4])
    assert up.base_dirs() == []


def test_up_tells_nodes_apart_from_the_environment(start: Start, tmp_path: Path) -> None:
    """Only the first has no seed, all share one key file, and no SHOAL_ setting of the caller reaches them."""
    up = start("2", str(tmp_path / "base"), "once")

    assert up.end() == 0
    (first, environ), (second, _) = (
        json.loads((tmp_path / "base" / name / "told.json").read_text()) for name in ("n1", "n2")
    )
    key_file = str(tmp_path / "base" / "cluster.key")
    assert "--join" not in first
    assert second[second.index("--join") + 1] == "127.0.0.1:7941"
    assert all(told[told.index("--key-file") + 1] == key_file for told in (first, second))
    assert first[-1] == "--log-json"
    assert environ.keys() == {"SHOAL_REJOIN_AFTER_LEAVE"}


def test_up_shows_a_killed_node_and_how_to_start_it_again(start: Start) -> None:
    """One is killed: its line changes, the command appears, and works; SIGINT then ends everything."""
    up = start("3", "-")
    pids = {name: up.pid_of(name) for name in ("n1", "n2", "n3")}

    os.kill(pids["n3"], signal.SIGKILL)
    up.read_until(r"n3  \w+  \S+  \S+  killed by SIGKILL  failed 2/2")
    command = up.read_until(r"start it again:\n((?: +\S.* \\\n)+ +[^\\\n]+)\n")[1]
    assert "agent" in command
    assert "--name n3 " in command
    assert re.search(r"--http 127\.0\.0\.1:[1-9]\d*", command)
    assert up.text.count("explain n3") == up.text.count("explain ") == 1  # what is to be tried is still about n3
    assert f"kill -9 {pids['n2']}" not in up.text

    up.process.send_signal(signal.SIGINT)
    assert up.end() == 0
    assert not any(is_running(pid) for pid in pids.values())
    assert up.base_dirs() == []


def test_up_shows_a_node_that_was_started_by_hand(start: Start, tmp_path: Path) -> None:
    """A node that answers again at its old address is part of the table again."""
    up = start("2", str(tmp_path / "base"))
    os.kill(up.pid_of("n2"), signal.SIGKILL)
    typed = up.read_until(r"start it again:\n((?: +\S.* \\\n)+ +[^\\\n]+)\n")[1]
    command = typed.replace("\\\n", "").partition("agent ")[2]

    by_hand = subprocess.Popen([sys.executable, "-m", "tests.node.cli.fake_node", "agent", *command.split()], cwd=ROOT)
    try:
        up.read_until(rf"n2  .*  {by_hand.pid} \(by hand\)  alive 2/2")
    finally:
        by_hand.kill()
        by_hand.wait()
    up.process.send_signal(signal.SIGTERM)
    assert up.end() == 0


def test_up_killed_takes_its_nodes_along(start: Start) -> None:
    """Also kill -9 of the parent leaves no process behind, not even a stopped one."""
    up = start("2", "-")
    pids = [up.pid_of("n1"), up.pid_of("n2")]
    os.kill(pids[1], signal.SIGSTOP)

    up.process.kill()

    up.end()
    for pid in pids:
        wait_for_end(pid)


def test_up_kills_at_a_second_signal(start: Start, tmp_path: Path) -> None:
    """A node that does not leave is not waited for when the signal comes again."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "trouble").write_text("deaf n2")
    up = start("2", str(tmp_path / "base"))
    pids = [up.pid_of("n1"), up.pid_of("n2")]

    up.process.send_signal(signal.SIGINT)
    up.read_until("leaving")
    wait_for_end(pids[0])
    up.process.send_signal(signal.SIGINT)

    assert up.end() == 0
    assert not is_running(pids[1])


def test_up_with_a_node_that_does_not_start_says_why(start: Start, tmp_path: Path) -> None:
    """Its last words, exit code 1, and the others are taken down."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "trouble").write_text("broken n2")
    up = start("2", str(tmp_path / "base"))

    assert up.end() == 1
    up.read_until("n2 exited with code 1 before it was ready: failed the port is taken")
    assert not is_running(json.loads((tmp_path / "base" / "n1" / "fake.json").read_text())["pid"])


def test_up_keeps_what_it_was_told_to_keep(start: Start) -> None:
    """--keep leaves the temporary directory and names it."""
    up = start("1", "-", "once", "keep")

    assert up.end() == 0
    kept = up.read_until(r"data is in (\S+)")[1]
    assert (Path(kept) / "n1" / "agent.log").exists()


def test_up_on_a_terminal_draws_a_table(start: Start) -> None:
    """A person sees headings and coloured statuses; Ctrl-C ends it."""
    up = start("2", "-", terminal=True)
    up.read_until("Awareness")
    up.read_until("\x1b\\[32malive 2/2")
    up.read_until("Ctrl-C here leaves")

    up.process.send_signal(signal.SIGINT)

    assert up.end() == 0
    assert up.base_dirs() == []


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (['{"event":"listening","gossip":"a:1","http":"b:2"}'], ("a:1", "http://b:2")),
        (["", "no", "[]", "3", '{"event":"listening","gossip":"a:1","http":"http://b:2"}'], ("a:1", "http://b:2")),
        (['{"event":"listening","gossip":"a:1"}'], ("", "")),
        (['{"event":"other","gossip":"a:1","http":"b:2"}'], ("", "")),
        (['{"event":"listening","gossip":"a:1","http":"b'], ("", "")),
        ([], ("", "")),
    ],
)
def test_addresses_are_found_in_a_log(lines: list[str], found: tuple[str, str]) -> None:
    """Only the whole line with both addresses counts."""
    assert find_addresses(lines) == found


def test_last_words_of_a_log(tmp_path: Path) -> None:
    """A message, else the line itself; an empty log is said to be empty."""
    child = Child("n1", tmp_path, [])
    words = [child.last_words()]
    for content in ('{"time":1,"event":"x","reason":"why"}\n\n', '{"message":"why"}', "Traceback\nError: why\n"):
        child.log.write_text(content)
        words.append(child.last_words())

    assert words == ["its log is empty", "x reason=why", "why", "Error: why"]


def test_summary_counts_what_nodes_see() -> None:
    """One status held by all is a fraction; else each is counted, also against those who know nothing."""
    three = Look(tuple(row for _, row in read_members(three_members())))
    two = Look(tuple(row for _, row in read_members([member(ID_1, "n1", "suspect")])))

    assert summarize(ID_1, [three]) == ("alive 1/1", True)
    assert summarize(ID_1, [three, two]) == ("alive 1, suspect 1 of 2", False)
    assert summarize(ID_2, [three, two]) == ("alive 1 of 2", False)
    assert summarize("", [three]) == ("unknown to all", False)
    assert summarize(ID_1, []) == ("nobody answers", False)


def test_up_lists_members_that_others_started(start: Start, tmp_path: Path) -> None:
    """A node that joined from elsewhere has a line of its own."""
    up = start("2", str(tmp_path / "base"))
    up.pid_of("n2")
    (tmp_path / "base" / "n5").mkdir()
    entry = {"id": "01HF7YAT00J5H9TKGZ2Q3W8X45", "name": "n5", "pid": os.getpid()}
    (tmp_path / "base" / "n5" / "fake.tmp").write_text(json.dumps(entry))

    (tmp_path / "base" / "n5" / "fake.tmp").rename(tmp_path / "base" / "n5" / "fake.json")

    up.read_until(r"n5  01HF7YAT00J5H9TKGZ2Q3W8X45  127.0.0.1:7945  -  not ours  alive 2/2")
    up.process.send_signal(signal.SIGINT)
    assert up.end() == 0
