"""What every command makes of an agent that is absent, slow, broken or something else."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from node import http_client
from node.cli.link import find_token
from node.http_client import ClientError
from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import FakeAgent, Reply

SPEAKING = [
    ["members"], ["join", "x:1"], ["leave"], ["force-leave", "n3"], ["tags"], ["tags", "--set", "a=b"], ["info"],
    ["health"], ["explain", "n3"], ["monitor"], ["keys", "list"], ["keys", "add"], ["keys", "use", "1"],
    ["keys", "retire", "1"],
]  # fmt: skip
ALL = [*SPEAKING, ["agent"], ["up"], ["keys"], ["keys", "new"], ["version"]]


def one_sentence(stderr: str) -> bool:
    """Tell whether stderr is a single line of ours."""
    return stderr.startswith("shoal: ") and stderr.count("\n") == 1


@pytest.fixture
def deaf() -> Iterator[str]:
    """Listen on a port and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def free_port() -> int:
    """Give a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize("words", SPEAKING, ids=" ".join)
def test_refused_connection_names_address_and_remedy(run: Run, free_port: int, words: list[str]) -> None:
    """Nothing listens: which address, and how to start an agent."""
    result = run(*words, "--http", f"127.0.0.1:{free_port}")

    assert result.exit_code == 1
    assert one_sentence(result.stderr)
    assert f"127.0.0.1:{free_port}" in result.stderr
    assert "`shoal agent`" in result.stderr


@pytest.mark.parametrize("words", SPEAKING, ids=" ".join)
@pytest.mark.parametrize("body", [b"\x00\xff<html>", b"", b"[1, 2", b"[]", b"3", b'{"members": 4}'])
def test_garbage_is_one_sentence(agent: FakeAgent, run: Run, words: list[str], body: bytes) -> None:
    """Whatever comes with status 404 is a sentence; exit code 1 and nothing on stdout."""
    for asked in ("GET", "POST", "PUT"):
        for path in ("/v1/agent/join", "/v1/cluster/members"):
            agent.routes[f"{asked} {path}"] = Reply(404, body)

    result = run(*words)

    assert result.exit_code == 1
    assert one_sentence(result.stderr)
    assert result.stdout == ""


READING = {
    "members": "/v1/cluster/members", "tags": "/v1/cluster/members", "info": "/v1/cluster/identity",
    "health": "/v1/agent/health", "explain n3": "/v1/cluster/explain/n3", "keys list": "/v1/cluster/keys",
}  # fmt: skip


@pytest.mark.parametrize("words", READING)
@pytest.mark.parametrize("body", [b"\x00\xff<html>", b"", b"[1, 2", b"[3]", b"3", b'{"members": 4, "keys": 4}'])
def test_garbage_with_status_200_is_one_sentence(agent: FakeAgent, run: Run, words: str, body: bytes) -> None:
    """A server that says 200 to everything is not taken for an agent."""
    agent.routes[f"GET {READING[words]}"] = Reply(200, body)

    result = run(*words.split())

    assert result.exit_code == 1
    assert one_sentence(result.stderr)
    assert result.stdout == ""


@pytest.mark.parametrize("words", SPEAKING, ids=" ".join)
def test_silence_ends_within_the_time(run: Run, deaf: str, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """Nobody waits for ever."""
    for name in ("REQUEST_TIMEOUT_S", "JOIN_TIMEOUT_S", "EVENTS_SILENCE_MAX_S"):
        monkeypatch.setattr(http_client, name, 0.05)
    monkeypatch.setattr("node.cli.membership.JOIN_TIMEOUT_S", 0.05)

    result = run(*words, "--http", deaf)

    assert result.exit_code == 1
    assert "did not answer within 0.05 s" in result.stderr
    assert one_sentence(result.stderr)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_help_has_an_example(run: Run, words: list[str]) -> None:
    """--help shows how the command is used."""
    named = [word for word in words if word in {"keys", "new", "list", "add", "use", "retire"}] or words[:1]

    result = run(*named, "--help")

    assert result.exit_code == 0
    assert f"  shoal {' '.join(named)}" in result.stdout


def test_help_lists_every_command(run: Run) -> None:
    """The first page names all commands and the way to completion."""
    text = run("--help").stdout

    assert all(f"\n  {words[0]} " in text for words in ALL)
    assert "_SHOAL_COMPLETE" in text


def test_unknown_command_suggests_the_nearest(run: Run) -> None:
    """Exit code 2 and a hint."""
    result = run("membres")

    assert result.exit_code == 2
    assert "did you mean 'members'?" in result.stderr


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://", "http://h:port", "http://h:1/path", "http://[::1", "h:99999", ""]
)
def test_url_that_is_none_is_one_sentence(run: Run, url: str) -> None:
    """What was given, and what is wanted."""
    result = run("members", "--http", url)

    assert result.exit_code == 1
    assert "give http://host:port" in result.stderr


def test_token_is_found_in_the_data_directory(agent: FakeAgent, run: Run, tmp_path: Path) -> None:
    """--data-dir names it; a token given in words goes before."""
    (tmp_path / "admin.token").write_text("found\n")
    agent.answer("GET /v1/cluster/keys", {"keys": []})

    run("keys", "list", "--data-dir", str(tmp_path))
    found = agent.last().headers["Authorization"]
    run("keys", "list", "--data-dir", str(tmp_path), "--token", "given")

    assert (found, agent.last().headers["Authorization"]) == ("Bearer found", "Bearer given")


def test_named_data_directory_without_token_is_one_sentence(run: Run, agent: FakeAgent, tmp_path: Path) -> None:
    """Nothing is sent then."""
    result = run("keys", "list", "--data-dir", str(tmp_path))

    assert result.exit_code == 1
    assert "admin.token cannot be read: No such file or directory" in result.stderr
    assert agent.asked == []


def test_token_nobody_named_is_not_sent_to_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default directory's token is for loopback alone."""
    (tmp_path / "admin.token").write_text("secret")
    monkeypatch.setattr("node.cli.link.default_data_dir", lambda: tmp_path)

    assert find_token("http://127.0.0.1:4646", None) == "secret"
    assert find_token("http://[::1]:4646", None) == "secret"
    assert find_token("http://localhost:4646", None) == "secret"
    assert find_token("http://192.0.2.1:4646", None) == ""
    assert find_token("http://example.test:4646", None) == ""


@pytest.mark.parametrize("content", [b"x" * 5000, b"\xff\xfe", b"a\nb"])
def test_file_that_holds_no_token_is_refused(tmp_path: Path, content: bytes) -> None:
    """A header is never made of it."""
    (tmp_path / "admin.token").write_bytes(content)

    with pytest.raises(ClientError, match="does not hold a token"):
        find_token("http://127.0.0.1:4646", tmp_path)
