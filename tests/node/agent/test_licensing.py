"""A node's license as the façade sees it: figures, warnings and renewals."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.answer import Problem
from api.license_view import LicensingView
from node.agent.licensing import AgentLicensing
from node.agent.measurement import measure
from node.agent.view import AgentView
from node.config import Config
from node.license_keeper import LicenseKeeper
from node.node import Node
from node.open import bring_up
from node.store import Store
from protocol.error import InvalidRequest
from protocol.security.license import License
from tests.node.test_license_keeper import DAY_S, EXPIRY_S, ISSUER, START_MS, keeper_of, make_license


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """Run a node that is alone and has a license."""
    async with bring_up(Config.local(name="n1", bind="127.0.0.1:0", data_dir=tmp_path)) as node:
        node.licensing = LicenseKeeper(make_license(), (ISSUER.public_key,), Store.open(tmp_path / "license"))
        yield node


def licensing_of(current: License | None, store: Store, now: float = START_MS / 1000) -> AgentLicensing:
    """Give the license of a node with seven members, at some time."""
    return AgentLicensing(keeper_of(current, store), lambda: 7, lambda: now)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give an open store."""
    return Store.open(tmp_path / "data")


def test_licensing_shows_the_license(store: Store) -> None:
    """In unix seconds, with the seats taken; mypy checks here that it is what the façade asks for."""
    licensing: LicensingView = licensing_of(make_license(), store)
    shown = licensing.current()
    assert shown is not None
    assert (shown.license_id, shown.identity, shown.issuer) == ("acme", make_license().identity, ISSUER.public_key)
    assert (shown.max_nodes, shown.seats_taken) == (5, 7)
    assert (shown.issued_at, shown.expires_at) == (START_MS / 1000, EXPIRY_S)
    assert licensing_of(None, store).current() is None


def test_licensing_that_never_expires_says_none(store: Store) -> None:
    """Not a moment at the end of all time."""
    shown = licensing_of(make_license(expires_at_ms=None), store).current()
    assert shown is not None
    assert shown.expires_at is None


def test_licensing_warns_by_its_clock_and_seats(store: Store) -> None:
    """What the keeper says, asked anew each time."""
    over, expiry = licensing_of(make_license(), store, EXPIRY_S - 3 * DAY_S).warnings()[::-1]
    assert over.startswith("7 members on license acme for 5")
    assert expiry == "license acme expires in 3 days, on 2026-12-30"


async def test_licensing_applies(store: Store) -> None:
    """A renewal is shown as it is then; anything else is refused; a disk that refuses is a Problem."""
    licensing = licensing_of(make_license(), store)
    assert (await licensing.apply(make_license(1, max_nodes=9).text)).max_nodes == 9
    with pytest.raises(InvalidRequest, match="not later"):
        await licensing.apply(make_license().text)
    store.close()
    with pytest.raises(Problem, match="closed") as refused:
        await licensing.apply(make_license(2).text)
    assert (refused.value.status, refused.value.code) == (500, "NOT_STORED")


async def test_view_has_license_and_warnings(node: Node) -> None:
    """They stand beside health, which is well all the same."""
    view = AgentView(node, None, lambda: "")
    shown = view.licensing.current()
    assert shown is not None
    assert shown.seats_taken == 1
    assert view.health().warnings == node.licensing.warnings(time.time(), 1)
    node.licensing = keeper_of(make_license(-1_000, expires_at_ms=START_MS - 999 * int(DAY_S) * 1000), node_store(node))
    health = AgentView(node, None, lambda: "leaving").health()
    assert health.reason == "leaving"
    assert [warning.split(" on ")[0] for warning in health.warnings] == ["license acme expired"]


def node_store(node: Node) -> Store:
    """Give the node's own store."""
    return node._state.store


async def test_measures_of_the_license(node: Node) -> None:
    """Seats and time left; no time where it never expires, and nothing of the open license."""

    def figures() -> dict[str, float]:
        found = {}
        for metric in measure(node):
            if metric.name.startswith("shoal_license"):
                sample = metric.samples[0]
                assert not hasattr(sample, "buckets")
                found[metric.name] = sample.value
        return found

    given = figures()
    assert EXPIRY_S - time.time() - 5 < given.pop("shoal_license_expires_seconds") <= EXPIRY_S - time.time() + 5
    assert given == {"shoal_license_max_nodes": 5.0, "shoal_license_seats_taken": 1.0}
    node.licensing = keeper_of(make_license(expires_at_ms=None), node_store(node))
    assert set(figures()) == {"shoal_license_max_nodes", "shoal_license_seats_taken"}
    node.licensing = keeper_of(None, node_store(node))
    assert figures() == {}
