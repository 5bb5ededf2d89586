"""The Peers API: its answers, what it refuses, and in which order it looks."""

import json
from typing import Any

import pytest
import trio

from api.answer import Problem
from api.token_view import Scope
from tests.api.asker import ADMIN, Answer, ask, ask_app, make_app
from tests.api.fake_peers import fake_peer, peer_id
from tests.api.fake_tokens import ADMIN_TOKEN, WEAK_TOKEN, token_of, token_without
from tests.api.fake_view import FakeView

PEERS = "/v1/peers"
UNKNOWN = peer_id(77)
SECOND = {
    "id": peer_id(2),
    "name": "n2",
    "public_key": "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
    "is_local": False,
    "address": "127.0.0.1:7948",
    "created_at": "2025-11-13T02:13:20Z",
}


def _bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {token}"}


def _code(answer: Answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"error", "code"}
    return answer.status, answer.json["code"]


def _body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


# --- looking ----------------------------------------------------------------------------------------


async def test_peers_are_listed_as_the_node_orders_them() -> None:
    """Each with exactly six fields; bytes as base64, the time to the second."""
    answer = await ask(FakeView(), "GET", PEERS, ADMIN)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert [peer["id"] for peer in answer.json] == [peer_id(1), peer_id(2), peer_id(3)]
    assert answer.json[1] == SECOND


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [1, 2, 3]),
        ("?unknown=x", [1, 2, 3]),
        *((f"?is_local={text}", [1]) for text in ("1", "t", "T", "TRUE", "true", "True")),
        *((f"?is_local={text}", [2, 3]) for text in ("0", "f", "F", "FALSE", "false", "False")),
        ("?is_local=true&is_local=false", [1]),
    ],
)
async def test_peers_are_filtered_by_is_local(query: str, numbers: list[int]) -> None:
    """In all of Go's booleans; the first counts; what is unknown is ignored."""
    answer = await ask(FakeView(), "GET", PEERS + query, ADMIN)
    assert [peer["id"] for peer in answer.json] == [peer_id(number) for number in numbers]


@pytest.mark.parametrize("text", ["", "yes", "tRUE", "2", "-1", "%00", "%20true", "null", "x" * 900])
async def test_is_local_that_is_no_boolean_is_refused(text: str) -> None:
    """400, in one short sentence that names the parameter."""
    answer = await ask(FakeView(), "GET", f"{PEERS}?is_local={text}", ADMIN)
    assert _code(answer) == (400, "INVALID_REQUEST")
    assert "is_local" in answer.json["error"]
    assert len(answer.body) < 250


async def test_peers_are_encoded_once_per_change() -> None:
    """The same bytes until a peer is named; each filter has its own."""
    view = FakeView()
    app = make_app(view)
    for query in ("", "?is_local=true", "?is_local=false", "?pretty", ""):
        await ask_app(app, "GET", PEERS + query, ADMIN)
    assert view.peers.listing_count == 3
    await view.peers.rename(peer_id(2), "Rack 3")
    listed = [(await ask_app(app, "GET", PEERS + query, ADMIN)).json for query in ("", "?is_local=false")]
    assert [peers[-2]["name"] for peers in listed] == ["Rack 3", "Rack 3"]


async def test_peer_is_shown() -> None:
    """By its id; `pretty` indents."""
    assert (await ask(FakeView(), "GET", f"{PEERS}/{peer_id(2)}", ADMIN)).json == SECOND
    pretty = await ask(FakeView(), "GET", f"{PEERS}/{peer_id(2)}?pretty", ADMIN)
    assert pretty.json == SECOND
    assert "\n    " in pretty.text


@pytest.mark.parametrize(
    "shape", [UNKNOWN, "n2", "a/b", "a%2Fb", "%00", "%ff", "%F0%9F%90%9F", "/", "//", "self/", "x" * 5_000, ""]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_peer_of_any_other_shape_is_not_found(method: str, shape: str) -> None:
    """404 in the same words, which repeat nothing of it."""
    view = FakeView()
    answer = await ask(view, method, f"{PEERS}/{shape}", ADMIN, _body(name="x"))
    assert _code(answer) == (404, "NOT_FOUND")
    assert len(answer.body) < 150
    assert view.calls == []


# --- adding -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
async def test_peer_is_added_whatever_the_content_type(content_type: str) -> None:
    """201 and the peer; what else is in the body is ignored."""
    view = FakeView()
    body = _body(address="127.0.0.1:7960", name="x", is_local=5)
    answer = await ask(view, "POST", PEERS, ADMIN | {"Content-Type": content_type}, body)
    assert (answer.status, answer.json["id"], answer.json["address"]) == (201, peer_id(9), "127.0.0.1:7960")
    assert view.calls == [("add", "127.0.0.1:7960")]


@pytest.mark.parametrize(
    "body",
    [b"", b" \n", b"{}", b"[]", b"null", b"7", b"x", b'{"address"', b'{"address": null}', b'{"address": 7}',
     b'{"address": {}}', b'{"address": ["127.0.0.1:1"]}', b'{"address": "\xff"}', b'{"address": "\\ud800"}',
     b"[" * 200_000, b'{"ADDRESS": "127.0.0.1:1"}', b'{"address": "nowhere"}'],
    ids=lambda body: ascii(body[:20]),
)  # fmt: skip
async def test_add_without_an_address_is_refused(body: bytes) -> None:
    """400 and one line; the node is not asked."""
    view = FakeView()
    answer = await ask(view, "POST", PEERS, ADMIN, body)
    assert _code(answer) == (400, "INVALID_REQUEST")
    assert "\n" not in answer.text
    assert view.calls == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "ALREADY_EXISTS"),
        (422, "HANDSHAKE_FAILED"),
        (422, "NODE_LIMIT_EXCEEDED"),
        (422, "LICENSE_MISMATCH"),
        (422, "LICENSE_EXPIRED"),
        (422, "NAME_IN_USE"),
        (422, "OPERATOR_KEY_REQUIRED"),
        (500, "NOT_STORED"),
    ],
)
async def test_refusals_of_the_node_are_passed_on(status: int, code: str) -> None:
    """With the node's own sentence."""
    view = FakeView()
    view.peers.refusal = Problem(status, code, "for a reason")
    answer = await ask(view, "POST", PEERS, ADMIN, _body(address="127.0.0.1:1"))
    assert (answer.status, answer.json) == (status, {"error": "for a reason", "code": code})


# --- naming, deleting, leaving ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Räck 3 🐟", "", " "])
async def test_peer_is_named(name: str) -> None:
    """200 and the peer; other fields of the body change nothing."""
    view = FakeView()
    body = _body(name=name, id="x", is_local=True, address=5)
    answer = await ask(view, "PUT", f"{PEERS}/{peer_id(2)}", ADMIN, body)
    assert (answer.status, answer.json) == (200, SECOND | {"name": name})
    assert view.calls == [("rename", peer_id(2), name)]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"address": "x"}', b'{"name": null}'])
async def test_peer_is_left_as_it_is_without_a_name(body: bytes) -> None:
    """A name is optional, and null is none."""
    view = FakeView()
    assert (await ask(view, "PUT", f"{PEERS}/{peer_id(2)}", ADMIN, body)).json == SECOND
    assert view.calls == []


@pytest.mark.parametrize("body", [b'{"name": 5}', b'{"name": ["x"]}', b"[]", b"x", b'{"name": "\xff"}'])
async def test_name_of_a_wrong_type_is_refused(body: bytes) -> None:
    """400, of a peer that there is; of another 404, whatever the body."""
    view = FakeView()
    assert _code(await ask(view, "PUT", f"{PEERS}/{peer_id(2)}", ADMIN, body)) == (400, "INVALID_REQUEST")
    assert _code(await ask(view, "PUT", f"{PEERS}/{UNKNOWN}", ADMIN, body)) == (404, "NOT_FOUND")
    assert view.calls == []


async def test_peer_is_deleted_once() -> None:
    """True, and 404 afterwards; the local one is refused."""
    view = FakeView()
    app = make_app(view)
    answer = await ask_app(app, "DELETE", f"{PEERS}/{peer_id(2)}", ADMIN)
    assert (answer.status, answer.json) == (200, {"deleted": True})
    assert _code(await ask_app(app, "DELETE", f"{PEERS}/{peer_id(2)}", ADMIN)) == (404, "NOT_FOUND")
    local = await ask_app(app, "DELETE", f"{PEERS}/{peer_id(1)}", ADMIN)
    assert _code(local) == (422, "CANNOT_DELETE_LOCAL")
    assert "/v1/peers/self" in local.json["error"]
    assert view.calls == [("delete", peer_id(2))]


async def test_self_leaves() -> None:
    """The answer tells the last incarnation and when; only DELETE is for `self`, which is no id."""
    view = FakeView()
    answer = await ask(view, "DELETE", f"{PEERS}/self", ADMIN)
    assert (answer.status, answer.json) == (
        200,
        {"peer_id": peer_id(1), "version": 7, "is_active": False, "deactivated_at": "2025-11-13T02:13:20Z"},
    )
    assert view.calls == [("leave peers",)]
    for method in ("GET", "PUT"):
        assert _code(await ask(view, method, f"{PEERS}/self", ADMIN)) == (404, "NOT_FOUND")


# --- rights -----------------------------------------------------------------------------------------

ROUTES = [
    ("GET", PEERS, Scope.PEERS_READ),
    ("GET", f"{PEERS}/{peer_id(2)}", Scope.PEERS_READ),
    ("GET", f"{PEERS}/{UNKNOWN}", Scope.PEERS_READ),
    ("POST", PEERS, Scope.PEERS_WRITE),
    ("PUT", f"{PEERS}/{peer_id(2)}", Scope.PEERS_WRITE),
    ("PUT", f"{PEERS}/{UNKNOWN}", Scope.PEERS_WRITE),
    ("DELETE", f"{PEERS}/{peer_id(2)}", Scope.PEERS_WRITE),
    ("DELETE", f"{PEERS}/{peer_id(1)}", Scope.PEERS_WRITE),
    ("DELETE", f"{PEERS}/self", Scope.ADMIN),
]


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
async def test_right_is_decided_before_existence_and_body(method: str, path: str, scope: Scope) -> None:
    """With acl or without: 401 without a known bearer token, 403 without the scope, though the body is nonsense."""
    for acl in (False, True):
        view = FakeView()
        unknown: list[dict[str, str]] = [{}, _bearer("nobody"), _bearer(ADMIN_TOKEN, "Basic"), _bearer("x" * 600)]
        unknown += [{"X-Nomad-Token": ADMIN_TOKEN}, {"X-Consul-Token": ADMIN_TOKEN}]
        for headers in unknown:
            answer = await ask(view, method, path, headers, b"nonsense", acl=acl)
            assert _code(answer) == (401, "UNAUTHORIZED"), headers
            assert answer.headers["www-authenticate"] == "Bearer"
        lacking = [WEAK_TOKEN, token_without(scope)]
        lacking += [token_of(other) for other in Scope if other not in (scope, Scope.ADMIN)]
        for token in lacking:
            assert _code(await ask(view, method, path, _bearer(token), b"nonsense", acl=acl)) == (403, "FORBIDDEN"), (
                token
            )
        assert view.calls == []
        for token in (token_of(scope), ADMIN_TOKEN):
            answer = await ask(FakeView(), method, path, _bearer(token, "bEARER"), b"nonsense", acl=acl)
            assert answer.status not in (401, 403)


async def test_write_does_not_imply_read() -> None:
    """A token that may change peers may not list them, nor the other way round."""
    write, read = _bearer(token_of(Scope.PEERS_WRITE)), _bearer(token_of(Scope.PEERS_READ))
    assert (await ask(FakeView(), "GET", PEERS, write)).status == 403
    assert (await ask(FakeView(), "DELETE", f"{PEERS}/{peer_id(2)}", read)).status == 403
    assert (await ask(FakeView(), "GET", PEERS, read)).status == 200
    assert (await ask(FakeView(), "DELETE", f"{PEERS}/{peer_id(2)}", write)).status == 200


# --- clients that hang up ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "method", "path"),
    [
        ("add", "POST", PEERS),
        ("rename", "PUT", f"{PEERS}/{peer_id(2)}"),
        ("delete", "DELETE", f"{PEERS}/{peer_id(2)}"),
        ("leave", "DELETE", f"{PEERS}/self"),
    ],
)
async def test_what_was_begun_is_finished_though_the_client_hangs_up(act: str, method: str, path: str) -> None:
    """A change is not cut in half."""
    view = FakeView()
    begun, proceed, ended = trio.Event(), trio.Event(), trio.Event()
    whole = getattr(view.peers, act)

    async def slow(*arguments: object) -> object:
        begun.set()
        await proceed.wait()
        result = await whole(*arguments)
        ended.set()
        return result

    setattr(view.peers, act, slow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, view, method, path, ADMIN, _body(address=str(fake_peer(5).address), name="x"))
        await begun.wait()
        nursery.cancel_scope.cancel()
        proceed.set()
    assert ended.is_set()
    assert len(view.calls) == 1
