"""What a running cluster tells: events as they happen, evidence, readiness, and who may ask."""

import http.client
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from node.http_client import ClientError, ServerEvent
from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.cluster import Cluster, running_cluster

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run one cluster for all tests of this file; each leaves three alive members behind."""
    with running_cluster(tmp_path_factory.mktemp("watched"), 3) as three:
        yield three


@pytest.fixture
def three(cluster: Cluster) -> Cluster:
    """Give the cluster, with all alive."""
    cluster.wait_all_alive()
    return cluster


class EventReader:
    """Follows an agent's events on a thread, until closed."""

    def __init__(self, agent: AgentProcess, index: int | None = None) -> None:
        self.events: list[ServerEvent] = []
        self._params = {"index": str(index)} if index is not None else {}
        self._client = agent.client()
        threading.Thread(target=self._follow, daemon=True).start()
        wait_until("the stream has begun", lambda: self.events)

    def _follow(self) -> None:
        try:
            for event in self._client.events("/v1/cluster/events", self._params, silence_max_s=30):
                self.events.append(event)
        except ClientError:
            return

    def kinds(self, name: str) -> list[str]:
        """Give the kinds of the events about a member, in order."""
        return [event.kind for event in self.events if event.data and event.data.get("name") == name]


def test_kill_is_told_as_events_and_explained(three: Cluster) -> None:
    """The stream of events tells suspect, failed, alive in order; explain says who accused, and by which paths."""
    watcher, victim = three.seed, three.agent("n3")
    reader = EventReader(watcher)
    began_at = reader.events[0].index
    victim.kill()
    wait_until("n3's failure is told", lambda: "member-failed" in reader.kinds("n3"))

    told = watcher.get("/v1/cluster/explain/n3")
    assert told["status"] == "failed"
    changes = [entry["change"] for entry in told["entries"]]
    assert changes.index("member-suspect") < changes.index("member-failed")
    accusers = {
        by for entry in told["entries"] if entry["change"] in ("member-suspect", "confirmed") for by in entry["by"]
    }
    assert accusers <= {"n1", "n2"}
    assert accusers
    paths = [
        path
        for agent in three.agents[:2]
        for entry in agent.get("/v1/cluster/explain/n3")["entries"]
        for path in entry["paths"]
    ]
    assert any(path.startswith("direct ping") for path in paths)
    assert any(path.startswith("through n") for path in paths)
    assert any(path.startswith("stream") for path in paths)
    words = watcher.shoal("explain", "n3").stdout
    assert "did not refute in time" in words
    assert "direct ping" in words or "was accused" in words

    victim.start()
    wait_until(
        "n3's return is told",
        lambda: reader.kinds("n3")[-1:] in (["member-alive"], ["member-join"], ["member-restart"]),
    )
    assert reader.kinds("n3")[:2] == ["member-suspect", "member-failed"]
    indexes = [event.index or 0 for event in reader.events if event.data]
    assert indexes == sorted(set(indexes))

    resumed = EventReader(watcher, began_at)
    wait_until("the resumed stream has all", lambda: resumed.kinds("n3") == reader.kinds("n3"))


def test_stream_from_another_life_begins_with_a_gap(three: Cluster) -> None:
    """An index that this process never gave is answered with a gap, and the stream goes on."""
    reader = EventReader(three.seed, index=1)
    wait_until("the gap is told", lambda: any(event.kind == "gap" for event in reader.events))


def test_monitor_shows_what_happens(three: Cluster) -> None:
    """`shoal monitor --json` prints one object per change."""
    with subprocess.Popen(
        [sys.executable, "-m", "node", "monitor", "--json", "--http", three.seed.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as monitor:
        try:
            assert monitor.stdout is not None
            lines: list[dict[str, Any]] = []
            reading = threading.Thread(target=lambda: lines.extend(map(json.loads, monitor.stdout or ())), daemon=True)
            reading.start()
            number = 0

            def told() -> bool:
                nonlocal number
                number += 1
                three.agent("n2").ask("PUT", "/v1/cluster/tags", body={"set": {"turn": str(number)}})
                return any(line.get("event") == "member-update" and line.get("name") == "n2" for line in lines)

            wait_until("monitor prints the update", told)
        finally:
            monitor.send_signal(signal.SIGKILL)


def test_supervisors_are_answered(three: Cluster) -> None:
    """A healthy node is live and ready, also to who has no token."""
    for agent in three.agents:
        for path in ("/livez", "/readyz"):
            answer = agent.client(token="").exchange("GET", path)
            assert (answer.status, answer.json()["ok"]) == (200, True)


def test_metrics_count_what_runs(three: Cluster) -> None:
    """The figures of /metrics move: probes, datagrams, handshakes, members by status."""
    seed = three.seed
    probes = seed.metric("shoal_probes_total")
    assert seed.metric("shoal_members", status="alive") == 3
    assert seed.metric("shoal_datagrams_total", direction="in") > 0
    assert seed.metric("shoal_handshakes_total", result="ok") >= 2
    wait_until("probes go on", lambda: seed.metric("shoal_probes_total") > probes)
    assert seed.shoal("health").returncode == 0


@pytest.mark.parametrize(
    ("header", "value"),
    [("Host", "evil.example"), ("Host", "evil.example:80"), ("Origin", "http://evil.example"), ("Origin", "null")],
)
def test_foreign_host_or_origin_gets_403(three: Cluster, header: str, value: str) -> None:
    """A web page cannot drive the API: a foreign Host or Origin is refused on every kind of route."""
    for method, path in (("GET", "/v1/agent/members"), ("PUT", "/v1/agent/force-leave?node=n2"), ("GET", "/livez")):
        status, _ = _raw(three.seed, method, path, {header: value})
        assert status == 403
    three.wait_all_alive()


def test_admin_routes_need_the_token(three: Cluster) -> None:
    """What changes keys, tags or the node itself is refused without the admin token, and changes nothing."""
    seed = three.seed
    routes = [
        ("GET", "/v1/cluster/keys", None),
        ("POST", "/v1/cluster/keys", None),
        ("POST", "/v1/cluster/leave", None),
        ("PUT", "/v1/cluster/tags", {"set": {"a": "b"}}),
    ]
    for token in ("", "wrong", seed.token + "x", three.agent("n2").token):
        for method, path, body in routes:
            answer = seed.client(token).exchange(method, path, body=body)
            assert answer.status in (401, 403), (method, path, token)
            assert answer.json()["error"]
    assert seed.rows()["n1"]["tags"] == {}
    assert len(seed.get("/v1/cluster/keys")["keys"]) == 1
    assert not seed.ended


def test_admin_token_is_the_owners_alone(three: Cluster) -> None:
    """Token, identity and key file are readable by their owner only."""
    for name in ("admin.token", "cluster.key"):
        assert (three.seed.data_dir / name).stat().st_mode & 0o077 == 0
    assert not any(path.stat().st_mode & 0o007 for path in three.seed.data_dir.iterdir())


def _raw(agent: AgentProcess, method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Ask with headers of our own choice."""
    connection = http.client.HTTPConnection(agent.url.removeprefix("http://"), timeout=10)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
