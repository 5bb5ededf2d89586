"""`shoal explain`."""

import json
import time
from typing import Any

import pytest

from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import ID_3, FakeAgent


def story(**changes: Any) -> dict[str, Any]:
    """Shape the evidence about n3: suspected, then failed."""
    now = time.time()
    suspected = {
        "at": now - 5, "change": "member-suspect", "status": "suspect", "incarnation": 7, "by": ["n1", "n2"],
        "paths": ["direct ping: no answer in 120 ms", "through n4: nack after 80 ms"],
        "rtt_s": 0.0012, "awareness": 2, "stall_s": 0.75, "text": "no path led to an answer",
    }  # fmt: skip
    failed = {
        "at": now, "change": "member-failed", "status": "failed", "incarnation": 7, "by": [], "paths": [],
        "rtt_s": None, "awareness": 0, "stall_s": 0.0, "text": "",
    }  # fmt: skip
    return {"id": ID_3, "name": "n3", "status": "failed", "forgotten": 4, "entries": [suspected, failed]} | changes


def test_explain_tells_each_change_with_its_evidence(agent: FakeAgent, run: Run) -> None:
    """Who accused, what was tried, how the observer was: all of it, in order."""
    agent.answer("GET /v1/cluster/explain/n3", story())

    lines = run("explain", "n3").stdout.splitlines()

    assert lines[0] == f"n3 ({ID_3}) is failed for this agent"
    assert lines[1] == "4 older changes are no longer kept"
    assert lines[3].endswith("member-suspect, suspect at incarnation 7")
    assert lines[4:12] == [
        "  no path led to an answer",
        "  by: n1, n2",
        "  tried:",
        "    direct ping: no answer in 120 ms",
        "    through n4: nack after 80 ms",
        "  last round trip before: 1.2 ms",
        "  this agent's awareness: 2 (0 is healthy)",
        "  this agent's own timers were late by 750 ms",
    ]
    assert lines[13].endswith("member-failed, failed at incarnation 7")
    assert len(lines) == 14


def test_explain_of_a_reaped_member_says_so(agent: FakeAgent, run: Run) -> None:
    """Only its log is left."""
    agent.answer("GET /v1/cluster/explain/n3", story(status=None, entries=[], forgotten=0))

    assert run("explain", "n3").stdout.splitlines() == [
        f"n3 ({ID_3}) is off the list for this agent",
        "nothing is kept about it",
    ]


def test_explain_json_is_the_agents_answer(agent: FakeAgent, run: Run) -> None:
    """--json passes it on."""
    answer = story()
    agent.answer("GET /v1/cluster/explain/n3", answer)

    assert json.loads(run("explain", "--json", "n3").stdout) == answer


def test_explain_quotes_the_name(agent: FakeAgent, run: Run) -> None:
    """A slash or a question mark in the argument is part of the name."""
    assert run("explain", "a/b?c").exit_code == 1
    assert agent.last().path == "/v1/cluster/explain/a%2Fb%3Fc"


def test_explain_of_nobody_exits_1_with_the_agents_sentence(agent: FakeAgent, run: Run) -> None:
    """404 and its reason."""
    agent.answer("GET /v1/cluster/explain/n9", {"error": "no member 'n9' is known here", "code": "NOT_FOUND"}, 404)

    result = run("explain", "n9")

    assert result.exit_code == 1
    assert "no member 'n9' is known here" in result.stderr


@pytest.mark.parametrize("answer", [[], {}, {"entries": 1}, story(entries=[{"at": "x"}]), None, 3])
def test_explain_refuses_another_shape_in_one_sentence(agent: FakeAgent, run: Run, answer: Any) -> None:
    """What is JSON and no evidence is no traceback."""
    agent.answer("GET /v1/cluster/explain/n3", answer)

    result = run("explain", "n3")

    assert result.exit_code == 1
    assert "not a member's evidence" in result.stderr
