"""Bodies that a route cannot read: each is refused in one sentence, in JSON's words."""

import json
import re
from typing import Any

import pytest

from api.native.body import JSON_TYPES, speak_json
from tests.api.asker import ADMIN, ask, ask_consul
from tests.api.fake_peers import peer_id
from tests.api.fake_view import FakeView

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/peers"): {"address": "127.0.0.1:1"},
    ("PUT", f"/v1/peers/{peer_id(2)}"): {"name": "x"},
    ("PUT", "/v1/cluster/tags"): {"set": {"a": "b"}, "delete": ["c"]},
    ("POST", "/v1/cluster/keys"): {"key": "AAAA"},
    ("POST", "/v1/cluster/tokens"): {"name": "x", "scopes": ["admin"], "expires_in": "1h"},
    ("POST", "/v1/cluster/revocations"): {"id": peer_id(2), "revoked": True, "statement": None},
    ("PUT", "/v1/cluster/license"): {"license": "x"},
}
"""Every route that reads a body, with all its fields."""

VALUES: tuple[Any, ...] = (None, True, 7, 1.5, "text", [], [None], [7], {}, {"k": None}, {"k": 7})
CASES = [
    (method, path, body)
    for (method, path), fields in BODIES.items()
    for body in (
        *(value for value in VALUES if not isinstance(value, dict)),
        *({**fields, name: value} for name in fields for value in VALUES),
    )
]

PYTHON_WORD = re.compile(r"\b(str|int|float|bool|dict|list|None|NoneType|tuple|True|False|Struct|msgspec)\b")


@pytest.mark.parametrize(("method", "path", "body"), CASES)
async def test_body_refused_in_the_words_of_json(method: str, path: str, body: Any) -> None:
    """No value in the place of any other brings a Python type into the answer, or a failure of ours."""
    for asked in (ask, ask_consul):
        answer = await asked(FakeView(), method, path, headers=ADMIN, body=json.dumps(body).encode())
        assert answer.status != 500
        if answer.status == 400:
            assert not PYTHON_WORD.search(answer.json["error"])


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"[]", "the body is not what this route reads: expected `object`, got `array`"),
        (b"null", "the body is not what this route reads: expected `object`, got `null`"),
        (b'{"address": 7}', "the body is not what this route reads: expected `string`, got `number` - at `$.address`"),
        (b'{"address": {}}', "the body is not what this route reads: expected `string`, got `object` - at `$.address`"),
        (b"{}", "the body is not what this route reads: object missing required field `address`"),
    ],
)
async def test_body_refusal_says_what_was_found(body: bytes, sentence: str) -> None:
    """What was expected, what was found, and where."""
    answer = await ask(FakeView(), "POST", "/v1/peers", headers=ADMIN, body=body)
    assert (answer.status, answer.json["error"]) == (400, sentence)


def test_speak_json_leaves_what_a_body_says() -> None:
    """A field that is called as a type is stays what it is."""
    assert speak_json("Object contains unknown field `str`") == "Object contains unknown field `str`"
    assert (
        speak_json("Expected `str | None`, got `int` - at `$.int`")
        == "Expected `string | null`, got `number` - at `$.int`"
    )
    assert speak_json("Expected `int | float`, got `str`") == "Expected `number`, got `string`"
    assert not set(JSON_TYPES) & set(JSON_TYPES.values())
