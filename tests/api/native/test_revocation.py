"""Revocations over HTTP: listed, made, brought from elsewhere; and the key that is replaced with one."""

import json
from base64 import b64encode
from typing import Any

import pytest
import trio

from api.answer import Problem
from api.native.revocation import STATEMENT_TEXT_MAX
from tests.api.asker import ADMIN, ask, ask_app, make_app
from tests.api.fake_peers import peer_id
from tests.api.fake_view import FakeView

PATH = "/v1/cluster/revocations"
ROTATE = "/v1/cluster/keys/rotate"
WORD = {
    "id": peer_id(2),
    "revoked": True,
    "version": 1_763_000_001_234,
    "issuer": peer_id(1),
    "at": "2025-11-13T02:13:21.234Z",
}


def _body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


async def test_word_is_said_and_listed() -> None:
    """The answer is the word that holds; one that takes in again replaces it."""
    view = FakeView()
    app = make_app(view)
    assert (await ask_app(app, "GET", PATH)).json == {"revocations": []}
    said = await ask_app(app, "POST", PATH, ADMIN, _body(id=peer_id(2), revoked=True))
    assert (said.status, said.json) == (200, WORD)
    assert (await ask_app(app, "GET", PATH)).json == {"revocations": [WORD]}
    await ask_app(app, "POST", PATH, ADMIN, _body(id=peer_id(2), revoked=False))
    assert (await ask_app(app, "GET", PATH)).json == {"revocations": [WORD | {"revoked": False}]}
    assert view.calls == [("revoke", peer_id(2), True), ("revoke", peer_id(2), False)]


async def test_statement_signed_elsewhere_is_taken() -> None:
    """Its bytes are handed on as they are; what the node finds wrong with them is 400."""
    view = FakeView()
    answer = await ask(view, "POST", PATH, ADMIN, _body(statement=b64encode(b"\0signed\xff").decode()))
    assert (answer.status, answer.json["issuer"]) == (200, peer_id(0))
    assert view.calls == [("take", b"\0signed\xff")]
    empty = await ask(view, "POST", PATH, ADMIN, _body(statement=""))
    assert (empty.status, empty.json["code"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"nonsense",
        _body(id=peer_id(2)),
        _body(revoked=True),
        _body(id=peer_id(2), revoked="true"),
        _body(id=peer_id(2), revoked=1),
        _body(id=5, revoked=True),
        _body(id=peer_id(2), revoked=None),
        _body(id=peer_id(2), revoked=True, statement="AAAA"),
        _body(id=peer_id(2), statement="AAAA"),
        _body(id=peer_id(2), revoked=True, reason="x"),
        _body(statement="!"),
        _body(statement="AAA"),
        _body(statement="\u00e9AAA"),
        _body(statement="AAAA\n"),
        _body(statement="A" * (STATEMENT_TEXT_MAX + 4)),
        b'{"statement": "\xff"}',
    ],
    ids=lambda body: ascii(body[:40]),
)
async def test_body_that_is_no_word_is_refused(body: bytes) -> None:
    """400 in one line, and the node is not asked."""
    view = FakeView()
    answer = await ask(view, "POST", PATH, ADMIN, body)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_REQUEST")
    assert "\n" not in answer.text
    assert view.calls == []


@pytest.mark.parametrize(("status", "code"), [(409, "NOT_ACTIVE"), (422, "OPERATOR_KEY_REQUIRED"), (500, "NOT_STORED")])
async def test_refusals_of_the_node_are_passed_on(status: int, code: str) -> None:
    """With the node's own sentence."""
    view = FakeView()
    for body in (_body(id=peer_id(2), revoked=True), _body(statement="AAAA")):
        view.peers.refusal = Problem(status, code, "for a reason")
        answer = await ask(view, "POST", PATH, ADMIN, body)
        assert (answer.status, answer.json) == (status, {"error": "for a reason", "code": code})


async def test_key_is_rotated() -> None:
    """The new key, those that are gone, and who needs the new file; an incomplete one is 409."""
    view = FakeView()
    answer = await ask(view, "POST", ROTATE, ADMIN)
    assert (answer.status, answer.json) == (
        200,
        {"key": "0000000c", "retired": ["0000000a", "0000000b"], "untold": ["n7"]},
    )
    assert view.calls == [("rotate",)]
    view.peers.refusal = Problem(409, "ROTATION_INCOMPLETE", "n2 did not show the new key")
    assert (await ask(view, "POST", ROTATE, ADMIN)).json["code"] == "ROTATION_INCOMPLETE"


@pytest.mark.parametrize(("target", "act"), [(PATH, "revoke"), (ROTATE, "rotate")])
async def test_change_is_finished_though_the_client_hangs_up(target: str, act: str) -> None:
    """What was begun is not cut in half."""
    view = FakeView()
    begun, proceed, ended = trio.Event(), trio.Event(), trio.Event()
    whole = getattr(view.peers, act)

    async def slow(*arguments: object, **named: object) -> object:
        begun.set()
        await proceed.wait()
        result = await whole(*arguments, **named)
        ended.set()
        return result

    setattr(view.peers, act, slow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, view, "POST", target, ADMIN, _body(id=peer_id(2), revoked=True))
        await begun.wait()
        nursery.cancel_scope.cancel()
        proceed.set()
    assert ended.is_set()
    assert len(view.calls) == 1
