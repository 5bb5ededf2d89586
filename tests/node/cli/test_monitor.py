"""`shoal monitor`."""

import json
from collections.abc import Sequence

import msgspec
import pytest

from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import ID_3, Asked, FakeAgent, Reply

EVENTS = "GET /v1/cluster/events"
OPENING = b"retry: 2000\nid: 40\n\n"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect again at once."""
    monkeypatch.setattr("node.cli.monitor.sleep", lambda _: None)


def event(index: int, kind: str = "member-failed", status: str | None = "failed") -> bytes:
    """Write one event as the agent does."""
    data = {"index": index, "at": 1_700_000_000.25, "event": kind, "id": ID_3, "name": "n3",
            "address": "127.0.0.1:7943", "incarnation": 7, "status": status}  # fmt: skip
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (index, kind.encode(), msgspec.json.encode(data))


def stream(*pieces: bytes, holds: bool = False) -> Reply:
    """Answer with a stream that ends after the pieces, unless it holds."""
    return Reply(content_type="text/event-stream", pieces=pieces, holds=holds)


def in_turn(agent: FakeAgent, replies: Sequence[Reply]) -> None:
    """Give one reply after the other."""
    left = list(replies)

    def reply(_: Asked) -> Reply:
        return left.pop(0)

    agent.routes[EVENTS] = reply


def test_monitor_prints_a_line_for_each_event(agent: FakeAgent, run: Run) -> None:
    """Comments and the opening are no events; an event cut into pieces is one."""
    whole = event(41)
    agent.routes[EVENTS] = stream(OPENING, b":\n\n", whole[:9], whole[9:], event(42, "member-reap", None), holds=True)

    result = run("monitor", "--count", "2")

    first, second = result.stdout.splitlines()
    assert result.exit_code == 0
    assert first.endswith("  member-failed    n3  127.0.0.1:7943  failed  incarnation 7")
    assert "off the list" in second


def test_monitor_json_is_one_object_a_line(agent: FakeAgent, run: Run) -> None:
    """Event and index come first."""
    agent.routes[EVENTS] = stream(OPENING, event(41), b'event: gap\ndata: {"since":1,"until":2}\n\n', holds=True)

    lines = run("monitor", "--json", "--count", "2", "--index", "0").stdout.splitlines()

    assert lines[0].startswith('{"event":"member-failed","index":41,')
    assert json.loads(lines[1]) == {"event": "gap", "index": None, "since": 1, "until": 2}
    assert agent.last().params == [("index", "0")]


def test_monitor_says_why_the_agent_ended_the_stream(agent: FakeAgent, run: Run) -> None:
    """It asks again, and the refusal of that is the end."""
    refused = Reply(401, b'{"error": "this token is not known here", "code": "UNAUTHORIZED"}')
    in_turn(agent, [stream(OPENING, event(41), b'event: end\ndata: {"reason": "it was revoked"}\n\n'), refused])

    result = run("monitor")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[1].split(maxsplit=1) == ["end", "it was revoked"]
    assert "this token is not known here" in result.stderr


def test_monitor_goes_on_where_the_stream_broke(agent: FakeAgent, run: Run) -> None:
    """The second request asks for what came after the last event, the reason goes to stderr."""
    in_turn(agent, [stream(OPENING, event(41)), stream(event(42), holds=True)])

    result = run("monitor", "--count", "2")

    assert [asked.params for asked in agent.asked] == [[], [("index", "41")]]
    assert len(result.stdout.splitlines()) == 2
    assert "closed the stream; trying again in 1 s" in result.stderr


def test_monitor_resumes_from_the_opening_if_nothing_happened(agent: FakeAgent, run: Run) -> None:
    """No event is lost between a quiet stream and the next one."""
    in_turn(agent, [stream(OPENING), stream(event(41), holds=True)])

    assert run("monitor", "--count", "1").exit_code == 0
    assert agent.last().params == [("index", "40")]


def test_monitor_ends_when_the_agent_refuses(agent: FakeAgent, run: Run) -> None:
    """A right that was taken away is not asked for again and again."""
    in_turn(agent, [stream(OPENING), Reply(403, b"Permission denied", "text/plain")])

    result = run("monitor")

    assert result.exit_code == 1
    assert "Permission denied" in result.stderr


@pytest.mark.parametrize("broken", [b"id: 1\ndata: {\n\n", b"data: " + b"x" * (1 << 20) + b"\n\n"])
def test_monitor_survives_a_broken_event(agent: FakeAgent, run: Run, broken: bytes) -> None:
    """What is no JSON, or beyond the bound, ends the connection and not the program."""
    in_turn(agent, [stream(OPENING, broken), stream(event(41), holds=True)])

    result = run("monitor", "--count", "1")

    assert result.exit_code == 0
    assert "Traceback" not in result.stderr


def test_monitor_interrupted_is_quiet(agent: FakeAgent, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C gives 130 and no word."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("node.cli.monitor.sleep", interrupt)
    agent.routes[EVENTS] = stream(OPENING)

    result = run("monitor")

    assert result.exit_code == 130
    assert result.stdout == ""
