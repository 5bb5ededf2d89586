"""`shoal keys`."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.security.key_file import parse_key_file
from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import FakeAgent

KEYS = {
    "keys": [
        {"id": "9a8b7c6d", "state": "primary", "shown_count": 5, "member_count": 5},
        {"id": "1f2e3d4c", "state": "held", "shown_count": 3, "member_count": 5},
    ]
}


def test_keys_new_writes_a_key_file_for_its_owner_alone(run: Run, agent: FakeAgent, tmp_path: Path) -> None:
    """The file is a whole cluster's key file of mode 0600, and no agent is asked."""
    file = tmp_path / "cluster.key"

    result = run("keys", "new", str(file))

    assert result.exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(parse_key_file(file.read_text()).listing()) == 1
    assert agent.asked == []


def test_keys_new_makes_another_cluster_each_time(run: Run, tmp_path: Path) -> None:
    """Neither the id nor the key repeats."""
    first, second = tmp_path / "a", tmp_path / "b"
    run("keys", "new", str(first))
    run("keys", "new", str(second))

    assert parse_key_file(first.read_text()).cluster_id != parse_key_file(second.read_text()).cluster_id
    assert parse_key_file(first.read_text()).primary != parse_key_file(second.read_text()).primary


def test_keys_new_never_overwrites(run: Run, tmp_path: Path) -> None:
    """An existing file is kept as it is."""
    file = tmp_path / "cluster.key"
    file.write_text("precious")

    result = run("keys", "new", str(file))

    assert result.exit_code == 1
    assert "never overwritten" in result.stderr
    assert file.read_text() == "precious"


def test_keys_new_into_nowhere_is_one_sentence(run: Run, tmp_path: Path) -> None:
    """A missing directory is named."""
    result = run("keys", "new", str(tmp_path / "none" / "cluster.key"))

    assert result.exit_code == 1
    assert "cannot be written: No such file or directory" in result.stderr


def test_keys_list_shows_ids_and_who_has_shown_them(agent: FakeAgent, run: Run) -> None:
    """Plain and JSON."""
    agent.answer("GET /v1/cluster/keys", KEYS)

    plain, as_json = run("keys", "list").stdout.splitlines(), run("keys", "list", "--json").stdout

    assert plain == ["Key       State    Shown by", "9a8b7c6d  primary  5 of 5", "1f2e3d4c  held     3 of 5"]
    assert json.loads(as_json) == KEYS["keys"]


@pytest.mark.parametrize(
    ("words", "route", "params", "answer"),
    [
        (["add"], "/v1/cluster/keys", [], KEYS["keys"][1]),
        (["use", "1f2e3d4c"], "/v1/cluster/keys/1f2e3d4c/use", [], KEYS["keys"][1]),
        (["use", "1f2e3d4c", "--force"], "/v1/cluster/keys/1f2e3d4c/use", [("force", "true")], KEYS["keys"][1]),
        (["retire", "9a8b7c6d"], "/v1/cluster/keys/9a8b7c6d/retire", [], {"retired": "9a8b7c6d"}),
    ],
)
def test_keys_changes_are_posted(
    agent: FakeAgent, run: Run, words: list[str], route: str, params: list[tuple[str, str]], answer: Any
) -> None:
    """Each change is one POST; its answer is told in a sentence that names the key, or as JSON."""
    agent.answer(f"POST {route}", answer, 201)

    plain = run("keys", *words)
    as_json = run("keys", *words, "--json")

    assert plain.exit_code == 0
    assert (answer.get("id") or answer["retired"]) in plain.stdout
    assert json.loads(as_json.stdout) == answer
    assert agent.last().params == params


def test_keys_use_refused_gives_the_agents_reason(agent: FakeAgent, run: Run) -> None:
    """A key that not all have shown is refused, exit code 1."""
    agent.answer("POST /v1/cluster/keys/1f/use", {"error": "n3 has not shown the key 1f", "code": "X"}, 400)

    result = run("keys", "use", "1f")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "n3 has not shown the key 1f" in result.stderr


@pytest.mark.parametrize("answer", [{}, {"keys": "x"}, ["x"], "x", None])
def test_keys_list_of_something_else_is_a_sentence(agent: FakeAgent, run: Run, answer: object) -> None:
    """Something that is no agent is said to be none."""
    agent.answer("GET /v1/cluster/keys", answer)

    result = run("keys", "list")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "the answer is not a list of keys: is it an agent?" in result.stderr
