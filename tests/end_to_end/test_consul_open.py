"""What whoever reaches Consul's listener can do without a token, and that access control lists end it."""

from pathlib import Path
from typing import Any

import pytest

from node.store import Store
from node.store_services import ServiceStore
from tests.end_to_end.agent_process import AgentProcess, hold_for, wait_until
from tests.end_to_end.consul_cluster import CONSUL, consul, get

pytestmark = pytest.mark.end_to_end

RUN_WITHIN_S = 10.0
"""A check of one second's interval is run within that and its random start."""


def _deeds(mark: Path) -> list[tuple[str, Any]]:
    """Give what a stranger would do, in order: paths, and bodies; the script leaves a mark."""
    return [
        ("agent/service/register", {"Name": "web", "Port": 80, "Check": {"TTL": "60s"}}),
        ("agent/check/pass/service:web", None),
        ("agent/service/maintenance/web?enable=true", None),
        ("agent/service/deregister/web", None),
        ("agent/check/register", {"Name": "run", "Args": ["/bin/sh", "-c", f"echo $$ > {mark}"], "Interval": "1s"}),
        ("agent/maintenance?enable=true", None),
        ("agent/force-leave/n2", None),
        ("agent/reload", None),
    ]


def _do(agent: AgentProcess, mark: Path) -> list[int]:
    """Do them all without a token; the statuses."""
    statuses = []
    for target, body in _deeds(mark):
        path, _, query = target.partition("?")
        params = dict([query.split("=")]) if query else {}
        statuses.append(consul(agent, "PUT", path, params, body).status)
    return statuses


@pytest.mark.parametrize("scripts", [False, True], ids=["no scripts", "scripts"])
def test_open_listener_obeys_whoever_reaches_it(tmp_path: Path, scripts: bool) -> None:
    """Services and checks are anybody's, failed members are put out, and programs run where script checks may."""
    options = ("--profile", "local", *CONSUL)
    agent, other = AgentProcess("n1", tmp_path, options), AgentProcess("n2", tmp_path, ("--profile", "local"))
    mark = tmp_path / "mark"
    try:
        agent.start(*(("--enable-script-checks",) if scripts else ()))
        other.options += ("--key-file", str(agent.data_dir / "cluster.key"))
        other.start(join=[agent.gossip])
        wait_until("n2 joined", lambda: agent.sees("n2", "alive"))
        other.kill()
        wait_until("n2 failed", lambda: agent.sees("n2", "failed"))
        statuses = _do(agent, mark)
        assert [status for (path, _), status in zip(_deeds(mark), statuses, strict=True) if "check/reg" in path] == [
            200 if scripts else 400
        ]
        assert statuses.count(200) == len(statuses) - (not scripts)
        wait_until("n2 left", lambda: agent.sees("n2", "left"))
        assert "_node_maintenance" in get(agent, "agent/checks")
        if scripts:
            wait_until("the program ran", mark.exists, RUN_WITHIN_S)
        else:
            assert not mark.exists()
        assert consul(agent, "PUT", "agent/leave").status == 403
        assert not agent.ended
    finally:
        agent.kill()
        other.kill()


def test_access_control_lists_end_it(tmp_path: Path) -> None:
    """With --acl each of these is 403, changes nothing and runs nothing; who has the token may."""
    agent = AgentProcess("n1", tmp_path, ("--profile", "local", "--acl", "--enable-script-checks", *CONSUL))
    mark = tmp_path / "mark"
    try:
        agent.start()
        assert set(_do(agent, mark)) == {403}
        token = {"token": agent.token}
        assert (get(agent, "agent/services", **token), get(agent, "agent/checks", **token)) == ({}, {})
        hold_for(2.0, "nothing ran", lambda: not mark.exists())
        assert consul(agent, "PUT", "agent/service/register", token, {"Name": "web"}).status == 200
        (admin,) = agent.get("/v1/cluster/tokens")["tokens"]
    finally:
        agent.kill()
    with Store.open(agent.data_dir) as store:
        assert ServiceStore(store).load().token_ids == {("services", "web"): admin["id"]}
    for file in agent.data_dir.glob("state.db*"):
        assert token["token"].encode() not in file.read_bytes(), "the id is kept, never the secret"
