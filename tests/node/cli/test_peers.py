"""`shoal peers`, and `shoal keys operator`."""

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocol.security.signing_key import SigningKey, format_public_key
from protocol.security.verifier import Verifier
from protocol.ulid import ClusterId, format_ulid, parse_ulid
from protocol.wire.statement import Revocation
from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import ID_1, ID_2, ID_3, Asked, FakeAgent, Reply

PEERS = "/v1/peers"
REVOCATIONS = "/v1/cluster/revocations"
ROTATE = "/v1/cluster/keys/rotate"
OPERATOR = SigningKey.generate(lambda size: b"\3" * size)
FUTURE_MS = 4_000_000_000_000
"""In 2096."""


def peer(id: str, member: str, **changes: Any) -> dict[str, Any]:
    """Shape a peer as the agent does."""
    return {
        "id": id, "name": member, "public_key": "AAAA", "is_local": False, "address": f"127.0.0.1:794{member[-1]}",
        "created_at": "2026-11-21T02:28:23Z",
    } | changes  # fmt: skip


def word(id: str, revoked: bool = True, version: int = 1_763_000_001_234, issuer: str = ID_1) -> dict[str, Any]:
    """Shape a revocation as the agent does."""
    return {"id": id, "revoked": revoked, "version": version, "issuer": issuer, "at": "2025-11-13T02:13:21.234Z"}


@pytest.fixture
def operator_key(tmp_path: Path) -> Path:
    """Give the path of an operator's key."""
    path = tmp_path / "operator.key"
    path.write_text(OPERATOR.encode_file())
    path.chmod(0o600)
    return path


# --- looking ----------------------------------------------------------------------------------------


def test_peers_list_shows_a_table(agent: FakeAgent, run: Run) -> None:
    """One line each; what a peer calls itself cannot move the cursor; JSON is the agent's own."""
    rows = [peer(ID_1, "n1", is_local=True), peer(ID_2, "n2", name="evil\x1b[2J")]
    agent.answer(f"GET {PEERS}", rows)
    plain = run("peers", "list")
    assert plain.exit_code == 0
    head, first, second = plain.stdout.splitlines()
    assert head.split() == ["Name", "Id", "Address", "Local", "Created"]
    assert first.split() == ["n1", ID_1, "127.0.0.1:7941", "yes", "2026-11-21T02:28:23Z"]
    assert second.startswith(r"evil\x1b[2J")
    assert json.loads(run("peers", "list", "--json").stdout) == rows
    assert agent.last().params == []


@pytest.mark.parametrize(("flag", "sent"), [("--local", "true"), ("--remote", "false")])
def test_peers_list_filters(agent: FakeAgent, run: Run, flag: str, sent: str) -> None:
    """The agent does it."""
    agent.answer(f"GET {PEERS}", [])
    assert run("peers", "list", flag).exit_code == 0
    assert agent.last().params == [("is_local", sent)]


def test_peers_get_shows_one(agent: FakeAgent, run: Run) -> None:
    """All of it; an unknown one is the agent's sentence and exit code 1."""
    agent.answer(f"GET {PEERS}/{ID_2}", peer(ID_2, "n2"))
    plain = run("peers", "get", ID_2)
    assert {"n2", ID_2, "no", "AAAA", "127.0.0.1:7942"} <= set(plain.stdout.split())
    assert json.loads(run("peers", "get", ID_2, "--json").stdout) == peer(ID_2, "n2")
    agent.answer(f"GET {PEERS}/{ID_3}", {"error": "there is no peer of this id", "code": "NOT_FOUND"}, 404)
    missing = run("peers", "get", ID_3)
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "there is no peer of this id" in missing.stderr


@pytest.mark.parametrize(
    "command",
    [("get",), ("update", "--name", "x"), ("delete",), ("delete", "--rotate"), ("revoke",), ("reinstate",)],
    ids=" ".join,
)
@pytest.mark.parametrize("id", ["self", "n2", "../cluster/leave", "?x", "%2F", "", ID_2[:-1], f"{ID_2}/"])
def test_peers_argument_that_is_no_id_is_a_usage_error(
    agent: FakeAgent, run: Run, command: tuple[str, ...], id: str
) -> None:
    """Nothing is asked: `/v1/peers/self` would be this agent's leave."""
    result = run("peers", *command, id)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is no id" in result.stderr
    assert agent.asked == []


# --- adding, naming, leaving ------------------------------------------------------------------------


def test_peers_add_shows_the_new_peer(agent: FakeAgent, run: Run) -> None:
    """One POST with the address as it was given."""
    agent.answer(f"POST {PEERS}", peer(ID_2, "n2"), 201)
    result = run("peers", "add", "10.0.0.2:7946")
    assert (result.exit_code, ID_2 in result.stdout) == (0, True)
    assert agent.last().body == {"address": "10.0.0.2:7946"}


def test_peers_add_of_a_member_is_no_error(agent: FakeAgent, run: Run) -> None:
    """It says so."""
    agent.answer(f"POST {PEERS}", {"error": "it is in the cluster already", "code": "ALREADY_EXISTS"}, 409)
    plain, as_json = run("peers", "add", "10.0.0.2:7946"), run("peers", "add", "10.0.0.2:7946", "--json")
    assert (plain.exit_code, plain.stdout) == (0, "10.0.0.2:7946 is in the cluster already\n")
    assert json.loads(as_json.stdout) == {"already": True}


def test_peers_add_by_an_agent_that_left_is_an_error(agent: FakeAgent, run: Run) -> None:
    """It is a 409 as well, and only the code tells them apart."""
    agent.answer(f"POST {PEERS}", {"error": "this node has left the cluster", "code": "NOT_ACTIVE"}, 409)
    result = run("peers", "add", "10.0.0.2:7946")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "this node has left the cluster" in result.stderr


def test_peers_add_that_fails_gives_the_reason(agent: FakeAgent, run: Run) -> None:
    """As the agent worded it, exit code 1."""
    agent.answer(f"POST {PEERS}", {"error": "10.0.0.2:7946: connection refused", "code": "HANDSHAKE_FAILED"}, 422)
    result = run("peers", "add", "10.0.0.2:7946")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "connection refused" in result.stderr


@pytest.mark.parametrize("name", ["Rack 3", ""])
def test_peers_update_names(agent: FakeAgent, run: Run, name: str) -> None:
    """An empty name takes it back."""
    agent.answer(f"PUT {PEERS}/{ID_2}", peer(ID_2, "n2", name=name))
    assert run("peers", "update", ID_2, "--name", name).exit_code == 0
    assert agent.last().body == {"name": name}


def test_peers_update_needs_a_name(agent: FakeAgent, run: Run) -> None:
    """A usage error, and nothing is asked."""
    assert run("peers", "update", ID_2).exit_code == 2
    assert agent.asked == []


def test_peers_remove_self(agent: FakeAgent, run: Run) -> None:
    """One DELETE, and how to return."""
    answer = {"peer_id": ID_1, "version": 7, "is_active": False, "deactivated_at": "2026-11-21T02:28:23Z"}
    agent.answer(f"DELETE {PEERS}/self", answer)
    assert "`shoal join ADDRESS` returns" in run("peers", "remove-self").stdout
    assert json.loads(run("peers", "remove-self", "--json").stdout) == answer


# --- putting out ------------------------------------------------------------------------------------


def test_peers_delete(agent: FakeAgent, run: Run) -> None:
    """One DELETE, and no key is touched."""
    agent.answer(f"DELETE {PEERS}/{ID_2}", {"deleted": True})
    assert run("peers", "delete", ID_2).stdout == f"{ID_2} is out of the cluster\n"
    assert json.loads(run("peers", "delete", ID_2, "--json").stdout) == {"deleted": True}
    assert {asked.method for asked in agent.asked} == {"DELETE"}


def test_peers_delete_rotates_the_key_afterwards(agent: FakeAgent, run: Run) -> None:
    """Only once the peer is out; failed members, which need the new file, are named."""
    agent.answer(f"DELETE {PEERS}/{ID_2}", {"deleted": True})
    agent.answer(f"POST {ROTATE}", {"key": "0a0b0c0d", "retired": ["01020304"], "untold": ["n7", "n8"]})
    plain = run("peers", "delete", ID_2, "--rotate")
    assert plain.stdout.splitlines() == [
        f"{ID_2} is out of the cluster",
        "the cluster key is now 0a0b0c0d",
        "failed members need the new key file to return: n7, n8",
    ]
    assert [asked.method for asked in agent.asked] == ["DELETE", "POST"]
    as_json = run("peers", "delete", ID_2, "--rotate", "--json")
    assert json.loads(as_json.stdout) == {
        "deleted": True, "key": "0a0b0c0d", "retired": ["01020304"], "untold": ["n7", "n8"],
    }  # fmt: skip


def test_peers_delete_that_fails_rotates_nothing(agent: FakeAgent, run: Run) -> None:
    """The key stays while the peer is in."""
    agent.answer(f"DELETE {PEERS}/{ID_2}", {"error": "there is no peer of this id", "code": "NOT_FOUND"}, 404)
    assert run("peers", "delete", ID_2, "--rotate").exit_code == 1
    assert [asked.method for asked in agent.asked] == ["DELETE"]


def test_peers_delete_says_what_an_incomplete_rotation_left(agent: FakeAgent, run: Run) -> None:
    """Exit code 1 with the agent's sentence, which has what is left to do."""
    agent.answer(f"DELETE {PEERS}/{ID_2}", {"deleted": True})
    agent.answer(f"POST {ROTATE}", {"error": "n3 did not show the new key", "code": "ROTATION_INCOMPLETE"}, 409)
    result = run("peers", "delete", ID_2, "--rotate")
    assert result.exit_code == 1
    assert "n3 did not show the new key" in result.stderr
    assert f"{ID_2} is out of the cluster, but the cluster key was not replaced" in result.stderr


def test_peers_revoke_and_reinstate_any_id(agent: FakeAgent, run: Run) -> None:
    """Known or not."""
    agent.routes[f"POST {REVOCATIONS}"] = lambda asked: Reply(
        200, json.dumps(word(ID_3, asked.body["revoked"])).encode()
    )
    assert run("peers", "revoke", ID_3).stdout == f"{ID_3} is out of the cluster\n"
    assert agent.last().body == {"id": ID_3, "revoked": True}
    assert "is in again" in run("peers", "reinstate", ID_3).stdout
    assert json.loads(run("peers", "reinstate", ID_3, "--json").stdout)["revoked"] is False


def test_peers_revoked_lists_words(agent: FakeAgent, run: Run) -> None:
    """Who is out, who is in again, since when, and by whom."""
    words = [word(ID_2), word(ID_3, revoked=False)]
    agent.answer(f"GET {REVOCATIONS}", {"revocations": words})
    head, first, second = run("peers", "revoked").stdout.splitlines()
    assert head.split() == ["Id", "State", "Since", "By"]
    assert first.split() == [ID_2, "out", "2025-11-13T02:13:21.234Z", ID_1]
    assert "in again" in second
    assert json.loads(run("peers", "revoked", "--json").stdout) == words


# --- with the operator's key ------------------------------------------------------------------------


def _open(agent: FakeAgent) -> Revocation:
    """Open the statement in the newest request, as an agent of the cluster that heeds the key does."""
    body = agent.last().body
    assert set(body) == {"statement"}
    verifier = Verifier(
        ClusterId(parse_ulid(ID_1)), lambda _: None, unix_ms=lambda: FUTURE_MS, operator_key=OPERATOR.public_key
    )
    statement = verifier.open_statement(b64decode(body["statement"]))
    assert isinstance(statement, Revocation)
    return statement


def _heeding(agent: FakeAgent, *words: dict[str, Any]) -> None:
    agent.answer("GET /v1/cluster/identity", {"peer_id": ID_2, "cluster_id": ID_1})
    agent.answer(f"GET {REVOCATIONS}", {"revocations": list(words)})
    agent.answer(f"POST {REVOCATIONS}", word(ID_3, issuer=ID_2))


@pytest.mark.parametrize(("command", "revoked"), [("delete", True), ("revoke", True), ("reinstate", False)])
def test_operators_word_is_signed_here(
    agent: FakeAgent, run: Run, operator_key: Path, command: str, revoked: bool
) -> None:
    """The agent gets the statement, never the key; it is genuine for this cluster, id and meaning."""
    _heeding(agent)
    result = run("peers", command, ID_3, "--operator-key", str(operator_key))
    assert result.exit_code == 0, result.stderr
    statement = _open(agent)
    assert (format_ulid(statement.subject), statement.revoked) == (ID_3, revoked)
    seed = OPERATOR.seed.hex()
    assert all(seed not in json.dumps(asked.body) for asked in agent.asked)


def test_operators_word_is_newer_than_what_is_held(agent: FakeAgent, run: Run, operator_key: Path) -> None:
    """Also where that is dated ahead of this machine's clock; the id may be written in small letters."""
    _heeding(agent, word(ID_3, revoked=False, version=FUTURE_MS - 1), word(ID_2, version=FUTURE_MS + 9))
    assert run("peers", "revoke", ID_3.lower(), "--operator-key", str(operator_key)).exit_code == 0
    assert _open(agent).version == FUTURE_MS


def _no_file(path: Path) -> None:
    path.unlink()


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_no_file, "cannot be read: there is no such file"),
        (lambda path: path.chmod(0o640), "chmod 600"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "is not text"),
        (lambda path: path.write_text("nonsense"), "not a signing key file"),
        (lambda path: path.write_text("x" * 100_000), "is larger than"),
        (lambda path: path.write_text(OPERATOR.encode_file().replace("\nkey: ", "\nkey: 0")), "damaged or was edited"),
    ],
)
def test_operators_key_that_cannot_be_used_is_one_sentence(
    agent: FakeAgent, run: Run, operator_key: Path, spoil: Callable[[Path], object], said: str
) -> None:
    """It names the file, quotes nothing of it, and nothing is sent."""
    spoil(operator_key)
    result = run("peers", "delete", ID_3, "--operator-key", str(operator_key))
    assert result.exit_code == 1
    assert said in result.stderr
    assert str(operator_key) in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert all(asked.method == "GET" for asked in agent.asked)


def test_operators_word_about_no_id_is_refused(agent: FakeAgent, run: Run, operator_key: Path) -> None:
    """Before anything is asked."""
    for id in ("n3", "", "0" * 27, "8" * 26):
        result = run("peers", "revoke", id, "--operator-key", str(operator_key))
        assert result.exit_code == 2, id
        assert "is no id" in result.stderr
    assert agent.asked == []


def test_keys_operator_writes_a_key_for_its_owner_alone(agent: FakeAgent, run: Run, tmp_path: Path) -> None:
    """Mode 0600, never overwritten; its public half is printed as the nodes' setting wants it."""
    file = tmp_path / "operator.key"
    result = run("keys", "operator", str(file))
    assert result.exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    key = SigningKey.parse_file(file.read_text())
    assert f"--revocation-operator-key {format_public_key(key.public_key)}" in result.stdout
    again = run("keys", "operator", str(file))
    assert (again.exit_code, "never overwritten" in again.stderr) == (1, True)
    assert SigningKey.parse_file(file.read_text()) == key
    nowhere = run("keys", "operator", str(tmp_path / "none" / "operator.key"))
    assert (nowhere.exit_code, "cannot be written" in nowhere.stderr) == (1, True)
    assert agent.asked == []


# --- what is no agent -------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [{}, [1], "x", None, {"revocations": 5}, {"revocations": ["x"]}])
@pytest.mark.parametrize("words", [["list"], ["revoked"]])
def test_peers_answer_of_something_else_is_a_sentence(
    agent: FakeAgent, run: Run, words: list[str], answer: object
) -> None:
    """Something that is no agent is said to be none."""
    agent.answer(f"GET {PEERS}", answer)
    agent.answer(f"GET {REVOCATIONS}", answer)
    result = run("peers", *words)
    assert result.exit_code == 1
    noun = {"list": "peers", "revoked": "revocations"}[words[0]]
    assert f"the answer is not a list of {noun}: is it an agent?" in result.stderr


@pytest.mark.parametrize(
    "words", [["get", ID_2], ["add", "x:1"], ["update", ID_2, "--name", "x"], ["delete", ID_2, "--rotate"]]
)
@pytest.mark.parametrize("answer", [[], 5, "x", None])
def test_peers_one_answer_of_something_else_is_a_sentence(
    agent: FakeAgent, run: Run, words: list[str], answer: object
) -> None:
    """No traceback, whatever comes."""

    def reply(asked: Asked) -> Reply:
        return Reply(200, json.dumps(answer).encode())

    for method, path in (("GET", f"{PEERS}/{ID_2}"), ("POST", PEERS), ("PUT", f"{PEERS}/{ID_2}"),
                         ("DELETE", f"{PEERS}/{ID_2}"), ("POST", ROTATE)):  # fmt: skip
        agent.routes[f"{method} {path}"] = reply
    result = run("peers", *words)
    assert result.exit_code == 1
    assert "is it an agent?" in result.stderr


@pytest.mark.parametrize(
    ("identity", "version"),
    [([], 1), ({}, 1), ({"cluster_id": "x"}, 1), ({"cluster_id": 5}, 1), ({"cluster_id": ID_1}, "x"),
     ({"cluster_id": ID_1}, None), ({"cluster_id": ID_1}, -1), ({"cluster_id": ID_1}, 1 << 63)],
)  # fmt: skip
def test_operators_word_for_no_cluster_is_not_signed(
    agent: FakeAgent, run: Run, operator_key: Path, identity: object, version: object
) -> None:
    """Who does not say which cluster it is in, or what is held, is no agent."""
    _heeding(agent, {"id": ID_3, "version": version})
    agent.answer("GET /v1/cluster/identity", identity)
    result = run("peers", "revoke", ID_3, "--operator-key", str(operator_key))
    assert result.exit_code == 1
    assert "is it an agent?" in result.stderr
    assert all(asked.method == "GET" for asked in agent.asked)
