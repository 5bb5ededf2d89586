"""Three real processes: what one owns, all show within a second; blocked queries wake for it; who dies is critical."""

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.agent_process import AgentProcess
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.consul_cluster import (
    SEEN_WITHIN_S,
    Reply,
    consul,
    get,
    put,
    running_consul_cluster,
    tell,
    wait_catalog,
)

pytestmark = pytest.mark.end_to_end

FAILED_WITHIN_S = 15.0
"""From a kill until the catalog says so: a verdict of the local profile, on a machine that does other things too."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run three nodes."""
    with running_consul_cluster(tmp_path_factory.mktemp("consul"), 3) as trio:
        yield trio


@pytest.fixture
def first(cluster: Cluster) -> AgentProcess:
    """Give the node where things are registered."""
    return cluster.agent("n1")


@pytest.fixture
def third(cluster: Cluster) -> AgentProcess:
    """Give the node where they are looked for."""
    return cluster.agent("n3")


class Blocked:
    """A query that waits, in a thread of its own."""

    def __init__(self, agent: AgentProcess, path: str, index: int, wait: str = "20s") -> None:
        self._reply: Reply | None = None
        self.ended_at = 0.0
        params = {"index": str(index), "wait": wait}
        self._thread = threading.Thread(target=self._ask, args=(agent, path, params), daemon=True)
        self._thread.start()

    def _ask(self, agent: AgentProcess, path: str, params: dict[str, str]) -> None:
        self._reply = consul(agent, "GET", path, params, timeout_s=25)
        self.ended_at = time.monotonic()

    @property
    def waits(self) -> bool:
        """Whether there is no answer yet."""
        return self._reply is None

    def answer(self) -> Reply:
        """Wait for it."""
        self._thread.join(25)
        assert self._reply is not None, "no answer"
        return self._reply


def service(name: str, **more: Any) -> dict[str, Any]:
    """Define a service with a TTL check that passes."""
    return {"Name": name, "Port": 8000, "Check": {"TTL": "60s", "Status": "passing"}, **more}


def test_registration_reaches_a_third_node_within_a_second(first: AgentProcess, third: AgentProcess) -> None:
    """Service, check state, maintenance and removal are each in node 3's health/service within a second."""
    took: dict[str, float] = {}

    def change(what: str, path: str, body: Any, is_so: Any, **params: str) -> None:
        put(first, path, body, **params)
        took[what] = wait_catalog(what, third, "health/service/web", is_so)

    def statuses(entries: list[dict[str, Any]]) -> dict[str, str]:
        return {check["CheckID"]: check["Status"] for entry in entries for check in entry["Checks"]}

    change("service", "agent/service/register", service("web", Tags=["v1"], Meta={"a": "b"}), lambda found: found)
    (entry,) = get(third, "health/service/web")
    assert entry["Node"]["Node"] == "n1"
    assert (entry["Service"]["Tags"], entry["Service"]["Meta"], entry["Service"]["Port"]) == (["v1"], {"a": "b"}, 8000)
    assert statuses([entry]) == {"service:web": "passing", "serfHealth": "passing"}

    change(
        "check", "agent/check/warn/service:web", None,
        lambda found: [check for check in found[0]["Checks"] if check["Output"] == "not quite"],
        note="not quite",
    )  # fmt: skip
    assert statuses(get(third, "health/service/web"))["service:web"] == "warning"
    assert get(third, "health/service/web", passing="1") == []
    change(
        "maintenance", "agent/service/maintenance/web", None,
        lambda found: statuses(found).get("_service_maintenance:web") == "critical", enable="true", reason="why not",
    )  # fmt: skip
    change("node maintenance", "agent/maintenance", None, lambda found: "_node_maintenance" in statuses(found),
           enable="true")  # fmt: skip
    change("end of both", "agent/maintenance", None, lambda found: "_node_maintenance" not in statuses(found),
           enable="false")  # fmt: skip
    change("removal", "agent/service/deregister/web", None, lambda found: found == [])
    tell(f"seconds until node 3 shows it: { {what: round(seconds, 3) for what, seconds in took.items()} }")


def test_blocked_queries_wake_for_every_change(first: AgentProcess, third: AgentProcess) -> None:
    """On node 3 a query that waits is answered for each change of node 1, with a larger index each time."""
    path = "health/service/clock"
    indexes = [consul(third, "GET", path).index]
    changes: list[tuple[str, Any]] = [
        ("agent/service/register", service("clock")),
        ("agent/check/fail/service:clock", None),
        ("agent/check/pass/service:clock", None),
        ("agent/check/register", {"Name": "second", "ServiceID": "clock", "TTL": "9s"}),
        ("agent/check/deregister/second", None),
        ("agent/service/deregister/clock", None),
    ]
    delays = []
    for change, body in changes:
        blocked = Blocked(third, path, indexes[-1])
        time.sleep(0.1)  # a query that is there before the change, not after it
        assert blocked.waits, f"before {change}: {blocked.answer()}"
        began = time.monotonic()
        put(first, change, body)
        reply = blocked.answer()
        delays.append(round(blocked.ended_at - began, 3))
        indexes.append(reply.index)
    assert indexes[0] > 0
    assert indexes == sorted(set(indexes)), "the index grows with each change"
    assert reply.json() == []
    assert max(delays) < SEEN_WITHIN_S, delays
    tell(f"seconds until a blocked query was answered: {delays}")


def test_blocked_query_without_news_ends_after_its_wait(first: AgentProcess, third: AgentProcess) -> None:
    """After `wait` and at most a sixteenth more it is a plain answer, its index unchanged; others' news wake none."""
    put(first, "agent/service/register", service("still"))
    wait_catalog("it is there", third, "health/service/still", bool)
    index = consul(third, "GET", "health/service/still").index
    began = time.monotonic()
    blocked = Blocked(third, "health/service/still", index, "1s")
    put(first, "agent/service/register", service("other"))
    reply = blocked.answer()
    took = time.monotonic() - began
    assert (reply.status, reply.index, len(reply.json())) == (200, index, 1)
    assert 1.0 <= took < 1.6
    for name in ("still", "other"):
        put(first, f"agent/service/deregister/{name}")


def test_index_from_the_future_waits_no_longer_than_asked(third: AgentProcess) -> None:
    """A client that remembers an index of a former life gets an answer after `wait`, with the index of this one."""
    now = consul(third, "GET", "catalog/services").index
    reply = consul(third, "GET", "catalog/services", {"index": str(now + 10**9), "wait": "300ms"}, timeout_s=5)
    assert reply.status == 200
    assert 0 < reply.index < now + 10**9


def test_kill_and_leave_are_in_the_catalog(cluster: Cluster, first: AgentProcess) -> None:
    """A killed node is critical, and a blocked query wakes for it; started again it passes; a leave removes it."""
    second = cluster.agent("n2")
    put(second, "agent/service/register", service("mortal"))
    wait_catalog("it is there", first, "health/service/mortal", bool)
    index = consul(first, "GET", "health/service/mortal").index
    second.kill()
    began = time.monotonic()
    health: dict[str, Any] = {}
    while health.get("Status") != "critical":
        reply = Blocked(first, "health/service/mortal", index).answer()
        assert reply.index > index, "no news within the whole wait"
        index = reply.index
        (entry,) = reply.json()
        health = next(check for check in entry["Checks"] if check["CheckID"] == "serfHealth")
    tell(f"seconds from the kill until serfHealth is critical: {time.monotonic() - began:.2f}")
    assert health["Output"] == "Agent not live or unreachable"
    assert get(first, "health/service/mortal", passing="1") == []

    second.start(join=[first.gossip])
    wait_catalog(
        "it passes again", first, "health/node/n2",
        lambda checks: {check["CheckID"]: check["Status"] for check in checks}.get("serfHealth") == "passing",
        FAILED_WITHIN_S,
    )  # fmt: skip
    wait_catalog("the service came back from the disk", first, "health/service/mortal", bool, FAILED_WITHIN_S)

    second.send_signal(signal.SIGINT)
    second.wait_end()
    wait_catalog("no service", first, "health/service/mortal", lambda found: found == [], 5.0)
    assert get(first, "catalog/node/n2") is None
    assert "mortal" not in get(first, "catalog/services")
    assert get(first, "health/node/n2") == []
    second.start(join=[first.gossip])
    cluster.wait_all_alive()
