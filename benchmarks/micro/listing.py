"""The member list over HTTP, against a bare quart-trio route that answers the same bytes.

Both apps are served by `api.server` in one process of their own, over a real node that holds 100 members, and
are loaded in turn, so what disturbs one disturbs the other. The load comes from wrk where it is installed, else
from a small client of ours.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.agent_process import start_process, wait_for_ports
from benchmarks.figure import Figure, figure
from benchmarks.http_load import best_client
from benchmarks.micro.scale import Scale
from benchmarks.process_cost import read_used
from benchmarks.progress import Progress

MEMBER_COUNT = 100
CONNECTION_COUNT = 16
RATIO = 85.0
"""Per cent of what the bare route reaches."""
PATH = "/v1/agent/members"


def measure(scale: Scale) -> Iterator[Figure]:
    """Load both routes in turn."""
    progress = Progress("http")
    client, load = best_client()
    with TemporaryDirectory(prefix="shoal-") as directory:
        log = Path(directory) / "log"
        command = (
            sys.executable,
            "-m",
            "benchmarks.micro.listing_server",
            str(Path(directory) / "data"),
            str(MEMBER_COUNT),
        )
        server = start_process(command, log)
        try:
            ports = wait_for_ports(server, log)
            rates: dict[str, list[float]] = {name: [] for name in ports}
            cpu_us: dict[str, list[float]] = {name: [] for name in ports}
            for index in range(scale.http_rounds):
                for name, port in ports.items():
                    used = read_used(server.pid)
                    got = load(port, PATH, CONNECTION_COUNT, scale.http_s)
                    rates[name].append(got.rate)
                    cpu_us[name].append(read_used(server.pid).cpu_s_since(used) / got.answers * 1e6)
                progress.say_sometimes(f"round {index + 1} of {scale.http_rounds}")
        finally:
            server.process.kill()
            server.process.wait()
    yield from _figures(rates, cpu_us, client)


def _figures(rates: dict[str, list[float]], cpu_us: dict[str, list[float]], client: str) -> Iterator[Figure]:
    titles = {"members": f"{PATH}, {MEMBER_COUNT} members", "bare": "bare route, the same bytes"}
    for name, title in titles.items():
        yield figure(title, "1/s", rates[name], note=f"{client}, {CONNECTION_COUNT} connections")
        yield figure(f"{title}: CPU per request", "us", cpu_us[name])
    shares = [100 * members / bare for members, bare in zip(rates["members"], rates["bare"], strict=True)]
    yield figure("requests against the bare route", "%", shares, at_least=RATIO)
    shares = [100 * bare / members for members, bare in zip(cpu_us["members"], cpu_us["bare"], strict=True)]
    yield figure("the same by CPU per request", "%", shares)
