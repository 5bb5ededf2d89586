"""The hash of a service: equal to a Consul's, which was asked for these."""

from typing import Any

import pytest

from tests.api.asker import ask_consul
from tests.api.consul.test_service import REGISTER
from tests.api.fake_view import FakeView

CASES: list[tuple[dict[str, Any], str]] = [
    ({"Name": "foo", "Tags": ["bar", "baz"], "Port": 8000}, "6b13684bfe179e67"),
    ({"Name": "a"}, "d9520ded3001b3c4"),
    (
        {"Name": "b", "Tags": ["x", "y"], "Port": 1, "Address": "192.0.2.4", "Meta": {"a": "b", "c": "ü"}},
        "ccc77c4312f1662a",
    ),
    ({"Name": "c", "EnableTagOverride": True, "Weights": {"Passing": 5, "Warning": 0}}, "a1de3acb2a0964a6"),
    (
        {
            "Name": "d",
            "TaggedAddresses": {"lan": {"Address": "192.0.2.1", "Port": 5}, "wan": {"Address": "192.0.2.2", "Port": 6}},
            "Address": "192.0.2.9",
            "Port": 7,
        },
        "8ab9c2578afd75d4",
    ),
    ({"Name": "e4"}, "abc485f308f1dc"),
]


@pytest.mark.parametrize(("body", "wanted"), CASES)
async def test_content_hash_is_a_consuls(body: dict[str, Any], wanted: str) -> None:
    """In the body and in the header."""
    view = FakeView()
    assert (await ask_consul(view, "PUT", REGISTER, body)).status == 200
    answer = await ask_consul(view, "GET", f"/v1/agent/service/{body['Name']}")
    assert answer.json["ContentHash"] == answer.headers["x-consul-contenthash"] == wanted
