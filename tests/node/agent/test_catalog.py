"""The façade's two looks at one node's own services: what it owns, and what the catalog has of it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.service_view import CheckDefinition, CheckStatus, ServiceDefinition
from node.agent.catalog import SERF_HEALTH, AgentCatalog
from node.agent.services import AgentServices
from node.config import Config
from node.node import Node
from node.open import bring_up
from protocol.catalog.bound import OUTPUT_SIZE_MAX

LONG = "o" * (OUTPUT_SIZE_MAX + 100)
WEB = ServiceDefinition(
    "web/1", "web", ("a", "b"), "10.0.0.1", 80, {"k": "v"}, True, (3, 2),
    {"wan": ("198.18.0.1", 81), "lan": ("10.1.0.1", 0)}, (CheckDefinition(id="up", ttl_s=60.0),),
)  # fmt: skip


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """Run a node that is alone, with a service whose check says much."""
    async with bring_up(Config.local(name="n1", data_dir=tmp_path, bind="127.0.0.1:0")) as node:
        services = AgentServices(node)
        await services.register_service(WEB, replace_checks=False, token_id="")
        await services.update_ttl("up", CheckStatus.WARNING, LONG)
        yield node


async def test_own_service_is_the_same_in_both_but_for_its_indexes(node: Node) -> None:
    """The catalog numbers its changes; what a node owns has no numbers."""
    services, catalog = AgentServices(node), AgentCatalog(node)
    local = catalog.node("n1")
    assert local is not None
    (held,) = catalog.services_of(local)
    (owned,) = services.services().values()
    assert services.service("web/1") == owned
    assert services.service("web") is None
    assert (owned.create_index, owned.modify_index) == (0, 0)
    assert 0 < held.create_index <= held.modify_index
    assert replace(held, create_index=0, modify_index=0) == owned
    assert (owned.id, owned.meta, owned.weights) == ("web/1", {"k": "v"}, (3, 2))
    assert owned.tagged_addresses == WEB.tagged_addresses
    assert catalog.instances("web") == [(local, held)]


async def test_own_check_is_shown_as_it_stands_now(node: Node) -> None:
    """With all of its output, of which only the beginning travels, and before others are told of it."""
    services, catalog = AgentServices(node), AgentCatalog(node)
    local = catalog.node("n1")
    assert local is not None
    serf, held = catalog.checks_of(local)
    assert (serf.id, serf.status) == (SERF_HEALTH, CheckStatus.PASSING)
    assert held.output == LONG
    assert len(node.catalog.of(node.local.id).checks["up"].value.output) == OUTPUT_SIZE_MAX
    assert replace(held, create_index=0, modify_index=0) == services.checks()["up"]
    assert (held.service_name, held.service_tags, held.kind) == ("web", ("a", "b"), "ttl")
    await services.update_ttl("up", CheckStatus.WARNING, "less")
    assert catalog.checks_of(local)[1].output == "less"


async def test_maintenance_check_has_a_kind_of_its_own(node: Node) -> None:
    """What a maintenance made is told by its id, in both looks; serfHealth and a user's check are not taken for it."""
    services, catalog = AgentServices(node), AgentCatalog(node)
    await services.set_maintenance(None, enabled=True, reason="", token_id="")
    await services.set_maintenance("web/1", enabled=True, reason="", token_id="")
    local = catalog.node("n1")
    assert local is not None
    wanted = {"_node_maintenance": "maintenance", "_service_maintenance:web/1": "maintenance", "up": "ttl"}
    assert {check.id: check.kind for check in services.checks().values()} == wanted
    assert {check.id: check.kind for check in catalog.checks_of(local)} == {**wanted, SERF_HEALTH: ""}
