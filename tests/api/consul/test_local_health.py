"""How well the agent's own services are, by id and by name: status codes, words and shapes of Consul 1.8.7."""

from typing import Any

import pytest

from protocol.address import Address
from tests.api.asker import ask_consul
from tests.api.fake_view import FakeView

BY_ID = "/v1/agent/health/service/id"
BY_NAME = "/v1/agent/health/service/name"
MAINTAIN_NODE = "/v1/agent/maintenance?enable=true"
MAINTAIN_WEB = "/v1/agent/service/maintenance/w1?enable=true"
UNKNOWN = {"AggregatedStatus": "critical", "Service": None, "Checks": None}


async def _view(**statuses: str) -> FakeView:
    """Return a node with the services `web` of these ids, each with a TTL check of that status."""
    view = FakeView()
    for id, status in statuses.items():
        check = {"TTL": "10m", "Status": status}
        await ask_consul(view, "PUT", "/v1/agent/service/register", {"ID": id, "Name": "web", "Check": check})
    return view


@pytest.mark.parametrize(("status", "code"), [("passing", 200), ("warning", 429), ("critical", 503)])
async def test_service_by_id_answers_by_its_status(status: str, code: int) -> None:
    """The worst status is the code, the reason header and the word."""
    view = await _view(w1=status)
    answer = await ask_consul(view, "GET", f"{BY_ID}/w1")
    assert (answer.status, answer.headers["x-consul-reason"]) == (code, status)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["AggregatedStatus"] == status
    assert answer.json["Service"] == (await ask_consul(view, "GET", "/v1/agent/services")).json["w1"]
    (check,) = answer.json["Checks"]
    assert (check["CheckID"], check["Status"], check["Type"]) == ("service:w1", status, "")
    assert check["Definition"]["Interval"] == "0s"


@pytest.mark.parametrize("path", [f"{BY_ID}/w1", f"{BY_NAME}/web"])
@pytest.mark.parametrize(
    "how", [{"query": "?format=text"}, {"accept": "text/plain"}, {"accept": "text/plain;q=1, */*"}]
)
async def test_service_health_as_text(path: str, how: dict[str, str]) -> None:
    """The word alone, where the query or the Accept header asks for text."""
    view = await _view(w1="warning")
    headers = {"Accept": how["accept"]} if "accept" in how else {}
    answer = await ask_consul(view, "GET", path + how.get("query", ""), headers=headers)
    assert (answer.status, answer.text, answer.headers["content-type"]) == (429, "warning", "text/plain")


@pytest.mark.parametrize("query", ["?format=json", "?format=", "?format=TEXT", "?format", ""])
async def test_service_health_is_json_otherwise(query: str) -> None:
    """Any other format is JSON."""
    answer = await ask_consul(await _view(w1="passing"), "GET", f"{BY_ID}/w1{query}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["AggregatedStatus"] == "passing"


@pytest.mark.parametrize(
    ("path", "reason", "shape"),
    [
        (f"{BY_ID}/none", "ServiceId none not found", UNKNOWN),
        (f"{BY_ID}/W1", "ServiceId W1 not found", UNKNOWN),
        (f"{BY_ID}/consul", "ServiceId consul not found", UNKNOWN),
        (f"{BY_NAME}/none", "ServiceName none Not Found", []),
        (f"{BY_NAME}/WEB", "ServiceName WEB Not Found", []),
        (f"{BY_NAME}/consul", "ServiceName consul Not Found", []),
    ],
)
async def test_service_unknown_is_critical(path: str, reason: str, shape: Any) -> None:
    """404 with a critical status; ids and, here, names are exact."""
    answer = await ask_consul(await _view(w1="passing"), "GET", path)
    assert (answer.status, answer.json, answer.headers["x-consul-reason"]) == (404, shape, reason)
    text = await ask_consul(await _view(w1="passing"), "GET", f"{path}?format=text")
    assert text.status == 404
    assert (text.json if BY_ID in path else text.text) == reason


@pytest.mark.parametrize(
    ("path", "sentence"),
    [(f"{BY_ID}/", "Bad request: Missing serviceID"), (f"{BY_NAME}/", "Bad request: Missing service Name")],
)
async def test_service_missing(path: str, sentence: str) -> None:
    """Without an id or a name it is 500, as there."""
    answer = await ask_consul(FakeView(), "GET", path)
    assert (answer.status, answer.text) == (500, sentence)


@pytest.mark.parametrize(
    ("statuses", "code", "word"),
    [
        ({"w1": "passing", "w2": "passing"}, 200, "passing"),
        ({"w1": "passing", "w2": "warning"}, 429, "warning"),
        ({"w1": "critical", "w2": "warning", "w3": "passing"}, 503, "critical"),
    ],
)
async def test_services_by_name_answer_by_the_worst(statuses: dict[str, str], code: int, word: str) -> None:
    """All instances are listed, each with its own status."""
    answer = await ask_consul(await _view(**statuses), "GET", f"{BY_NAME}/web")
    assert (answer.status, answer.headers["x-consul-reason"]) == (code, word)
    assert {one["Service"]["ID"]: one["AggregatedStatus"] for one in answer.json} == statuses


@pytest.mark.parametrize("target", [MAINTAIN_NODE, MAINTAIN_WEB])
async def test_service_under_maintenance(target: str) -> None:
    """Maintenance of the node or of the service is 503, and the word is `maintenance` before `critical`."""
    view = await _view(w1="critical")
    assert (await ask_consul(view, "PUT", target)).status == 200
    answer = await ask_consul(view, "GET", f"{BY_ID}/w1")
    assert (answer.status, answer.json["AggregatedStatus"]) == (503, "maintenance")


async def test_node_check_counts_for_every_service() -> None:
    """Also for one that has no check; another service's check does not."""
    view = await _view(w1="passing", w2="critical")
    await ask_consul(view, "PUT", "/v1/agent/service/register", {"Name": "bare"})
    answer = await ask_consul(view, "GET", f"{BY_ID}/bare")
    assert (answer.status, answer.json["Checks"]) == (200, [])
    assert (await ask_consul(view, "GET", f"{BY_ID}/w1")).status == 200
    await ask_consul(view, "PUT", "/v1/agent/check/register", {"Name": "disk", "TTL": "10m", "Status": "warning"})
    answer = await ask_consul(view, "GET", f"{BY_ID}/bare")
    assert (answer.status, [check["CheckID"] for check in answer.json["Checks"]]) == (429, ["disk"])
    assert (await ask_consul(view, "GET", f"{BY_ID}/w1")).status == 429


@pytest.mark.parametrize("path", [f"{BY_ID}/w1", f"{BY_NAME}/web", f"{BY_ID}/none"])
async def test_service_health_asks_for_the_right(path: str) -> None:
    """Under access control it takes service:read, before existence is told."""
    answer = await ask_consul(await _view(w1="passing"), "GET", path, acl=True)
    assert (answer.status, answer.text) == (403, "Permission denied")


async def test_service_id_with_slash_and_strange_letters() -> None:
    """An id may hold a slash, and what it holds cannot end the header."""
    view = await _view(**{"a/b": "passing"})
    assert (await ask_consul(view, "GET", f"{BY_ID}/a/b")).status == 200
    assert (await ask_consul(view, "GET", f"{BY_ID}/a%2Fb")).status == 200
    answer = await ask_consul(view, "GET", f"{BY_ID}/x%0Ay%C3%A4")
    assert (answer.status, answer.headers["x-consul-reason"]) == (404, r"ServiceId x\ny? not found")


async def test_prefix_of_service_health_leads_to_the_route() -> None:
    """Without the last slash it is a redirect to it."""
    answer = await ask_consul(FakeView(), "GET", BY_ID)
    assert (answer.status, answer.headers["location"]) == (301, f"{BY_ID}/")


async def test_maintenance_check_has_its_type() -> None:
    """Its type is `maintenance`, and no check that this agent runs."""
    view = await _view(w1="passing")
    for target in (MAINTAIN_NODE, MAINTAIN_WEB):
        await ask_consul(view, "PUT", target)
    for path in ("/v1/agent/checks", "/v1/health/node/n1"):
        shapes = (await ask_consul(view, "GET", path)).json
        shapes = shapes.values() if isinstance(shapes, dict) else shapes
        types = {check["CheckID"]: check["Type"] for check in shapes if check["CheckID"].startswith("_")}
        assert types == {"_node_maintenance": "maintenance", "_service_maintenance:w1": "maintenance"}
    assert (await ask_consul(view, "GET", "/v1/agent/self")).json["Stats"]["agent"]["check_monitors"] == "0"


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("10.0.0.1", {"lan_ipv4", "wan_ipv4"}),
        ("2001:db8::1", {"lan_ipv6", "wan_ipv6"}),
        ("::ffff:10.0.0.1", {"lan_ipv4", "wan_ipv4"}),
        ("fe80::1%eth0", set()),
        ("web.example", set()),
        ("", set()),
    ],
)
async def test_service_address_is_tagged_by_its_family(address: str, names: set[str]) -> None:
    """An IP address stands under lan_ipvN and wan_ipvN too, with the port; a name stands nowhere else."""
    view = FakeView()
    await ask_consul(view, "PUT", "/v1/agent/service/register", {"Name": "web", "Address": address, "Port": 80})
    wanted = {name: {"Address": address, "Port": 80} for name in names}
    agents = (await ask_consul(view, "GET", "/v1/agent/services")).json["web"]
    (listed,) = (await ask_consul(view, "GET", "/v1/catalog/service/web")).json
    (entry,) = (await ask_consul(view, "GET", "/v1/health/service/web")).json
    assert agents.get("TaggedAddresses", {}) == wanted
    assert listed.get("ServiceTaggedAddresses", {}) == wanted
    assert entry["Service"].get("TaggedAddresses", {}) == wanted


async def test_service_tagged_address_given_goes_before_the_one_made() -> None:
    """What was registered under such a name stays."""
    view = FakeView()
    given = {"lan_ipv4": {"Address": "192.0.2.7", "Port": 7}, "virtual": {"Address": "192.0.2.8", "Port": 8}}
    service = {"Name": "web", "Address": "10.0.0.1", "Port": 80, "TaggedAddresses": given}
    await ask_consul(view, "PUT", "/v1/agent/service/register", service)
    found = (await ask_consul(view, "GET", "/v1/agent/service/web")).json["TaggedAddresses"]
    assert found == {**given, "wan_ipv4": {"Address": "10.0.0.1", "Port": 80}}


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("127.0.0.1", ["lan", "lan_ipv4", "wan", "wan_ipv4"]),
        ("2001:db8::1", ["lan", "lan_ipv6", "wan", "wan_ipv6"]),
    ],
)
async def test_node_address_is_tagged_by_its_family(host: str, names: list[str]) -> None:
    """Nodes have the same names, with the address alone."""
    view = FakeView()
    view.change_member(2, address=Address(host, 4648))
    node = (await ask_consul(view, "GET", "/v1/catalog/node/n2")).json["Node"]
    assert node["TaggedAddresses"] == dict.fromkeys(names, host)
