"""`shoal services`."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from select import select
from time import monotonic
from typing import Any

import msgspec
import pytest

from node.cli import output
from node.cli.services import WAIT_S
from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import ID_1, ID_2, Asked, FakeAgent, Reply

SERVICES = "GET /v1/cluster/services"
WEB = "GET /v1/cluster/services/web"
PATIENCE_S = 60.0
"""For a busy machine; the run takes under a second."""


def service(name: str, passing: int = 0, warning: int = 0, critical: int = 0, *tags: str) -> dict[str, Any]:
    """Shape a service as the agent does."""
    return {"name": name, "tags": list(tags), "instances": passing + warning + critical,
            "passing": passing, "warning": warning, "critical": critical}  # fmt: skip


def check(id: str, status: str, text: str = "") -> dict[str, Any]:
    """Shape a check as the agent does."""
    return {"id": id, "name": id, "status": status, "notes": "", "output": text, "service_id": "", "kind": "ttl"}


def instance(node_id: str, node: str, status: str, *checks: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Shape an instance as the agent does."""
    return {"node": node, "node_id": node_id, "address": "10.0.0.1", "port": 80, "id": "web-1", "tags": ["v2"],
            "meta": {}, "status": status, "checks": list(checks)} | changes  # fmt: skip


LISTING = {"index": 7, "services": [service("db", 1), service("web", 2, 0, 1, "v1", "v2"), service("x", 0, 1, 0, "v2")]}
INSTANCES = {
    "index": 9,
    "service": "web",
    "instances": [
        instance(ID_1, "n1", "passing", check("serfHealth", "passing")),
        instance(
            ID_2,
            "n2",
            "critical",
            check("disk", "warning", "full"),
            check("service:web-1", "critical", "HTTP GET:\n  500 \x1b[2J"),
            address="::1",
            tags=[],
        ),
    ],
}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pause no time, and note how long it would have been."""
    made: list[float] = []
    monkeypatch.setattr("node.cli.services.sleep", made.append)
    return made


def in_turn(agent: FakeAgent, route: str, *replies: Any) -> None:
    """Give one answer after the other; after the last the reader is interrupted."""
    left = list(replies)

    def reply(_: Asked) -> Reply:
        found = left.pop(0)
        return found if isinstance(found, Reply) else Reply(200, msgspec.json.encode(found))

    agent.routes[route] = reply


def interrupt_after(monkeypatch: pytest.MonkeyPatch, count: int) -> list[float]:
    """Press Ctrl-C in the place of a pause; give how long all of them would have been."""
    made: list[float] = []

    def pause(seconds: float) -> None:
        made.append(seconds)
        if len(made) == count:
            raise KeyboardInterrupt

    monkeypatch.setattr("node.cli.services.sleep", pause)
    return made


def lines_of(text: str) -> list[str]:
    """Take the times off the lines of a watch."""
    assert all(re.match(r"\d\d:\d\d:\d\d  ", line) for line in text.splitlines())
    return [line[10:] for line in text.splitlines()]


def test_services_are_rows_with_counts(agent: FakeAgent, run: Run) -> None:
    """One line a service, aligned, without colour."""
    agent.answer(SERVICES, LISTING)

    result = run("services")

    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["Service", "Instances", "Passing", "Warning", "Critical", "Tags"],
        ["db", "1", "1", "0", "0"],
        ["web", "3", "2", "0", "1", "v1,v2"],
        ["x", "1", "0", "1", "0", "v2"],
    ]
    assert "\x1b" not in result.stdout


def test_services_of_a_name_are_instances_with_what_ails_them(agent: FakeAgent, run: Run) -> None:
    """The worst check's output is on the instance's line, without what moves the cursor; IPv6 is in brackets."""
    agent.answer(WEB, INSTANCES)

    result = run("services", "web")

    heading, first, second = result.stdout.splitlines()
    assert heading.split() == ["Node", "Address", "Id", "Tags", "Status", "Output"]
    assert first.split() == ["n1", "10.0.0.1:80", "web-1", "v2", "passing"]
    assert second.split()[:4] == ["n2", "[::1]:80", "web-1", "critical"]
    assert second.endswith(r"service:web-1: HTTP GET: 500 \x1b[2J (and 1 more)")


def test_services_output_is_one_bounded_line(agent: FakeAgent, run: Run) -> None:
    """A page of HTML is cut; a check that says nothing is named with its status; port 0 is none."""
    long = instance(ID_1, "n1", "critical", check("a", "critical", "x\n" * 4_000), port=0)
    silent = instance(ID_2, "n2", "warning", check("b", "warning"))
    agent.answer(WEB, {"index": 1, "service": "web", "instances": [long, silent]})

    _, first, second = run("services", "web").stdout.splitlines()

    assert len(first) < 260
    assert first.endswith("...")
    assert " 10.0.0.1 " in first
    assert second.endswith("b: warning")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], ["db", "web", "x"]),
        (["--tag", "v2"], ["web", "x"]),
        (["--tag", "v2", "--tag", "v1"], ["web"]),
        (["--passing"], ["db", "web"]),
        (["--passing", "--tag", "v2"], ["web"]),
        (["--tag", "v3"], []),
    ],
)
def test_services_filters_narrow_the_list(agent: FakeAgent, run: Run, flags: list[str], expected: list[str]) -> None:
    """All tags must be there; --passing wants an instance that passes; --json is the agent's own words."""
    agent.answer(SERVICES, LISTING)

    found = json.loads(run("services", "--json", *flags).stdout)

    assert found == [one for one in LISTING["services"] if one["name"] in expected]  # type: ignore[attr-defined]


def test_services_of_a_name_lets_the_agent_filter(agent: FakeAgent, run: Run) -> None:
    """Tags and --passing go into the query, the name is one segment of the path, and --json gives all there is."""
    agent.routes["GET /v1/cluster/services/a%2Fb%20c"] = Reply(200, msgspec.json.encode(INSTANCES))

    result = run("services", "a/b c", "--tag", "v1", "--tag", "v 2", "--passing", "--json")

    assert json.loads(result.stdout) == INSTANCES["instances"]
    assert agent.last().params == [("tag", "v1"), ("tag", "v 2"), ("passing", "true")]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "no service is known here"),
        (["--passing"], "no such service is known here"),
        (["web"], "no instance of web is known here"),
        (["web", "--tag", "a"], "no such instance of web is known here"),
    ],
)
def test_services_without_a_row_is_a_sentence(agent: FakeAgent, run: Run, words: list[str], sentence: str) -> None:
    """On standard error, so that a pipe gets nothing; with --json an empty list."""
    agent.answer(SERVICES, {"index": 1, "services": []})
    agent.answer(WEB, {"index": 1, "service": "web", "instances": []})

    result = run("services", *words)

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"shoal: {sentence}\n")
    assert json.loads(run("services", *words, "--json").stdout) == []


@pytest.mark.parametrize("answer", [[], {}, {"index": 1}, {"index": 1, "services": [{"name": 5}]}, {"index": "x"}])
@pytest.mark.parametrize("flags", [[], ["--watch"]])
def test_services_refuses_what_is_no_list(agent: FakeAgent, run: Run, answer: Any, flags: list[str]) -> None:
    """One sentence and exit 1."""
    agent.answer(SERVICES, answer)

    result = run("services", *flags)

    assert result.exit_code == 1
    assert "the answer is not a list of services" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("words", [[""], ["web", "db"], ["--tag"]])
def test_services_usage_errors_exit_2_before_asking(agent: FakeAgent, run: Run, words: list[str]) -> None:
    """A name that is none, two of them, and a flag without its value."""
    assert run("services", *words).exit_code == 2
    assert agent.asked == []


def test_services_on_a_terminal_is_coloured(agent: FakeAgent, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By status, and by how many there are of one; none is no alarm."""
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    agent.answer(SERVICES, {"index": 1, "services": [service("web", 2, 0, 4)]})
    agent.answer(WEB, INSTANCES)

    listed, instances = run("services").stdout, run("services", "web").stdout

    assert "\x1b[32m2" in listed
    assert "\x1b[31m4" in listed
    assert "\x1b[33m0" not in listed
    assert "\x1b[31mcritical" in instances
    assert "\x1b[2J" not in instances


def test_watch_prints_rows_that_changed(agent: FakeAgent, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """First all, then what changed or is gone; an unchanged index prints nothing, and an empty list says so once."""
    later = {"index": 8, "services": [service("db", 1), service("web", 3, 0, 0, "v1")]}
    in_turn(agent, SERVICES, LISTING, LISTING, later, {"index": 9, "services": []}, {"index": 10, "services": []})
    interrupt_after(monkeypatch, 5)

    result = run("services", "--watch")

    assert lines_of(result.stdout) == [
        "db  1 instance  1 passing  0 warning  0 critical",
        "web  3 instances  2 passing  0 warning  1 critical  v1,v2",
        "x  1 instance  0 passing  1 warning  0 critical  v2",
        "web  3 instances  3 passing  0 warning  0 critical  v1",
        "x  1 instance  0 passing  1 warning  0 critical  v2  gone",
        "db  1 instance  1 passing  0 warning  0 critical  gone",
        "web  3 instances  3 passing  0 warning  0 critical  v1  gone",
        "no service is known here",
    ]
    assert (result.exit_code, result.stderr) == (130, "")


def test_watch_waits_at_the_agent_for_what_comes_next(
    agent: FakeAgent, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request is answered at once, each later one asks for what comes after the index shown."""
    in_turn(agent, WEB, INSTANCES, INSTANCES, INSTANCES | {"index": 12}, INSTANCES)
    interrupt_after(monkeypatch, 4)

    run("services", "web", "--tag", "v1", "--watch")

    assert [asked.params for asked in agent.asked] == [
        [("tag", "v1")],
        *([("tag", "v1"), ("index", index), ("wait", f"{WAIT_S}s")] for index in ("9", "9", "12")),
    ]


def test_watch_pauses_longer_without_news(agent: FakeAgent, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that answers at once is asked at most four times a second, and without news once a second."""
    made = interrupt_after(monkeypatch, 3)
    in_turn(agent, SERVICES, LISTING, LISTING, LISTING | {"index": 8})

    run("services", "--watch")

    assert made == [0.25, 1.0, 0.25]


def test_watch_json_is_a_line_each(agent: FakeAgent, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its index, and filtered as without --watch."""
    in_turn(agent, SERVICES, LISTING, LISTING | {"index": 8})
    interrupt_after(monkeypatch, 2)

    lines = run("services", "--watch", "--json", "--tag", "v1").stdout.splitlines()

    web = [LISTING["services"][1]]  # type: ignore[index]
    assert [json.loads(line) for line in lines] == [{"index": 7, "services": web}, {"index": 8, "services": web}]


def test_watch_finds_the_agent_again(agent: FakeAgent, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it does not speak it is asked again, ever later, and then from the beginning: its index may begin anew."""
    in_turn(agent, SERVICES, LISTING, LISTING | {"index": 3})
    interrupt_after(monkeypatch, 4)
    asked = agent.routes[SERVICES]
    assert callable(asked)
    calls: list[int] = []

    def drop_two(one: Asked) -> Reply:
        calls.append(1)
        if len(calls) in (2, 3):
            raise TimeoutError  # at which the server ends the connection without an answer
        return asked(one)

    agent.routes[SERVICES] = drop_two

    result = run("services", "--watch")

    assert "trying again in 1 s" in result.stderr
    assert "trying again in 2 s" in result.stderr
    assert [len(one.params) for one in agent.asked] == [0, 2, 0, 0]
    assert "Traceback" not in result.stderr
    assert result.exit_code == 130


def test_watch_ends_where_nothing_listens(run: Run) -> None:
    """A first answer that does not come is a failure, not a retry."""
    result = run("services", "--watch", "--http", "127.0.0.1:1")

    assert result.exit_code == 1
    assert "nothing listens" in result.stderr


def test_watch_ends_when_the_agent_refuses(agent: FakeAgent, run: Run, pauses: list[float]) -> None:
    """A right that was taken away is not asked for again and again."""
    in_turn(agent, SERVICES, LISTING, Reply(403, b"Permission denied", "text/plain"))

    result = run("services", "--watch")

    assert result.exit_code == 1
    assert "Permission denied" in result.stderr
    assert pauses == [0.25]


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Open a terminal that nobody sits at."""
    reading, writing = pty.openpty()
    yield reading, writing
    os.close(reading)


def test_watch_on_a_terminal_is_drawn_again_until_ctrl_c(agent: FakeAgent, terminal: tuple[int, int]) -> None:
    """The table changes in place, and Ctrl-C leaves it standing, with the cursor shown and no traceback."""
    reading, writing = terminal
    in_turn(agent, SERVICES, LISTING, {"index": 8, "services": [service("later", 5)]}, Reply(holds=True))
    environ = os.environ | {"SHOAL_HTTP_ADDR": agent.url, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    command = [sys.executable, "-m", "node", "services", "--watch", "--token", "t"]
    process = subprocess.Popen(
        command, cwd=Path(__file__).parents[3], env=environ, stdout=writing, stderr=writing, start_new_session=True
    )
    os.close(writing)
    try:
        text = _read_until(reading, "", r"later.*Ctrl-C ends")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
        text = _read_rest(reading, text)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()

    assert "web" in text.partition("later")[0]
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "Traceback" not in text


def _read_until(reading: int, text: str, pattern: str) -> str:
    deadline = monotonic() + PATIENCE_S
    while not re.search(pattern, text, re.DOTALL):
        ready, _, _ = select([reading], [], [], max(0.0, deadline - monotonic()))
        assert ready, f"{pattern!r} is not in {text!r}"
        text += os.read(reading, 65_536).decode()
    return text


def _read_rest(reading: int, text: str) -> str:
    while select([reading], [], [], 0.2)[0]:
        try:
            piece = os.read(reading, 65_536)
        except OSError:  # how a terminal whose other end is closed says that there is no more
            break
        text += piece.decode()
    return text
