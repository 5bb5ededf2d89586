"""`shoal token`."""

import json
from typing import Any

import pytest

from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import FakeAgent

SECRET = "shoal-abcdefghijklmnopqrstuvwxyz"
PATH = "/v1/cluster/tokens"


def _made(expires_at: str | None = None) -> dict[str, Any]:
    return {
        "token": SECRET,
        "id": "1f2e3d4c5b6a7988",
        "name": "ci",
        "scopes": ["peers.read", "peers.write"],
        "created_at": "2026-11-21T02:28:23.369Z",
        "expires_at": expires_at,
    }


def test_token_create_prints_the_secret_alone(agent: FakeAgent, run: Run) -> None:
    """Standard output has the secret, so that a variable can take it; the advice is on standard error."""
    agent.answer(f"POST {PATH}", _made(), 201)

    result = run("token", "create", "--name", "ci", "--scope", "peers.read", "--scope", "peers.write")

    assert (result.exit_code, result.stdout) == (0, f"{SECRET}\n")
    assert len(result.stderr.splitlines()) == 1
    assert "shoal token revoke 1f2e3d4c5b6a7988" in result.stderr
    assert SECRET not in result.stderr
    assert agent.last().body == {"name": "ci", "scopes": ["peers.read", "peers.write"]}


def test_token_create_json_has_three_keys(agent: FakeAgent, run: Run) -> None:
    """For a program: token, id and scopes."""
    agent.answer(f"POST {PATH}", _made(), 201)

    result = run("token", "create", "--name", "ci", "--scope", "peers.read", "--json")

    assert json.loads(result.stdout) == {"token": SECRET, "id": "1f2e3d4c5b6a7988", "scopes": _made()["scopes"]}
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("given", "sent"), [("24h", "86400000ms"), ("7d", "604800000ms"), ("1h30m", "5400000ms"), ("90", "90000ms")]
)
def test_token_create_expires_as_settings_write_times(agent: FakeAgent, run: Run, given: str, sent: str) -> None:
    """Days too; what the agent reads is a duration of Go's. The end is told."""
    agent.answer(f"POST {PATH}", _made("2026-11-22T02:28:23.369Z"), 201)

    result = run("token", "create", "--name", "ci", "--scope", "node:read", "--expires", given)

    assert agent.last().body["expires_in"] == sent
    assert "until 2026-11-22T02:28:23.369Z" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--scope", "admin"], "--name"),
        (["--name", "ci"], "--scope"),
        (["--name", "ci", "--scope", "admin", "--expires", "soon"], "'soon' is not a time"),
    ],
)
def test_token_create_usage(agent: FakeAgent, run: Run, words: list[str], said: str) -> None:
    """What is missing or no time is a usage error, and nothing is asked."""
    result = run("token", "create", *words)

    assert result.exit_code == 2
    assert said in result.stderr
    assert agent.asked == []


def test_token_create_refused_gives_the_agents_reason(agent: FakeAgent, run: Run) -> None:
    """An unknown scope comes back as the agent worded it."""
    agent.answer(f"POST {PATH}", {"error": "unknown scope 'x'", "code": "INVALID_REQUEST"}, 400)

    result = run("token", "create", "--name", "ci", "--scope", "x")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "unknown scope 'x'" in result.stderr


def test_token_list_shows_all_but_secrets(agent: FakeAgent, run: Run) -> None:
    """Plain and JSON; expired ones are marked."""
    never = {"id": "aa", "name": "admin.token", "scopes": ["admin"], "created_at": "A", "expires_at": None,
             "last_used_at": "U", "expired": False}  # fmt: skip
    expired = never | {"id": "bb", "name": "ci\x1b[2J", "expires_at": "E", "last_used_at": None, "expired": True}
    agent.answer(f"GET {PATH}", {"tokens": [never, expired]})

    plain, as_json = run("token", "list").stdout.splitlines(), run("token", "list", "--json").stdout

    assert plain == [
        "Id  Name         Scopes  Created  Expires    Last used",
        "aa  admin.token  admin   A        never      U",
        r"bb  ci\x1b[2J    admin   A        expired E  -",
    ]
    assert json.loads(as_json) == [never, expired]


def test_token_revoke_deletes(agent: FakeAgent, run: Run) -> None:
    """One DELETE; its answer in a sentence, or as JSON."""
    agent.answer(f"DELETE {PATH}/1f", {"revoked": "1f"})

    plain, as_json = run("token", "revoke", "1f"), run("token", "revoke", "1f", "--json")

    assert plain.stdout == "token 1f is revoked\n"
    assert json.loads(as_json.stdout) == {"revoked": "1f"}


def test_token_revoke_of_the_last_admin_is_refused(agent: FakeAgent, run: Run) -> None:
    """The agent's reason, exit code 1."""
    agent.answer(f"DELETE {PATH}/1f", {"error": "this is the last token with admin", "code": "LAST_ADMIN_TOKEN"}, 409)

    result = run("token", "revoke", "1f")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "this is the last token with admin" in result.stderr


@pytest.mark.parametrize("words", [["list"], ["create", "--name", "ci", "--scope", "admin"]])
def test_token_answer_of_something_else_is_a_sentence(agent: FakeAgent, run: Run, words: list[str]) -> None:
    """Something that is no agent is said to be none."""
    agent.answer(f"GET {PATH}", {"tokens": "x"})
    agent.answer(f"POST {PATH}", ["x"])

    result = run("token", *words)

    assert result.exit_code == 1
    assert "is it an agent?" in result.stderr
