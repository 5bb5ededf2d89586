"""What needs a service mesh: refused as by a Consul that has it turned off."""

import pytest

from api.consul.mesh import CONNECT_OFF
from tests.api.asker import ask_consul
from tests.api.fake_view import FakeView


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/agent/connect/ca/roots"),
        ("GET", "/v1/agent/connect/ca/leaf/web"),
        ("POST", "/v1/agent/connect/authorize"),
        ("GET", "/v1/connect/ca/roots"),
        ("GET", "/v1/connect/ca/configuration"),
        ("PUT", "/v1/connect/ca/configuration"),
        ("GET", "/v1/discovery-chain/web"),
        ("POST", "/v1/discovery-chain/web"),
    ],
)
async def test_mesh_is_off(method: str, path: str) -> None:
    """Clients know a mesh that is off by this sentence; a 404 is an old Consul to them."""
    answer = await ask_consul(FakeView(), method, path)
    assert (answer.status, answer.text) == (500, CONNECT_OFF)
