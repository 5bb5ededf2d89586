"""The Peers API while the disk takes nothing: 500 NOT_STORED, nothing changed, and all is well once there is room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.http_client import Answer
from simulations.processes.disk import Disk, why_not
from tests.end_to_end.agent_process import AgentProcess, hold_for, wait_until
from tests.end_to_end.cluster import Cluster

pytestmark = pytest.mark.end_to_end

DISK_KIB = 1_024
PEERS, REVOCATIONS = "/v1/peers", "/v1/cluster/revocations"
SOME_ID = "01HF7YAT00J5H9TKGZ2Q3W8X4E"
SPREAD_S = 1.5
"""Had a refused change been made all the same, the other member would have heard of it."""


@pytest.fixture
def full(tmp_path: Path) -> Iterator[tuple[Cluster, Disk]]:
    """Run two members, n1 with its data on a small disk."""
    if reason := why_not(tmp_path):
        pytest.skip(reason)
    cluster, disk = Cluster(tmp_path), Disk(tmp_path / "n1-data", DISK_KIB)
    try:
        cluster.start(2)
        yield cluster, disk
    finally:
        cluster.take_down()
        disk.take_down()


def _code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["code"]


def test_full_disk_refuses_changes_and_changes_nothing(full: tuple[Cluster, Disk]) -> None:
    """Names, deletions, revocations and rotations are refused in words; reading goes on; later all of it works."""
    cluster, disk = full
    first, second = cluster.agents
    before = first.get(PEERS)
    disk.fill()
    changes: tuple[tuple[str, str, object], ...] = (
        ("PUT", f"{PEERS}/{second.id}", {"name": "Other"}),
        ("PUT", f"{PEERS}/{first.id}", {"name": "Own"}),
        ("DELETE", f"{PEERS}/{second.id}", None),
        ("POST", REVOCATIONS, {"id": SOME_ID, "revoked": True}),
        ("POST", "/v1/cluster/keys/rotate", None),
    )
    for method, path, body in changes:
        answer = first.ask(method, path, body=body)
        assert _code(answer) == (500, "NOT_STORED"), (method, path, answer.body)
        assert "full" in answer.json()["error"]
    hold_for(SPREAD_S, "nothing changed", lambda: _is_as_before(first, second, before))

    disk.free()
    for method, path, body in changes[:2]:
        assert first.ask(method, path, body=body).status == 200
    wait_until("n2 sees the name", lambda: second.get(f"{PEERS}/{first.id}")["name"] == "Own")
    assert first.ask("DELETE", f"{PEERS}/{second.id}").status == 200
    first.kill()
    first.start()
    assert [(peer["id"], peer["name"]) for peer in first.get(PEERS)] == [(first.id, "Own")]
    assert [word["id"] for word in first.get(REVOCATIONS)["revocations"] if word["revoked"]] == [second.id]


def _is_as_before(first: AgentProcess, second: AgentProcess, before: object) -> bool:
    words = [agent.get(REVOCATIONS)["revocations"] for agent in (first, second)]
    keys = [len(agent.get("/v1/cluster/keys")["keys"]) for agent in (first, second)]
    is_same = first.get(PEERS) == before and second.get(f"{PEERS}/{first.id}")["name"] == "n1"
    return is_same and words == [[], []] and keys == [1, 1] and second.sees("n1", "alive")
