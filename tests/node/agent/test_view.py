"""What the façade sees of a node: rows, evidence in words, keys, figures, and who holds the token."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.answer import Problem
from api.token_view import Scope
from api.view import NodeView
from node.agent.view import AgentView
from node.config import Config
from node.node import Node
from node.open import bring_up
from node.store import DATABASE_NAME, Store
from protocol.error import InvalidRequest
from protocol.status import Status
from protocol.ulid import format_ulid

CONFIG = {
    "bind": "127.0.0.1:0",
    "region": "north",
    "datacenter": "d7",
    "tags": {"role": "db"},
    "display_name": "Node One",
}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """Run a node that is alone."""
    async with bring_up(Config.local(name="n1", data_dir=tmp_path, **CONFIG)) as node:
        yield node


def _view(node: Node, reason: str = "") -> AgentView:
    return AgentView(node, None, lambda: reason)


async def test_agent_view_is_a_node_view(node: Node) -> None:
    """The façade's protocol is met; mypy checks it here."""
    view: NodeView = _view(node)
    assert view.cluster_id == format_ulid(node.driver.keyring.cluster_id)


async def test_own_row_says_what_was_configured(node: Node) -> None:
    """Region and datacenter have fields of their own, and are not among the tags."""
    (row,) = _view(node).members()
    assert (row.name, row.region, row.datacenter, row.display_name) == ("n1", "north", "d7", "Node One")
    assert row.tags == {"role": "db"}
    assert row.is_local
    assert row.status is Status.ALIVE
    assert row.id == format_ulid(node.local.id)


async def test_members_are_made_anew_only_when_something_changed(node: Node) -> None:
    """The same tuple serves every request until a change."""
    view = _view(node)
    first = view.members()
    assert view.members() is first
    await node.set_tags({"role": "web"})
    assert view.members()[0].tags == {"role": "web"}


async def test_health_tells_why_it_is_not_well(node: Node) -> None:
    """Not ready with the seeds' reason, and not while leaving."""
    assert _view(node).health().ok
    assert _view(node, "no seed has answered").health().reason == "no seed has answered"
    await node.leave(stay=True)
    assert _view(node).health().reason == "this node has left its cluster"
    assert _view(node).live().ok


async def test_token_of_the_admin_carries_every_right(node: Node, tmp_path: Path) -> None:
    """What is in the file does; anything else is nobody's, whatever its letters."""
    tokens = _view(node).tokens
    secret = (tmp_path / "admin.token").read_text().strip()
    authority = tokens.authorize(secret)
    assert authority is not None
    assert all(authority.allows(scope) for scope in Scope)
    for wrong in ("", "x", secret[:-1], secret + "x", "\udcff", "ключ"):
        assert tokens.authorize(wrong) is None


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.ADMIN])
async def test_token_carries_its_scopes_alone(node: Node, scope: Scope) -> None:
    """What was asked for, and no more: write brings no read."""
    tokens = _view(node).tokens
    made = await tokens.create("ci", [scope.value], None)
    assert made.secret not in repr(made)
    authority = tokens.authorize(made.secret)
    assert authority is not None
    assert [one for one in Scope if authority.allows(one)] == [scope]
    assert [token.name for token in tokens.list()] == ["admin.token", "ci"]
    assert await tokens.revoke(made.token.id)
    assert tokens.authorize(made.secret) is None


async def test_token_with_an_unknown_scope_is_refused(node: Node) -> None:
    """The nearest is named, and all there are."""
    tokens = _view(node).tokens
    with pytest.raises(InvalidRequest, match=r"unknown scope 'node:raed'; did you mean 'node:read'\? \(there are"):
        await tokens.create("ci", ["admin", "node:raed"], None)
    assert len(tokens.list()) == 1


async def test_last_admin_token_is_a_conflict(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """409 for the last that lasts; 500 where the disk refuses, and all is as it was."""
    tokens = _view(node).tokens
    (admin,) = tokens.list()
    with pytest.raises(Problem) as refused:
        await tokens.revoke(admin.id)
    assert (refused.value.status, refused.value.code) == (409, "LAST_ADMIN_TOKEN")
    made = await tokens.create("other", ["admin"], None)
    with monkeypatch.context() as broken:
        broken.setattr(Store, "_commit", _refuse_commit)
        for change in (tokens.revoke(made.token.id), tokens.create("more", ["admin"], None)):
            with pytest.raises(Problem, match="the disk is full") as refused:
                await change
            assert (refused.value.status, refused.value.code) == (500, "NOT_STORED")
    assert len(tokens.list()) == 2


async def test_keys_are_listed_by_age_and_count(node: Node) -> None:
    """Each key says how many members have shown it; ids that are none are not found."""
    view = _view(node)
    added = await view.add_key(None)
    assert [(key.state, key.shown_count) for key in view.keys()]  # noqa: SIM118 == [("primary", 1), ("held", 1)]
    assert (await view.use_key(added.id, force=False)) is not None
    for unknown in ("", "deadbeef", "zzzzzzzz", "0" * 100):
        assert await view.use_key(unknown, force=True) is None
        assert await view.retire_key(unknown) is False
    with pytest.raises(InvalidRequest):
        await view.retire_key(added.id)


async def test_refused_by_the_disk_changes_nothing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags and keys that the disk does not take are refused with 500, and neither shown nor held."""
    view = _view(node)
    before = (node.tags(), node.keyring.keyring.digest, node.engine.local.incarnation)
    monkeypatch.setattr(Store, "_commit", _refuse_commit)
    for change in (view.set_tags({"role": "web"}, ()), view.add_key(None)):
        with pytest.raises(Problem, match="the disk is full") as refused:
            await change
        assert refused.value.status == 500
    assert (node.tags(), node.keyring.keyring.digest, node.engine.local.incarnation) == before


async def test_tags_out_of_bounds_are_not_stored(node: Node, tmp_path: Path) -> None:
    """What the engine refuses never reaches the disk."""
    with pytest.raises(InvalidRequest):
        await node.set_tags({"long": "x" * 10_000})
    connection = sqlite3.connect(tmp_path / DATABASE_NAME)
    assert connection.execute("SELECT value FROM meta WHERE key = 'tags'").fetchall() == []
    connection.close()


def _refuse_commit(store: Store, batch: Any) -> None:
    batch.failure, batch.done = "state.db cannot be written: the disk is full", True


async def test_explain_tells_a_members_story(node: Node) -> None:
    """By name, by name.region, by id in any case; nobody's story is None."""
    view = _view(node)
    log = view.explain("n1")
    assert log is not None
    assert log.member_id == format_ulid(node.local.id)
    assert view.explain(log.member_id.lower()) is not None
    assert view.explain("n1.north") is not None
    assert view.explain("nobody") is None


async def test_events_follow_the_journal(node: Node) -> None:
    """A change is an event with the member's status, in the order it happened."""
    view = _view(node)
    before = view.event_index
    await node.set_tags({"role": "web"})
    await view.wait_for_event(before)
    batch = view.events_since(before, 10)
    assert [event.event for event in batch.events] == ["member-update"]
    assert batch.events[0].member_id == format_ulid(node.local.id)


async def test_servers_are_the_seeds_or_the_node_itself(node: Node) -> None:
    """Without seeds the node names itself; a seed without port gets the node's own; none that fails is kept."""
    view = _view(node)
    assert view.servers() == (str(node.address),)
    node.seeds.replace(["10.0.0.1", "[::1]:7"])
    assert view.servers() == (f"10.0.0.1:{node.address.port}", "[::1]:7")
    with pytest.raises(InvalidRequest):
        await view.replace_servers(["127.0.0.1:1"], 2)
    assert node.seeds.seeds == ("10.0.0.1", "[::1]:7")


async def test_figures_have_names_and_values(node: Node) -> None:
    """Every measurement is named shoal_*, none twice; members by status add up."""
    metrics = {metric.name: metric for metric in _view(node).counters()}
    assert all(name.startswith("shoal_") for name in metrics)
    assert len(metrics) == len(_view(node).counters())
    values = [getattr(sample, "value", 0.0) for sample in metrics["shoal_members"].samples]
    assert sum(values) == 1
    stats = _view(node).stats()
    assert stats["gossip"]["members"] == "1"
