"""Whatever an HTTP server answers, a command writes lines of printable letters: nothing moves, colours or hides."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from node.cli import output
from node.up_table import LineScreen, print_once
from node.up_watch import Row
from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import ID_1, ID_2, FakeAgent, Reply, listing, member
from tests.node.cli.test_explain import story
from tests.node.cli.test_monitor import event, stream
from tests.node.cli.test_services import check, instance

SPITE = "x\n2026-01-01T00:00:00.000Z WARNING member-failed\r\x1b[2J\x07\x7f\x9b31m\u2028\u202e\u2066\u200b\\"
SHOWN = r"x\n2026-01-01T00:00:00.000Z WARNING member-failed\r\x1b[2J\x07\x7f\x9b31m\u2028\u202e\u2066\u200b" + "\\\\"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

MEMBERS = listing(
    member(ID_1, "n1", is_local=True, tags={SPITE: SPITE}, version=SPITE),
    member(ID_2, "n2") | {"name": SPITE, "status": SPITE, "address": SPITE, "region": SPITE, "datacenter": SPITE},
)
PEER = {"id": SPITE, "name": SPITE, "public_key": SPITE, "is_local": False, "address": SPITE, SPITE: SPITE}
WORD = {"id": ID_2, "revoked": True, "version": 1, "issuer": SPITE, "at": SPITE}
TOKEN = {"id": SPITE, "name": SPITE, "scopes": [SPITE], "created_at": SPITE, "expires_at": SPITE, "token": SPITE}
LICENSE = {"license_id": SPITE, "identity": SPITE, "issuer": SPITE, "max_nodes": SPITE, "warnings": [SPITE]}
SERVICE = {"name": SPITE, "tags": [SPITE], "instances": 1, "passing": 0, "warning": 0, "critical": 1}
INSTANCE = instance(ID_1, SPITE, SPITE, check(SPITE, SPITE, SPITE), address=SPITE, id=SPITE, tags=[SPITE])
STORY = story(name=SPITE, id=SPITE, status=SPITE)
STORY["entries"] = [
    entry | {"change": SPITE, "status": SPITE, "by": [SPITE], "paths": [SPITE], "text": SPITE}
    for entry in STORY["entries"]
]

ROUTES: dict[str, Any] = {
    "GET /v1/cluster/members": MEMBERS,
    "GET /v1/cluster/services": {"index": 1, "services": [SERVICE]},
    "GET /v1/cluster/services/web": {"index": 1, "service": SPITE, "instances": [INSTANCE]},
    "GET /v1/cluster/explain/n2": STORY,
    "GET /v1/cluster/identity": {SPITE: SPITE, "cluster_id": SPITE},
    "GET /v1/agent/self": {"config": {"NodeName": SPITE}, "stats": {SPITE: {SPITE: [SPITE, {SPITE: SPITE}]}}},
    "GET /v1/agent/health": {SPITE: {"ok": True, "message": SPITE}},
    "GET /v1/peers": [PEER],
    "POST /v1/peers": PEER,
    f"GET /v1/peers/{ID_2}": PEER,
    f"PUT /v1/peers/{ID_2}": PEER,
    f"DELETE /v1/peers/{ID_2}": {SPITE: SPITE},
    "GET /v1/cluster/revocations": {"revocations": [WORD]},
    "POST /v1/cluster/revocations": WORD,
    "POST /v1/cluster/keys/rotate": {"key": SPITE, "untold": [SPITE]},
    "GET /v1/cluster/keys": {"keys": [{"id": SPITE, "state": SPITE, "shown_count": SPITE, "member_count": SPITE}]},
    "POST /v1/cluster/keys": {"id": SPITE},
    "GET /v1/cluster/tokens": {"tokens": [TOKEN]},
    "POST /v1/cluster/tokens": TOKEN,
    "GET /v1/cluster/license": {"license": LICENSE},
    "POST /v1/agent/join": {"num_joined": 0, "error": SPITE},
    "PUT /v1/cluster/tags": {"tags": {SPITE: SPITE}},
    "POST /v1/cluster/leave": {SPITE: SPITE},
}
COMMANDS = (
    "members", "members --detailed", "services", "services web", "explain n2", "info", "health", "peers list",
    "peers add 127.0.0.1:1", f"peers get {ID_2}", f"peers update {ID_2} --name x", f"peers delete {ID_2} --rotate",
    f"peers revoke {ID_2}", "peers revoked", "keys list", "keys add", "token list",
    "token create --name x --scope admin", "license show", "join 127.0.0.1:1", "tags", "tags --set a=b", "leave",
    "force-leave n1", "monitor --count 3",
)  # fmt: skip
SAYING_NOTHING_OF_IT = ("force-leave n1", f"peers revoke {ID_2}", "leave")
"""Whose sentences are of the user's own words alone."""


@pytest.fixture(autouse=True)
def _spiteful(agent: FakeAgent) -> None:
    """Answer each route with it."""
    for route, value in ROUTES.items():
        agent.answer(route, value)
    agent.routes["PUT /v1/agent/force-leave"] = Reply()
    kind = SPITE.replace("\n", "").replace("\r", "")
    data = {"at": SPITE, "name": SPITE, "address": SPITE, "status": SPITE, "incarnation": SPITE, "reason": SPITE}
    spiteful = b"id: 41\nevent: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(data))
    end = b"id: 42\nevent: end\ndata: %b\n\n" % msgspec.json.encode(data)
    agent.routes["GET /v1/cluster/events"] = stream(spiteful, end, event(43, status=SPITE), holds=True)


def lines_of(text: str) -> Iterator[str]:
    """Return the lines without their colours, each of printable letters."""
    for line in COLOUR.sub("", text).removesuffix("\n").split("\n"):
        assert line.isprintable(), ascii(line)
        yield line


@pytest.mark.parametrize("is_terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("words", COMMANDS)
def test_command_shows_what_is_not_printable_as_escapes(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: str, is_terminal: bool
) -> None:
    """Tables, sentences and refusals, aligned or coloured; what was there can be read."""
    monkeypatch.setattr(output, "is_terminal", lambda: is_terminal)
    monkeypatch.setenv("COLUMNS", "8000")
    if is_terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    result = run(*words.split())
    shown = [*lines_of(result.stdout), *lines_of(result.stderr)]
    if words not in SAYING_NOTHING_OF_IT:
        assert any("member-failed" in line and r"\x1b[2J\x07\x7f\x9b31m\u2028\u202e" in line for line in shown), shown


@pytest.mark.parametrize("words", COMMANDS)
def test_command_writes_json_of_printable_letters(run: Run, words: str) -> None:
    """It means the same to a program."""
    result = run(*words.split(), "--json")
    assert len(list(lines_of(result.stdout))) > 0
    list(lines_of(result.stderr))
    if words == "peers list":
        assert msgspec.json.decode(result.stdout) == [PEER]


@pytest.mark.parametrize("body", [msgspec.json.encode({"error": SPITE, "code": SPITE}), SPITE.encode(), b"\xff\x9b[2J"])
@pytest.mark.parametrize("words", COMMANDS)
def test_refusal_is_one_line(agent: FakeAgent, run: Run, words: str, body: bytes) -> None:
    """Whatever the reason is, as JSON and as text: blanks and newlines are one blank, and the rest is escaped."""
    agent.routes = {route: Reply(500, body) for route in agent.routes}
    result = run(*words.split())
    assert result.exit_code == 1
    (line,) = lines_of(result.stderr)
    assert line.startswith("shoal: ")


@pytest.mark.parametrize("answer", [SPITE.encode(), b'"' + SPITE.encode("unicode_escape") + b'"', b"[]", b"{}", b"5"])
@pytest.mark.parametrize("words", COMMANDS)
def test_answer_that_is_none_is_refused_on_one_line(agent: FakeAgent, run: Run, words: str, answer: bytes) -> None:
    """Of another shape, or no JSON: a sentence, or nothing to show."""
    agent.routes = {route: Reply(200, answer) for route in agent.routes if "events" not in route}
    result = run(*words.split())
    list(lines_of(result.stdout))
    list(lines_of(result.stderr))


def rows() -> Sequence[Row]:
    """Return a row that another cluster's node could have brought."""
    return [Row(SPITE, SPITE, SPITE, SPITE, SPITE, SPITE, SPITE, answers=True, is_well=True)]


def test_local_cluster_shows_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    """`shoal up`, in a pipe and once."""
    LineScreen().show(rows(), ())
    print_once(rows())
    assert all(line.count(SHOWN) >= 6 for line in list(lines_of(capsys.readouterr().out))[::2])
