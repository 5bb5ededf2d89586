"""Prometheus and VictoriaMetrics, told to discover by Consul, find what is registered here and see it go."""

import http.client
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simulations.processes.port_block import free_port
from tests.clients.client_process import CLIENTS
from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.consul_cluster import consul_port, put, running_consul_cluster, tell

pytestmark = pytest.mark.end_to_end

START_TIMEOUT_S = 20.0
SEEN_TIMEOUT_S = 20.0
"""Until it shows what changed: VictoriaMetrics polls each second here, Prometheus groups changes for five."""
CONFIG = """
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: shoal
    consul_sd_configs:
      - server: "127.0.0.1:{port}"{more}
    relabel_configs:
      - source_labels: [__meta_consul_service]
        regex: consul
        action: drop
      - source_labels: [__meta_consul_service]
        target_label: service
      - source_labels: [__meta_consul_service_id]
        target_label: service_id
      - source_labels: [__meta_consul_node]
        target_label: node
      - source_labels: [__meta_consul_tags]
        target_label: tags
      - source_labels: [__meta_consul_dc]
        target_label: dc
      - source_labels: [__meta_consul_health]
        target_label: health
      - source_labels: [__meta_consul_service_metadata_team]
        target_label: team
"""
OFTEN = """
        refresh_interval: 1s"""
"""Between two of Prometheus' blocked queries; VictoriaMetrics has a flag for it."""
LABELS = ("service", "service_id", "node", "tags", "dc", "team")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run three nodes."""
    with running_consul_cluster(tmp_path_factory.mktemp("discovery"), 3) as trio:
        yield trio


def find_program(name: str, package: str) -> str:
    """Find a program where `make clients` puts it, or installed; skip where there is none."""
    unpacked = CLIENTS / package / "usr" / "bin" / name
    found = str(unpacked) if unpacked.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is neither installed nor under {CLIENTS.name}/{package}")
    return found


@contextmanager
def running(command: list[str], directory: Path, port: int) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Run a scraper; what it gives is its active targets."""

    def targets() -> list[dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/api/v1/targets?state=active")
            found: list[dict[str, Any]] = json.loads(connection.getresponse().read())["data"]["activeTargets"]
            return found
        finally:
            connection.close()

    def answers() -> bool:
        if process.poll() is not None:
            pytest.fail(f"it ended: {(directory / 'log').read_text(errors='replace')[-2000:]}")
        try:
            targets()
        except OSError:
            return False
        return True

    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory)
    try:
        wait_until("it answers", answers, START_TIMEOUT_S)
        yield targets
    finally:
        process.kill()
        process.wait()


def follow(cluster: Cluster, targets: Callable[[], list[dict[str, Any]]]) -> None:
    """Register on two nodes, change and remove, and see that the scraper has it each time."""

    def shown() -> dict[str, tuple[str, ...]]:
        return {row["labels"]["service_id"]: tuple(row["labels"].get(key, "") for key in LABELS) for row in targets()}

    def up() -> set[str]:
        return {row["labels"]["service_id"] for row in targets() if row["health"] == "up"}

    def wait_shown(what: str, wanted: dict[str, tuple[str, ...]]) -> None:
        took = wait_until(f"{what}: {wanted}, not {shown()}", lambda: shown() == wanted, SEEN_TIMEOUT_S)
        tell(f"{what}: shown after {took:.1f} s")

    first, second = cluster.agent("n1"), cluster.agent("n2")
    one, two = define(first, "metrics-1", ["v1", "blue"]), define(second, "metrics-2", ["v2"])
    wait_shown("two services", {"metrics-1": one, "metrics-2": two})
    wait_until("both are scraped", lambda: up() == {"metrics-1", "metrics-2"}, SEEN_TIMEOUT_S)
    put(second, "agent/service/deregister/metrics-2")
    wait_shown("one removed", {"metrics-1": one})
    put(first, "agent/service/deregister/metrics-1")
    wait_shown("the other removed", {})


def define(agent: AgentProcess, id: str, tags: list[str]) -> tuple[str, ...]:
    """Register an agent's own metrics as a service; the labels it must get."""
    host, port = agent.url.removeprefix("http://").split(":")
    service = {"Name": "metrics", "ID": id, "Tags": tags, "Address": host, "Port": int(port), "Meta": {"team": "ops"}}
    put(agent, "agent/service/register", service)
    return ("metrics", id, agent.name, f",{','.join(tags)},", "dc1", "ops")


def test_prometheus_discovers(cluster: Cluster, tmp_path: Path) -> None:
    """Its consul_sd blocks on services and on each service, and follows both."""
    program = find_program("prometheus", "prometheus")
    (tmp_path / "config.yml").write_text(CONFIG.format(port=consul_port(cluster.agent("n3")), more=OFTEN))
    checked = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10)
    tell((checked.stdout or checked.stderr).splitlines()[0])
    port = free_port()
    command = [
        program,
        "--config.file=config.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    try:
        with running(command, tmp_path, port) as targets:
            follow(cluster, targets)
    except pytest.fail.Exception as wrong:
        if "field consul_sd_configs not found" in str(wrong):
            pytest.skip("this Prometheus is built without consul_sd")
        raise


def test_victoria_metrics_discovers(cluster: Cluster, tmp_path: Path) -> None:
    """It polls the same three paths."""
    program = find_program("victoria-metrics", "victoria-metrics")
    (tmp_path / "config.yml").write_text(CONFIG.format(port=consul_port(cluster.agent("n3")), more=""))
    port = free_port()
    command = [
        program, "-promscrape.config=config.yml", "-storageDataPath=data", f"-httpListenAddr=127.0.0.1:{port}",
        "-promscrape.consulSDCheckInterval=1s", "-promscrape.consul.waitTime=1s", "-search.disableCache",
    ]  # fmt: skip
    with running(command, tmp_path, port) as targets:
        follow(cluster, targets)
