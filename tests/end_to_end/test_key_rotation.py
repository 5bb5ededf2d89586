"""Rotating the key of a live cluster: add, use, retire, while traffic goes on and one member is away."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.cluster import Cluster, running_cluster

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Cluster]:
    """Run three members."""
    with running_cluster(tmp_path, 3) as cluster:
        yield cluster


def _keys(agent: AgentProcess) -> dict[str, dict[str, Any]]:
    """Give the keys an agent holds, by id."""
    answer = agent.shoal("keys", "list", "--json")
    assert answer.returncode == 0, answer.stderr
    listed = json.loads(answer.stdout)
    return {key["id"]: key for key in (listed["keys"] if isinstance(listed, dict) else listed)}


def test_key_is_rotated_on_a_live_cluster(three: Cluster) -> None:
    """A new key spreads, comes into use once all have shown it, and the old one goes; nobody is accused."""
    first, second = three.agents[0], three.agents[1]
    (old,) = _keys(first)
    assert first.shoal("keys", "add").returncode == 0
    (new,) = _keys(first).keys() - {old}
    wait_until("all hold both keys", lambda: all({old, new} == _keys(agent).keys() for agent in three.agents))
    wait_until("all have shown it", lambda: first.shoal("keys", "use", new).returncode == 0)
    wait_until("n3 seals with it", lambda: _keys(three.agent("n3"))[new]["state"] == "primary")

    in_use = second.shoal("keys", "retire", new)
    assert in_use.returncode == 1
    assert "in use" in in_use.stderr
    assert second.shoal("keys", "retire", old).returncode == 0
    wait_until("all hold the new one alone", lambda: all({new} == _keys(agent).keys() for agent in three.agents))

    three.wait_all_alive()
    assert not three.accusations()
    newcomer = three.other("n4", key_file=first.data_dir / "cluster.key")
    newcomer.start(join=[first.gossip])
    three.wait_seen("n4", "alive")


def test_key_is_not_used_before_all_have_shown_it(three: Cluster) -> None:
    """While a live member has not the key, use is refused by name; --force goes on without it."""
    first, deaf = three.agents[0], three.agents[2]
    (old,) = _keys(first)
    os.kill(deaf.pid, signal.SIGSTOP)
    try:
        first.shoal("keys", "add")
        (new,) = _keys(first).keys() - {old}
        refused = first.shoal("keys", "use", new)
        assert refused.returncode == 1
        assert "have not shown that they hold key" in refused.stderr
        assert "n3" in refused.stderr
        assert _keys(first)[old]["state"] == "primary"
        assert first.shoal("keys", "use", "--force", new).returncode == 0
        assert _keys(first)[new]["state"] == "primary"
    finally:
        os.kill(deaf.pid, signal.SIGCONT)
    three.wait_all_alive()
    wait_until("the third learns it", lambda: _keys(deaf).get(new, {}).get("state") == "primary")


def test_member_away_during_a_retire_is_refused_with_the_mending_command(three: Cluster, tmp_path: Path) -> None:
    """Who missed the rotation is refused with unknown_key and what to do; the new key file mends it."""
    first, away = three.agents[0], three.agents[2]
    away.kill()
    three.wait_seen("n3", "failed")
    (old,) = _keys(first)
    first.shoal("keys", "add")
    (new,) = _keys(first).keys() - {old}
    wait_until("the key is in use", lambda: first.shoal("keys", "use", new).returncode == 0)
    wait_until("the old one is gone", lambda: first.shoal("keys", "retire", old).returncode == 0)
    wait_until("n2 has only the new key", lambda: {new} == _keys(three.agent("n2")).keys())

    away.spawn(join=[first.gossip])
    assert away.wait_end() == 1
    assert "the peer does not hold this node's cluster key" in away.stderr()
    assert "shoal agent --key-file FILE" in away.stderr()
    assert first.sees("n3", "failed")

    fresh = tmp_path / "fresh.key"
    shutil.copy(first.data_dir / "cluster.key", fresh)
    away.start("--key-file", str(fresh), join=[first.gossip])
    three.wait_seen("n3", "alive")
