"""Rotation of the cluster keys over HTTP."""

import base64

import pytest

from tests.api.asker import ADMIN, ask
from tests.api.fake_view import FakeView


async def test_keys_listed() -> None:
    """Ids and who has shown them; nothing that could be the key itself."""
    answer = (await ask(FakeView(), "GET", "/v1/cluster/keys", ADMIN)).json
    assert answer == {
        "keys": [
            {"id": "0000000a", "state": "primary", "shown_count": 3, "member_count": 3},
            {"id": "0000000b", "state": "held", "shown_count": 2, "member_count": 3},
        ]
    }


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b'{"key": null}'])
async def test_key_made(body: bytes) -> None:
    """Without a key in the body the node makes one."""
    view = FakeView()
    answer = await ask(view, "POST", "/v1/cluster/keys", ADMIN, body)
    assert (answer.status, answer.json["id"]) == (201, "0000000c")
    assert view.calls == [("add_key", None)]


async def test_key_given() -> None:
    """A given key is taken, and not repeated in the answer."""
    view = FakeView()
    text = base64.b64encode(b"k" * 32).decode()
    answer = await ask(view, "POST", "/v1/cluster/keys", ADMIN, f'{{"key": "{text}"}}'.encode())
    assert answer.status == 201
    assert text not in answer.text
    assert view.calls == [("add_key", b"k" * 32)]


@pytest.mark.parametrize(
    "body",
    [
        b'{"key": "?"}',
        b'{"key": "aGk="}',
        b'{"key": ""}',
        b'{"key": 5}',
        b'{"Key": "aGk="}',
        b"nonsense",
        b'{"key": "\xc3\xa4"}',
    ],
)
async def test_key_refused(body: bytes) -> None:
    """What is no key of 32 bytes in base64 is 400."""
    view = FakeView()
    assert (await ask(view, "POST", "/v1/cluster/keys", ADMIN, body)).status == 400
    assert view.calls == []


async def test_key_used() -> None:
    """A key that not all have shown is refused, unless forced."""
    view = FakeView()
    refused = await ask(view, "POST", "/v1/cluster/keys/0000000b/use", ADMIN)
    assert (refused.status, refused.json["error"]) == (400, "n3 has not shown this key yet: wait, or use force")
    forced = await ask(view, "POST", "/v1/cluster/keys/0000000b/use?force=True", ADMIN)
    assert forced.json["state"] == "primary"
    assert view.calls == [("use_key", "0000000b", True)]


async def test_key_retired() -> None:
    """A key not in use is retired; the one in use stays."""
    view = FakeView()
    assert (await ask(view, "POST", "/v1/cluster/keys/0000000b/retire", ADMIN)).json == {"retired": "0000000b"}
    assert (await ask(view, "POST", "/v1/cluster/keys/0000000a/retire", ADMIN)).status == 400
    assert view.calls == [("retire_key", "0000000b")]


@pytest.mark.parametrize("verb", ["use", "retire"])
async def test_key_unknown(verb: str) -> None:
    """An id that is not held is 404."""
    answer = await ask(FakeView(), "POST", f"/v1/cluster/keys/%ffnope/{verb}", ADMIN)
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")
