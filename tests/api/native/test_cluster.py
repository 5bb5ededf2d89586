"""The node, its members, evidence, tags and leave."""

import base64

import pytest

from protocol.status import Status
from tests.api.asker import ADMIN, ask, ask_app, make_app
from tests.api.fake_view import RING_START, FakeView, fake_id


async def test_identity() -> None:
    """What a stranger needs to be introduced, and no more."""
    answer = (await ask(FakeView(), "GET", "/v1/cluster/identity")).json
    assert answer == {
        "peer_id": fake_id(1),
        "public_key": base64.b64encode(b"\x01" * 32).decode(),
        "license_id": "",
        "cluster_id": fake_id(999),
        "version": "0.1.0-dev",
        "address": "127.0.0.1:4647",
    }


async def test_members_show_suspicion() -> None:
    """The native list has every status, and the index from which events go on."""
    view = FakeView()
    view.set_status(2, Status.SUSPECT)
    answer = (await ask(view, "GET", "/v1/cluster/members")).json
    assert answer["index"] == RING_START
    assert answer["local_id"] == fake_id(1)
    assert [member["status"] for member in answer["members"]] == ["alive", "suspect", "alive"]
    assert answer["members"][0]["rtt_s"] is None
    assert answer["members"][1]["rtt_s"] == 0.00125


async def test_members_follow_changes() -> None:
    """A new tuple of members is shown at once; figures beside the list are always of now."""
    view = FakeView()
    app = make_app(view)
    first = (await ask_app(app, "GET", "/v1/cluster/members")).json
    view.awareness = 3
    second = (await ask_app(app, "GET", "/v1/cluster/members?pretty")).json
    assert (first["awareness"], second["awareness"]) == (0, 3)
    assert first["members"] == second["members"]
    view.set_status(3, Status.FAILED)
    assert (await ask_app(app, "GET", "/v1/cluster/members")).json["members"][2]["status"] == "failed"


@pytest.mark.parametrize("node", ["n2", "n2.global", fake_id(2)])
async def test_explain(node: str) -> None:
    """A member is found by name, name.region and id."""
    answer = (await ask(FakeView(), "GET", f"/v1/cluster/explain/{node}")).json
    assert (answer["id"], answer["status"], answer["forgotten"]) == (fake_id(2), "failed", 4)
    assert answer["entries"][0]["by"] == ["n1"]
    assert answer["entries"][1]["paths"] == []


@pytest.mark.parametrize("node", ["n9", "a/b", "%00", "%ff", "x" * 500, "n2%2F", "..%2F..%2Fetc", "%F0%9F%90%9F"])
async def test_explain_unknown(node: str) -> None:
    """Anything else is 404 with a sentence, of whatever shape it is."""
    answer = await ask(FakeView(), "GET", f"/v1/cluster/explain/{node}")
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")
    assert "\n" not in answer.json["error"]


@pytest.mark.parametrize(("query", "stay"), [("", False), ("?stay=true", True), ("?stay=0", False)])
async def test_leave(query: str, stay: bool) -> None:
    """The admin token leaves, and may keep the process."""
    view = FakeView()
    answer = await ask(view, "POST", f"/v1/cluster/leave{query}", ADMIN)
    assert answer.json == {"left": True, "stay": stay}
    assert view.calls == [("leave", stay)]


async def test_leave_bad_stay() -> None:
    """A stay that is no boolean is 400, and the node does not leave."""
    view = FakeView()
    answer = await ask(view, "POST", "/v1/cluster/leave?stay=perhaps", ADMIN)
    assert answer.status == 400
    assert answer.json == {"error": "stay: 'perhaps' is neither true nor false", "code": "INVALID_REQUEST"}
    assert view.calls == []


async def test_tags_changed() -> None:
    """Tags are set and deleted in one change, and all are answered."""
    view = FakeView()
    answer = await ask(view, "PUT", "/v1/cluster/tags", ADMIN, b'{"set": {"zone": "b"}, "delete": ["rack"]}')
    assert answer.json == {"tags": {"zone": "b"}}
    assert view.calls == [("set_tags", {"zone": "b"}, ("rack",))]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"set": {"a": 1}}',
        b'{"set": null}',
        b'{"delete": "a"}',
        b'{"set": {"a": "\xff"}}',
        b'{"set": {"a": "\\ud800"}}',
        b'{"set": {"a": "1"}, "delete": ["a"]}',
        b'{"set": {"region": "moon"}}',
        b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"[" * 200_000,
    ],
)
async def test_tags_bad_body(body: bytes) -> None:
    """A body that is not this change is 400 with a sentence, and changes nothing."""
    view = FakeView()
    answer = await ask(view, "PUT", "/v1/cluster/tags", ADMIN, body)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_REQUEST")
    assert view.calls == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is empty, and this route reads JSON"),
        (b"{", "the body is not JSON"),
        (b'{"set":{"a":"\\ud800"}}', "the body is not JSON"),
        (b'{"set":{"a":"\xff"}}', "the body is not UTF-8"),
        (
            b'{"set":' + b"[" * 100_000,
            "the body is not what this route reads: expected `object`, got `array` - at `$.set`",
        ),
        (b'{"sett":{"a":"b"}}', "the body is not what this route reads: object contains unknown field `sett`"),
    ],
)
async def test_tags_bad_body_is_said_plainly(body: bytes, sentence: str) -> None:
    """What is wrong with a body is said in our words, not in the parser's; a misspelt field is no success."""
    view = FakeView()
    answer = await ask(view, "PUT", "/v1/cluster/tags", ADMIN, body)
    assert (answer.status, answer.json["error"]) == (400, sentence)
    assert view.calls == []


async def test_unknown_native_path() -> None:
    """An unknown path under ours is JSON too."""
    answer = await ask(FakeView(), "GET", "/v1/cluster/nothing")
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")
