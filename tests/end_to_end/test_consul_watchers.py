"""Programs that watch for ever ask seldom and miss nothing: clients that ask as each does, and the CLI of Consul.

What is watched and is not there (a key, an event) is what made them ask in a loop.
"""

import http.client
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.consul_cluster import consul_port, get, put, running_consul_cluster, tell
from tests.end_to_end.test_consul_discovery import find_program

pytestmark = pytest.mark.end_to_end

WATCHED_S = 3.0
REQUESTS_MAX = 6
"""Of one watcher in that time: it begins, is answered, and waits; a second begins anew after what it did not know."""
SEEN_TIMEOUT_S = 5.0
MEASURED_TIMEOUT_S = 30.0
"""Until a node has a place: it measures with each probe."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run two nodes."""
    with running_consul_cluster(tmp_path_factory.mktemp("watchers"), 2) as pair:
        yield pair


@dataclass
class Watcher:
    """Asks for one path with the index of its last answer, again at once, whatever the answer was."""

    port: int
    path: str
    resets: bool = True
    """Whether it begins anew when an index falls; all clients of HashiCorp do, fabio takes what it is given."""
    index: int = 0
    bodies: list[bytes] = field(default_factory=list)
    _ends: threading.Event = field(default_factory=threading.Event)
    _connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Ask until it is stopped."""
        while not self._ends.is_set():
            connection = self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
            try:
                connection.request("GET", self.path.format(index=self.index))
                response = connection.getresponse()
                self.bodies.append(response.read())
                index = int(response.getheader("X-Consul-Index") or 0)
                self.index = 0 if self.resets and index < self.index else index
            except OSError:
                return
            finally:
                connection.close()

    def stop(self) -> None:
        """Hang up."""
        self._ends.set()
        if self._connection is not None and self._connection.sock is not None:
            self._connection.sock.shutdown(2)


WATCHERS: dict[str, tuple[str, bool]] = {
    "fabio, its routes": ("/v1/kv/fabio/config?consistent=&index={index}", False),
    "fabio, its pages": ("/v1/kv/fabio/noroute.html?consistent=&index={index}&recurse=", False),
    "fabio, what is well": ("/v1/health/state/any?consistent=&index={index}", False),
    "consul-template key": ("/v1/kv/app/name?index={index}&stale=&wait=60000ms", True),
    "consul-template ls": ("/v1/kv/app?index={index}&recurse=&stale=&wait=60000ms", True),
    "consul-template services": ("/v1/catalog/services?index={index}&stale=&wait=60000ms", True),
    "consul-template service": ("/v1/health/service/Web?index={index}&passing=1&stale=&wait=60000ms", True),
    "consul-template node": ("/v1/catalog/node/N1?index={index}&stale=&wait=60000ms", True),
    "consul-template nodes": ("/v1/catalog/nodes?index={index}&stale=&wait=60000ms", True),
    "envconsul": ("/v1/kv/app?index={index}&recurse=&stale=&wait=60000ms", True),
    "consul watch keyprefix": ("/v1/kv/app?index={index}&recurse=", True),
    "consul watch event": ("/v1/event/list?index={index}&name=deploy", True),
    "traefik, its keys": ("/v1/kv/traefik?consistent=&index={index}&recurse=&wait=15000ms", True),
    "a lock's holder": ("/v1/kv/service/leader?consistent=&index={index}&wait=15000ms", True),
    "sessions": ("/v1/session/list?index={index}", True),
    "configuration": ("/v1/config/proxy-defaults/global?index={index}", True),
    "coordinates": ("/v1/coordinate/node/nobody?index={index}", True),
}
"""By program: its path, and whether it begins anew."""


@contextmanager
def watching(watchers: list[Watcher]) -> Iterator[None]:
    """Run watchers while the block lasts."""
    threads = [threading.Thread(target=watcher.run, daemon=True) for watcher in watchers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for watcher in watchers:
            watcher.stop()
        for thread in threads:
            thread.join(timeout=10)


@pytest.mark.parametrize("index", [0, 1, 317, 2**62], ids=["new", "steady", "of a Consul", "of another node"])
def test_watchers_ask_seldom(cluster: Cluster, index: int) -> None:
    """Each begins with no index, or with one that it had elsewhere; none asks in a loop."""
    port = consul_port(cluster.agent("n1"))
    watchers = {name: Watcher(port, path, resets, index) for name, (path, resets) in WATCHERS.items()}
    with watching(list(watchers.values())):
        time.sleep(WATCHED_S)
        counts = {name: len(watcher.bodies) for name, watcher in watchers.items()}
    tell(f"requests answered in {WATCHED_S:.0f} s, from index {index}: {counts}")
    assert max(counts.values()) <= REQUESTS_MAX, counts


def test_watchers_of_a_service_see_it_come_and_go(cluster: Cluster) -> None:
    """In whatever case it was registered, and also on another node than they ask."""
    first, second = cluster.agent("n1"), cluster.agent("n2")
    paths = ("health/service/{}?passing=1&", "catalog/service/{}?", "health/checks/{}?", "catalog/services?")
    watchers = [
        Watcher(consul_port(first), f"/v1/{path.format(name)}index={{index}}&wait=60000ms")
        for path in paths
        for name in ("orders", "ORDERS")
    ]

    def shown() -> list[bool]:
        return [b"Orders" in watcher.bodies[-1] for watcher in watchers if watcher.bodies]

    with watching(watchers):
        wait_until("all have asked", lambda: len(shown()) == len(watchers), SEEN_TIMEOUT_S)
        put(second, "agent/service/register", {"Name": "Orders", "Check": {"TTL": "60s", "Status": "passing"}})
        wait_until("all see it", lambda: all(shown()), SEEN_TIMEOUT_S)
        put(second, "agent/service/deregister/Orders")
        wait_until("none sees it", lambda: not any(shown()), SEEN_TIMEOUT_S)
        assert max(len(watcher.bodies) for watcher in watchers) <= 12


def _answer_count(agent: AgentProcess) -> int:
    """Count the requests that an agent has answered."""
    connection = http.client.HTTPConnection("127.0.0.1", consul_port(agent), timeout=5)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    return sum(
        int(float(count)) for count in re.findall(r"^shoal_http_requests_total\{.*\} (\S+)$", text, re.MULTILINE)
    )


@pytest.mark.parametrize(
    "watched",
    [
        *(["-type=key", "-key=x"], ["-type=keyprefix", "-prefix=x"], ["-type=event"], ["-type=event", "-name=x"]),
        *(["-type=services"], ["-type=nodes"], ["-type=service", "-service=Nobody"], ["-type=checks"]),
        *(["-type=checks", "-service=nobody"], ["-type=checks", "-state=critical"]),
    ],
    ids=" ".join,
)
def test_consul_watch_asks_seldom(cluster: Cluster, watched: list[str]) -> None:
    """Consul's own watches, of each type that its CLI has."""
    program = find_program("consul", "consul")
    agent = cluster.agent("n1")
    before = _answer_count(agent)
    command = [program, "watch", f"-http-addr=127.0.0.1:{consul_port(agent)}", *watched, "cat"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        time.sleep(WATCHED_S)
        assert process.poll() is None, process.communicate()[0]
        count = _answer_count(agent) - before
        tell(f"consul watch {' '.join(watched)}: {count} requests in {WATCHED_S:.0f} s")
        assert 1 <= count <= REQUESTS_MAX
    finally:
        process.kill()
        process.communicate()


def test_round_trip_is_estimated(cluster: Cluster) -> None:
    """Both nodes have a place, also in what is listed by data centre; Consul's CLI estimates from it."""
    agent = cluster.agent("n1")

    def placed(rows: Callable[[], list[dict[str, object]]]) -> bool:
        return [row["Node"] for row in rows()] == ["n1", "n2"]

    wait_until("both have a place", lambda: placed(lambda: get(agent, "coordinate/nodes")), MEASURED_TIMEOUT_S)
    assert placed(lambda: get(agent, "coordinate/datacenters")[0]["Coordinates"])
    assert get(agent, "coordinate/node/N2")[0]["Node"] == "n2"
    program = find_program("consul", "consul")
    for names in (["n1", "n2"], ["n2"], ["-wan", "n1.dc1", "n2.dc1"]):
        command = [program, "rtt", f"-http-addr=127.0.0.1:{consul_port(agent)}", *names]
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        assert (result.returncode, "rtt: " in result.stdout) == (0, True), result
