"""What consul_sd and nomad_sd of Prometheus ask, request by request, and what they read of the answers.

The requests are theirs to the letter; where the programs are, test_consul_discovery runs them.
"""

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.consul_cluster import consul_port, put, running_consul_cluster

pytestmark = pytest.mark.end_to_end

WAIT = "wait=120000ms"
"""Both times of two minutes, as the Go client writes them."""
Answer = tuple[dict[str, str], Any]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run two nodes; the second owns two instances of a service."""
    with running_consul_cluster(tmp_path_factory.mktemp("replay"), 2) as pair:
        owner = pair.agent("n2")
        for id, tags in (("web-1", ["v1", "blue"]), ("web-2", ["v1"])):
            service = {
                "Name": "web app",
                "ID": id,
                "Tags": tags,
                "Port": 8000,
                "Address": "10.0.0.7",
                "Meta": {"k": id},
            }
            put(owner, "agent/service/register", {**service, "Check": {"TTL": "60s", "Status": "passing"}})
        yield pair


def fetch(port: int, target: str, timeout_s: float = 20.0) -> Answer:
    """Make one request as it stands; headers in lower case, and the JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", target, headers={"Accept-Encoding": "gzip", "User-Agent": "Go-http-client/1.1"})
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, f"{target}: {response.status} {body!r}"
        return {key.lower(): value for key, value in response.getheaders()}, json.loads(body)
    finally:
        connection.close()


class ConsulDiscovery:
    """consul_sd: datacenter, then the names, then each name; the index alone says whether there is news."""

    def __init__(self, agent: AgentProcess, tag: str = "") -> None:
        self._port = consul_port(agent)
        self._tag = tag
        self.datacenter = fetch(self._port, "/v1/agent/self")[1]["Config"]["Datacenter"]

    def names(self, index: int = 0) -> tuple[int, dict[str, list[str]]]:
        """Ask for the names, blocking if there is an index."""
        return self._ask("/v1/catalog/services?", index)

    def targets(self, name: str, index: int = 0) -> tuple[int, list[dict[str, Any]]]:
        """Ask for the instances of a name, and make labels of them as it does."""
        tag = f"tag={self._tag}&" if self._tag else ""
        index, entries = self._ask(f"/v1/health/service/{name}?{tag}", index)
        return index, [self._labels(entry) for entry in entries]

    def _ask(self, path: str, index: int) -> tuple[int, Any]:
        blocking = f"index={index}&" if index else ""
        headers, value = fetch(self._port, f"{path}dc={self.datacenter}&{blocking}stale=&{WAIT}")
        assert int(headers["x-consul-lastcontact"]) >= 0
        assert headers["x-consul-knownleader"] in ("true", "false")
        assert int(headers["x-consul-index"]) > index
        return int(headers["x-consul-index"]), value

    @staticmethod
    def _labels(entry: dict[str, Any]) -> dict[str, str]:
        node, service = entry["Node"], entry["Service"]
        host = service["Address"] or node["Address"]
        ids = [check["CheckID"] for check in entry["Checks"]]
        statuses = {check["Status"] for check in entry["Checks"]}
        in_maintenance = any(id == "_node_maintenance" or id.startswith("_service_maintenance:") for id in ids)
        health = next((status for status in ("critical", "warning", "passing") if status in statuses), "passing")
        assert all(isinstance(value, str) for value in (node.get("TaggedAddresses") or {}).values())
        assert isinstance(service["Port"], int)
        return {
            "__address__": f"{host}:{service['Port']}",
            "node": node["Node"],
            "dc": node["Datacenter"],
            "id": service["ID"],
            "tags": f",{','.join(service['Tags'])},",
            "health": "maintenance" if in_maintenance else health,
            **{f"meta_{key}": value for key, value in (service.get("Meta") or {}).items()},
        }


def test_consul_sd_requests(cluster: Cluster) -> None:
    """Names, instances, their health, and that each blocked request is answered for what it is about."""
    prometheus, owner = ConsulDiscovery(cluster.seed), cluster.agent("n2")
    assert prometheus.datacenter == "dc1"
    wait_until("n1 has both", lambda: len(prometheus.targets("web%20app")[1]) == 2)
    names_index, names = prometheus.names()
    assert (names["consul"], sorted(names["web app"])) == ([], ["blue", "v1"])
    index, targets = prometheus.targets("web%20app")
    assert targets == [
        {"__address__": "10.0.0.7:8000", "node": "n2", "dc": "dc1", "id": "web-1", "tags": ",v1,blue,",
         "health": "passing", "meta_k": "web-1"},
        {"__address__": "10.0.0.7:8000", "node": "n2", "dc": "dc1", "id": "web-2", "tags": ",v1,",
         "health": "passing", "meta_k": "web-2"},
    ]  # fmt: skip
    assert [one["id"] for one in ConsulDiscovery(cluster.seed, "blue").targets("web%20app")[1]] == ["web-1"]

    for path, params, health in (
        ("agent/check/warn/service:web-1", {}, "warning"),
        ("agent/check/fail/service:web-1", {}, "critical"),
        ("agent/service/maintenance/web-1", {"enable": "true"}, "maintenance"),
        ("agent/service/maintenance/web-1", {"enable": "false"}, "critical"),
        ("agent/check/pass/service:web-1", {}, "passing"),
    ):
        change = threading.Timer(0.05, put, (owner, path), params)
        change.start()
        index, targets = prometheus.targets("web%20app", index)
        change.join()
        assert [one["health"] for one in targets] == [health, "passing"]

    change = threading.Timer(0.05, put, (owner, "agent/service/register", {"Name": "new", "Tags": ["x"]}))
    change.start()
    names_index, names = prometheus.names(names_index)
    change.join()
    assert names["new"] == ["x"]
    change = threading.Timer(0.05, put, (owner, "agent/service/deregister/new"))
    change.start()
    assert "new" not in prometheus.names(names_index)[1]
    change.join()


def test_nomad_sd_requests(cluster: Cluster) -> None:
    """The list of names of a namespace, and each service's instances, in Nomad's shape on the Nomad listener."""
    seen: list[list[dict[str, Any]]] = []
    port = int(cluster.seed.url.rsplit(":", 1)[1])
    options = "namespace=default&region=global&stale="

    def listed() -> bool:
        headers, namespaces = fetch(port, f"/v1/services?{options}")
        assert int(headers["x-nomad-index"]) > 0
        assert int(headers["x-nomad-lastcontact"]) >= 0
        assert headers["x-nomad-knownleader"] == "true"
        names = {
            row["ServiceName"]: sorted(row["Tags"])
            for namespace in namespaces
            for row in namespace["Services"]
            if namespace["Namespace"] == "default"
        }
        seen.append(fetch(port, f"/v1/service/web%20app?{options}")[1])
        return names.get("web app") == ["blue", "v1"] and len(seen[-1]) == 2

    wait_until("n1 lists both", listed)
    for row in seen[-1]:
        assert (row["ServiceName"], row["Namespace"], row["Datacenter"]) == ("web app", "default", "dc1")
        assert (row["Address"], row["Port"]) == ("10.0.0.7", 8000)
        assert all(isinstance(row[key], str) and row[key] for key in ("ID", "NodeID"))
        assert all(isinstance(row[key], str) for key in ("JobID", "AllocID"))
        assert all(isinstance(row[key], int) for key in ("CreateIndex", "ModifyIndex"))
    assert sorted(sorted(row["Tags"]) for row in seen[-1]) == [["blue", "v1"], ["v1"]]
    assert fetch(port, f"/v1/service/nothing?{options}")[1] == []
