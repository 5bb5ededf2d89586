"""Requests per second and latency of the routes that are asked most, in turn with a bare answer of the same bytes."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.agent_process import AgentProcess, start_process, wait_for_ports
from benchmarks.http_load import Load, LoadRoute, best_client
from benchmarks.process_cost import read_used
from benchmarks.progress import Progress

MEMBERS = "/v1/agent/members"


@dataclass(frozen=True, slots=True)
class Route:
    """One path on a node of a size."""

    path: str
    member_count: int

    @property
    def title(self) -> str:
        """Name it."""
        return f"{self.path}, {self.member_count:,} members" if self.path == MEMBERS else self.path


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    routes: tuple[Route, ...]
    connection_counts: tuple[int, ...]
    rounds: int
    load_s: float
    """Seconds of load per route, number of connections, side and round; wrk takes whole ones."""

    @classmethod
    def full(cls) -> "Scale":
        """Give what figures are reported with."""
        small = tuple(Route(path, 100) for path in (MEMBERS, "/v1/agent/health", "/v1/agent/self"))
        return cls((small[0], Route(MEMBERS, 1_000), *small[1:]), (1, 16, 256), 5, 2.0)

    @classmethod
    def tiny(cls) -> "Scale":
        """Give what shows that it runs."""
        return cls((Route(MEMBERS, 10), Route("/v1/agent/health", 10)), (1, 4), 1, 0.3)


@dataclass(slots=True)
class Side:
    """One of the two that are asked the same."""

    rates: list[float] = field(default_factory=list)
    p50_s: list[float] = field(default_factory=list)
    p99_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    """Of the server's process, per request."""

    def add(self, got: Load, cpu_s: float) -> None:
        """Take in one load."""
        self.rates.append(got.rate)
        self.p50_s.append(got.p50_s)
        self.p99_s.append(got.p99_s)
        self.cpu_s.append(cpu_s / got.answers)

    def as_json(self) -> dict[str, float]:
        """Give the medians."""
        return {
            "requests_per_s": median(self.rates),
            "p50_ms": median(self.p50_s) * 1e3,
            "p99_ms": median(self.p99_s) * 1e3,
            "cpu_us": median(self.cpu_s) * 1e6,
        }


@dataclass(slots=True)
class Comparison:
    """A route under so many connections."""

    route: Route
    connection_count: int
    node: Side = field(default_factory=Side)
    bare: Side = field(default_factory=Side)

    @property
    def ratios(self) -> list[float]:
        """The node's requests per second in the bare one's, by round."""
        return [ours / bare for ours, bare in zip(self.node.rates, self.bare.rates, strict=True)]

    @property
    def cpu_ratios(self) -> list[float]:
        """The bare one's CPU per request in the node's, by round: the same ratio without the client's share."""
        return [bare / ours for ours, bare in zip(self.node.cpu_s, self.bare.cpu_s, strict=True)]

    def as_json(self) -> dict[str, object]:
        """Give it for a machine to read."""
        return {
            "route": self.route.title,
            "connections": self.connection_count,
            "node": self.node.as_json(),
            "bare": self.bare.as_json(),
            "ratio": median(self.ratios),
            "ratio_low": min(self.ratios),
            "ratio_high": max(self.ratios),
            "cpu_ratio": median(self.cpu_ratios),
        }


@dataclass(frozen=True, slots=True)
class Server:
    """One process with both sides."""

    process: AgentProcess
    ports: dict[str, int]

    def load(self, side: str, comparison: Comparison, load: LoadRoute, load_s: float) -> None:
        """Load one side of a comparison once."""
        used = read_used(self.process.pid)
        got = load(self.ports[side], comparison.route.path, comparison.connection_count, load_s)
        cpu_s = read_used(self.process.pid).cpu_s_since(used)
        (comparison.node if side == "node" else comparison.bare).add(got, cpu_s)


def compare_routes(scale: Scale) -> tuple[str, list[Comparison]]:
    """Load every route by every number of connections, node and bare in turn; also name the client."""
    client, load = best_client()
    progress = Progress("http")
    comparisons = [Comparison(route, count) for route in scale.routes for count in scale.connection_counts]
    with TemporaryDirectory(prefix="shoal-") as directory, ExitStack() as stack:
        servers = dict(_start_servers(Path(directory), scale.routes, stack))
        for number in range(1, scale.rounds + 1):
            for comparison in comparisons:
                progress.say_sometimes(f"round {number} of {scale.rounds}: {comparison.route.title}")
                for side in ("node", "bare") if number % 2 else ("bare", "node"):
                    servers[comparison.route.member_count].load(side, comparison, load, scale.load_s)
    return client, comparisons


def _start_servers(directory: Path, routes: Sequence[Route], stack: ExitStack) -> Iterator[tuple[int, Server]]:
    """Start one server per number of members."""
    for count in dict.fromkeys(route.member_count for route in routes):
        paths = [route.path for route in routes if route.member_count == count]
        log = directory / f"{count}.log"
        program = ("-m", "benchmarks.http.server", str(directory / f"data-{count}"), str(count))
        process = start_process((sys.executable, *program, *paths), log)
        stack.callback(process.process.wait)
        stack.callback(process.process.kill)
        yield count, Server(process, wait_for_ports(process, log))


def format_comparisons(comparisons: Sequence[Comparison]) -> str:
    """Lay them out as a table: rates in requests a second, latencies in milliseconds, CPU in microseconds."""
    width = max(len(one.route.title) for one in comparisons)
    head = f"{'':<{width}}  {'conns':>5}  {'node/s':>7} {'p50':>7} {'p99':>7} {'CPU us':>7}  "
    lines = [f"{head}{'bare/s':>7} {'p50':>7} {'p99':>7} {'CPU us':>7}  node/bare"]
    for one in comparisons:
        sides = "  ".join(
            f"{side['requests_per_s']:>7,.0f} {side['p50_ms']:>7.2f} {side['p99_ms']:>7.2f} {side['cpu_us']:>7.0f}"
            for side in (one.node.as_json(), one.bare.as_json())
        )
        ratio = f"{median(one.ratios):.0%} [{min(one.ratios):.0%} .. {max(one.ratios):.0%}]"
        ratio += f"; by CPU {median(one.cpu_ratios):.0%}"
        lines.append(f"{one.route.title:<{width}}  {one.connection_count:>5}  {sides}  {ratio}")
    return "\n".join(lines)
