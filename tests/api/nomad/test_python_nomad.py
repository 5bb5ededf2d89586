"""python-nomad 2.1.0 against a served node: every call of its agent, status, regions and metrics parts."""

from typing import Any

import nomad
import pytest
import trio

from api.view import Health
from protocol.address import Address
from tests.api.asker import make_app, serving
from tests.api.fake_view import FakeView


def _client(address: Address) -> Any:
    return nomad.Nomad(host=address.host, port=address.port, timeout=10)


async def test_python_nomad_reads() -> None:
    """Each reading call gets the type its own tests ask for."""
    async with serving(make_app(FakeView())) as address:

        def read() -> tuple[Any, ...]:
            client = _client(address)
            return (
                client.agent.get_agent(),
                client.agent.get_members(),
                client.agent.get_servers(),
                client.status.leader.get_leader(),
                client.status.peers.get_peers(),
                client.regions.get_regions(),
                client.metrics.get_metrics(),
                client.agent.request("health", method="get").json(),
            )

        agent, members, servers, leader, peers, regions, metrics, health = await trio.to_thread.run_sync(read)
    assert agent["member"]["Name"] == "n1.global"
    assert [member["Name"] for member in members["Members"]] == ["n1.global", "n2.global", "n3.global"]
    assert servers == ["127.0.0.1:4647"]
    assert leader == "127.0.0.1:4647"
    assert leader in peers
    assert regions == ["global"]
    assert "Gauges" in metrics
    assert health["server"]["ok"]


async def test_python_nomad_writes() -> None:
    """Joins by text and by list, replaces the servers, forces a leave."""
    view = FakeView()
    async with serving(make_app(view)) as address:

        def write() -> tuple[Any, ...]:
            client = _client(address)
            return (
                client.agent.join_agent("nope")["num_joined"],
                client.agent.join_agent(["127.0.0.1:7946", "127.0.0.1"])["num_joined"],
                client.agent.update_servers(["127.0.0.1:4829", "127.0.0.1"]),
                client.agent.force_leave("nope"),
            )

        assert await trio.to_thread.run_sync(write) == (0, 2, 200, 200)
    assert view.calls == [
        ("join", "nope"),
        ("join", "127.0.0.1:7946", "127.0.0.1"),
        ("replace_servers", "127.0.0.1:4829", "127.0.0.1"),
        ("force_leave", "nope", False),
    ]


async def test_python_nomad_errors() -> None:
    """A missing parameter is its BadRequest, an ill node its base exception with the JSON."""
    view = FakeView()
    view.is_ready = Health(False, "no seed answers")
    async with serving(make_app(view)) as address:

        def provoke() -> Any:
            client = _client(address)
            with pytest.raises(nomad.api.exceptions.BadRequestNomadException):
                client.agent.force_leave(None)
            with pytest.raises(nomad.api.exceptions.BaseNomadException) as ill:
                client.agent.request("health", method="get")
            return ill.value.nomad_resp.json()

        assert (await trio.to_thread.run_sync(provoke))["server"]["message"] == "no seed answers"
