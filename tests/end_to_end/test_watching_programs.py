"""Programs that watch ask a real agent again when there is news, and not before.

Each program is played by loops read in its source (tests.clients.watchers); where it is on the path or in .clients/bin,
it runs itself too, and a proxy counts.
"""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from simulations.processes.port_block import free_port
from tests.clients.client_process import CLIENTS
from tests.clients.counting_proxy import counting_proxy
from tests.clients.watchers import NOMAD_PROGRAMS, PROGRAMS, watch
from tests.end_to_end.agent_process import AgentProcess
from tests.end_to_end.consul_cluster import consul_port, put, running_consul_cluster, tell, wait_catalog

pytestmark = pytest.mark.end_to_end

WATCHED_S = 3.0
QUIET_ASKS_MAX = 4
"""Of one path in that time, where nothing changes: the first read, one that waits, and two for an answer that came with
a change from before. Who is answered at once without news asks hundreds of times."""
REAL_WATCHED_S = 6.0
"""With a program's start."""


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    """Run one node with a service whose check passes."""
    with running_consul_cluster(tmp_path_factory.mktemp("watchers"), 1) as cluster:
        service = {"Name": "web", "Port": 8000, "Tags": ["urlprefix-/web"]}
        put(cluster.seed, "agent/service/register", {**service, "Check": {"TTL": "600s", "Status": "passing"}})
        wait_catalog("the service is there", cluster.seed, "health/service/web", bool)
        yield cluster.seed


def assert_quiet(program: str, counts: Counter[str]) -> None:
    """Check that no path was asked for in a circle, and that something was asked for."""
    tell(f"{program}: {dict(counts.most_common(6))}")
    assert counts, f"{program} asked for nothing"
    spun = {path: number for path, number in counts.items() if number > QUIET_ASKS_MAX}
    assert not spun, f"{program} asked {spun} while nothing changed"


@pytest.mark.parametrize("program", PROGRAMS)
def test_watcher_waits_for_news_of_consul(agent: AgentProcess, program: str) -> None:
    """A program that watches on Consul's port makes a handful of requests while nothing changes."""
    assert_quiet(program, watch(PROGRAMS[program], consul_port(agent), WATCHED_S))


@pytest.mark.parametrize("program", NOMAD_PROGRAMS)
def test_watcher_waits_for_news_of_nomad(agent: AgentProcess, program: str) -> None:
    """A program that watches on Nomad's port makes a handful of requests while nothing changes."""
    port = int(agent.http_bind.rsplit(":", 1)[1])
    assert_quiet(program, watch(NOMAD_PROGRAMS[program], port, WATCHED_S))


REAL: Final = {
    "fabio": "fabio -registry.consul.addr {agent} -proxy.addr {free} -ui.addr {other}",
    "consul-template": "consul-template -consul-addr {agent} -template {directory}/in.tpl:{directory}/out",
    "envconsul": "envconsul -consul-addr {agent} -prefix app/ sleep 8",
    "consul watch key": "consul watch -http-addr {agent} -type=key -key=a/b cat",
    "consul watch keyprefix": "consul watch -http-addr {agent} -type=keyprefix -prefix=a/ cat",
    "consul watch service": "consul watch -http-addr {agent} -type=service -service=web cat",
    "consul watch checks": "consul watch -http-addr {agent} -type=checks cat",
    "consul watch event": "consul watch -http-addr {agent} -type=event cat",
    "traefik": "traefik --providers.consul.endpoints={agent} --entrypoints.web.address={free}",
}
TEMPLATE: Final = """
{{ keyOrDefault "a/b" "x" }} {{ range ls "a" }}{{ .Key }}{{ end }} {{ range nodes }}{{ .Node }}{{ end }}
{{ range services }}{{ .Name }}{{ end }} {{ range service "web" }}{{ .Address }}{{ end }}
"""


@pytest.mark.parametrize("name", REAL)
def test_real_program_waits_for_news(agent: AgentProcess, tmp_path: Path, name: str) -> None:
    """The program itself makes a handful of requests of each path while nothing changes."""
    program, *arguments = REAL[name].split()
    path = shutil.which(program) or shutil.which(program, path=CLIENTS / "bin")
    if path is None:
        pytest.skip(f"{program} is neither on the path nor in .clients/bin")
    (tmp_path / "in.tpl").write_text(TEMPLATE)
    with counting_proxy(consul_port(agent)) as proxy, (tmp_path / "log").open("wb") as log:
        addresses = {key: f"127.0.0.1:{free_port()}" for key in ("free", "other")}
        command = [part.format(agent=f"127.0.0.1:{proxy.port}", directory=tmp_path, **addresses) for part in arguments]
        process = subprocess.Popen(
            [path, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=tmp_path, start_new_session=True
        )
        try:
            time.sleep(REAL_WATCHED_S)  # no condition to wait for: what is looked for is that nothing happens
            assert process.poll() is None, f"{name} ended: {(tmp_path / 'log').read_text()[-500:]}"
            assert_quiet(name, proxy.counts())
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # one that asks in a circle takes no notice of SIGTERM
            process.wait()
