"""The health routes: whose checks they show, and what passing means."""

import pytest

from protocol.status import Status
from tests.api.asker import ask_consul
from tests.api.fake_catalog import FIRST_INDEX
from tests.api.fake_view import FakeView


async def _with_web() -> FakeView:
    """Give n1 the services `web` (two instances with a TTL check each) and a check of its own."""
    view = FakeView(2)
    for id in ("w1", "w2"):
        body = {"Name": "web", "ID": id, "Check": {"TTL": "10s", "Status": "passing"}}
        await ask_consul(view, "PUT", "/v1/agent/service/register", body)
    await ask_consul(view, "PUT", "/v1/agent/check/register", {"Name": "disk", "TTL": "10s", "Status": "passing"})
    return view


async def _ids(view: FakeView, target: str) -> list[str]:
    return [check["CheckID"] for check in (await ask_consul(view, "GET", target)).json]


async def test_fresh_agent_has_one_check() -> None:
    """serfHealth, of no service, with Consul's own words."""
    (check,) = (await ask_consul(FakeView(1), "GET", "/v1/health/state/any")).json
    assert check == {
        "Node": "n1",
        "CheckID": "serfHealth",
        "Name": "Serf Health Status",
        "Status": "passing",
        "Notes": "",
        "Output": "Agent alive and reachable",
        "ServiceID": "",
        "ServiceName": "",
        "ServiceTags": [],
        "Type": "",
        "Definition": {},
        "CreateIndex": 11,
        "ModifyIndex": 13,
    }


async def test_node_checks() -> None:
    """All of the node's, its own first; none of a node that nobody knows."""
    view = await _with_web()
    assert await _ids(view, "/v1/health/node/n1") == ["serfHealth", "disk", "service:w1", "service:w2"]
    assert await _ids(view, "/v1/health/node/n9") == []


async def test_service_checks_are_the_services_alone() -> None:
    """Neither serfHealth nor the node's checks are among them."""
    view = await _with_web()
    assert await _ids(view, "/v1/health/checks/web") == ["service:w1", "service:w2"]
    assert await _ids(view, "/v1/health/checks/nobody") == []


@pytest.mark.parametrize(("state", "count"), [("any", 5), ("passing", 4), ("critical", 1), ("warning", 0), ("bad", 0)])
async def test_state(state: str, count: int) -> None:
    """Checks of all nodes by status; a status that there is not has none."""
    view = await _with_web()
    view.set_status(2, Status.FAILED)
    assert len(await _ids(view, f"/v1/health/state/{state}")) == count


async def test_service_entries() -> None:
    """Each instance with its node, its own checks and its node's own, and no other instance's."""
    view = await _with_web()
    entries = (await ask_consul(view, "GET", "/v1/health/service/web")).json
    assert [set(entry) for entry in entries] == [{"Node", "Service", "Checks"}] * 2
    assert [entry["Service"]["ID"] for entry in entries] == ["w1", "w2"]
    addresses = dict.fromkeys(("lan", "lan_ipv4", "wan", "wan_ipv4"), "127.0.0.1")
    assert entries[0]["Node"]["TaggedAddresses"] == addresses
    for entry in entries:
        ids = [check["CheckID"] for check in entry["Checks"]]
        assert ids == ["serfHealth", "disk", f"service:{entry['Service']['ID']}"]


@pytest.mark.parametrize(
    ("query", "count"), [("?passing", 1), ("?passing=", 1), ("?passing=1", 1), ("?passing=True", 1)]
)
async def test_service_passing(query: str, count: int) -> None:
    """A warning drops an instance too."""
    view = await _with_web()
    assert len((await ask_consul(view, "GET", f"/v1/health/service/web{query}")).json) == 2
    await ask_consul(view, "PUT", "/v1/agent/check/warn/service:w1")
    assert len((await ask_consul(view, "GET", f"/v1/health/service/web{query}")).json) == count


@pytest.mark.parametrize("query", ["", "?passing=0", "?passing=false", "?passing=F"])
async def test_service_not_only_passing(query: str) -> None:
    """Without the wish, or with its opposite, all are shown."""
    view = await _with_web()
    await ask_consul(view, "PUT", "/v1/agent/check/fail/service:w1")
    assert len((await ask_consul(view, "GET", f"/v1/health/service/web{query}")).json) == 2


@pytest.mark.parametrize("value", ["yes", "2", "tRUE"])
async def test_service_passing_unreadable(value: str) -> None:
    """What is no boolean is 400."""
    answer = await ask_consul(FakeView(), "GET", f"/v1/health/service/web?passing={value}")
    assert (answer.status, answer.text) == (400, "Invalid value for ?passing")


@pytest.mark.parametrize("target", ["maintenance", "service/maintenance/w1"])
async def test_maintenance_drops_instances(target: str) -> None:
    """Maintenance of a service concerns that one, of the node all, and monitoring sees it by its id."""
    view = await _with_web()
    await ask_consul(view, "PUT", f"/v1/agent/{target}?enable=true&reason=r")
    passing = (await ask_consul(view, "GET", "/v1/health/service/web?passing")).json
    assert len(passing) == (0 if target == "maintenance" else 1)
    shown = (await ask_consul(view, "GET", "/v1/health/service/web")).json[0]["Checks"]
    assert {check["CheckID"] for check in shown} & {"_node_maintenance", "_service_maintenance:w1"}


async def test_failed_member_is_critical() -> None:
    """A member that this node holds failed has its serfHealth critical; one that left is gone."""
    view = FakeView(3)
    view.set_status(2, Status.FAILED)
    view.set_status(3, Status.LEFT)
    (check,) = (await ask_consul(view, "GET", "/v1/health/node/n2")).json
    assert (check["Status"], check["Output"]) == ("critical", "Agent not live or unreachable")
    assert (await ask_consul(view, "GET", "/v1/health/node/n3")).json == []


@pytest.mark.parametrize(
    "change",
    [
        ("PUT", "/v1/agent/check/pass/service:w1?note=new", None),
        ("PUT", "/v1/agent/check/warn/service:w1", None),
        ("PUT", "/v1/agent/service/deregister/w1", None),
        ("PUT", "/v1/agent/service/register", {"Name": "web", "ID": "w3"}),
        ("PUT", "/v1/agent/maintenance?enable=true", None),
        ("PUT", "/v1/agent/service/maintenance/w1?enable=true", None),
    ],
    ids=["note", "status", "deregister", "register", "node-maintenance", "maintenance"],
)
@pytest.mark.parametrize("target", ["service/web", "checks/web", "node/n1", "state/any"])
async def test_change_raises_the_index(change: tuple[str, str, object], target: str) -> None:
    """Whatever changes what an answer shows raises that answer's index, and no other service's."""
    view = await _with_web()
    before = int((await ask_consul(view, "GET", f"/v1/health/{target}")).headers["x-consul-index"])
    assert (await ask_consul(view, *change)).status == 200
    assert int((await ask_consul(view, "GET", f"/v1/health/{target}")).headers["x-consul-index"]) > before
    other = await ask_consul(view, "GET", "/v1/health/service/other")
    assert int(other.headers["x-consul-index"]) == FIRST_INDEX
