"""`shoal join`, `leave`, `force-leave` and `tags`."""

import json

import pytest

from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import ID_3, FakeAgent, Reply, three_members

MEMBERS = "GET /v1/cluster/members"


def test_join_sends_each_address(agent: FakeAgent, run: Run) -> None:
    """All addresses go in one request, and the number that answered is told."""
    agent.answer("POST /v1/agent/join", {"num_joined": 1, "error": ""})

    result = run("join", "10.0.0.1:7946", "host")

    assert result.exit_code == 0
    assert result.stdout == "joined through 1 of 2 addresses\n"
    assert agent.last().params == [("address", "10.0.0.1:7946"), ("address", "host")]


def test_join_that_reached_nobody_exits_1_with_the_reason(agent: FakeAgent, run: Run) -> None:
    """The agent answers 200 even then; the exit code says what happened."""
    agent.answer("POST /v1/agent/join", {"num_joined": 0, "error": "x:1: connection refused"})

    result = run("join", "x:1")

    assert result.exit_code == 1
    assert result.stderr == "shoal: x:1: connection refused\n"


def test_join_json_keeps_the_answer_beside_the_exit_code(agent: FakeAgent, run: Run) -> None:
    """--json prints the answer also when nobody was reached."""
    answer = {"num_joined": 0, "error": "refused"}
    agent.answer("POST /v1/agent/join", answer)

    result = run("join", "x:1", "--json")

    assert (result.exit_code, json.loads(result.stdout)) == (1, answer)


def test_join_without_address_is_a_usage_error(agent: FakeAgent, run: Run) -> None:
    """Nothing is asked."""
    assert run("join").exit_code == 2
    assert agent.asked == []


@pytest.mark.parametrize(("flags", "params"), [([], []), (["--stay"], [("stay", "true")])])
def test_leave_asks_with_and_without_stay(
    agent: FakeAgent, run: Run, flags: list[str], params: list[tuple[str, str]]
) -> None:
    """--stay travels as a parameter, and the token as a Bearer token."""
    agent.answer("POST /v1/cluster/leave", {"left": True, "stay": bool(flags)})

    result = run("leave", "--token", "secret", *flags)

    assert result.exit_code == 0
    assert agent.last().params == params
    assert agent.last().headers["Authorization"] == "Bearer secret"


def test_leave_refused_tells_how_to_give_a_token(agent: FakeAgent, run: Run) -> None:
    """A 401 is one sentence with the agent's reason and the remedy."""
    agent.answer("POST /v1/cluster/leave", {"error": "a token is needed", "code": "UNAUTHORIZED"}, 401)

    result = run("leave")

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "401: a token is needed" in result.stderr
    assert "--token" in result.stderr


@pytest.mark.parametrize("name", ["n3", "n3.global", ID_3, ID_3.lower()])
def test_force_leave_finds_the_member_by_name_and_id(agent: FakeAgent, run: Run, name: str) -> None:
    """Name, name.region and id in either case are known; the request carries what was given."""
    agent.answer(MEMBERS, three_members())
    agent.routes["PUT /v1/agent/force-leave"] = Reply()

    result = run("force-leave", name, "--prune")

    assert (result.exit_code, result.stdout) == (0, f"{name} is off the list\n")
    assert agent.last().params == [("node", name), ("prune", "true")]


def test_force_leave_of_a_stranger_exits_1_and_asks_nothing(agent: FakeAgent, run: Run) -> None:
    """The route would take any name in silence, so the list is looked at first."""
    agent.answer(MEMBERS, three_members())

    result = run("force-leave", "n9")

    assert result.exit_code == 1
    assert "no member is called 'n9'" in result.stderr
    assert [asked.method for asked in agent.asked] == ["GET"]


def test_force_leave_of_an_alive_member_says_that_it_stays(agent: FakeAgent, run: Run) -> None:
    """Nothing is promised that will not happen."""
    agent.answer(MEMBERS, three_members())
    agent.routes["PUT /v1/agent/force-leave"] = Reply()

    assert "refutes" in run("force-leave", "n2").stdout


def test_force_leave_without_the_right_to_read_still_asks(agent: FakeAgent, run: Run) -> None:
    """A token that may write and not read is enough."""
    agent.routes[MEMBERS] = Reply(403, b"Permission denied", "text/plain")
    agent.routes["PUT /v1/agent/force-leave"] = Reply()

    assert run("force-leave", "n3").exit_code == 0
    assert agent.last().method == "PUT"


def test_tags_shows_the_agents_own(agent: FakeAgent, run: Run) -> None:
    """Without a change, the local member's tags are listed by key."""
    agent.answer(MEMBERS, three_members())

    assert run("tags").stdout == "rack  a1\nrole  web\n"


def test_tags_sends_what_to_set_and_delete(agent: FakeAgent, run: Run) -> None:
    """A value may hold =, and the answer is all tags as they are then."""
    agent.answer("PUT /v1/cluster/tags", {"tags": {"a": "b=c"}})

    result = run("tags", "--set", "a=b=c", "--delete", "old", "--json")

    assert json.loads(result.stdout) == {"a": "b=c"}
    assert agent.last().body == {"set": {"a": "b=c"}, "delete": ["old"]}


@pytest.mark.parametrize("tag", ["a", "=b", ""])
def test_tags_refuses_what_is_not_a_tag(agent: FakeAgent, run: Run, tag: str) -> None:
    """Nothing is sent."""
    assert run("tags", "--set", tag).exit_code == 2
    assert agent.asked == []
