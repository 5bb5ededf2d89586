"""One node flooded flat out by a member, while it probes three others.

The node runs in this process with its tasks and its data directory, without HTTP; the three are real agents,
and the flooder is a process too. What the kernel had no room for is what the flooder sent and the node
did not receive; timers are counted as served, with how late they were.
"""

import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, process_time

import trio

from benchmarks.agent_process import ROOT, Cluster, open_cluster
from benchmarks.figure import Figure, figure
from benchmarks.lateness import RecordingLateness, lateness_figures
from benchmarks.micro.scale import Scale
from benchmarks.process_cost import read_udp_drops
from benchmarks.progress import Progress
from node import Config, Node, open_node
from protocol.security.opening import DropReason
from protocol.swim.effect import ChangeKind
from protocol.ulid import MemberId

PEER_COUNT = 3
MEETING_MAX_S = 20.0
AFTERMATH_S = 1.0
"""What is still in the socket at the end, and probes under way, get this long."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The node's counters at one moment."""

    at: float
    cpu_s: float
    received: int
    kernel_drops: int
    probes: int
    probe_failures: int
    stalls: int
    refutations: int
    drops: dict[DropReason, int]


def measure(scale: Scale) -> Iterator[Figure]:
    """Flood, and tell how the node fared."""
    logging.getLogger("shoal").setLevel(logging.CRITICAL)  # what becomes of members is counted below
    with TemporaryDirectory(prefix="shoal-") as directory, open_cluster(Path(directory)) as cluster:
        for _ in range(PEER_COUNT):
            cluster.start(http=False)
        yield from trio.run(_measure, cluster, Path(directory), scale.flood_s)


async def _measure(cluster: Cluster, directory: Path, duration_s: float) -> list[Figure]:
    config = Config.lan(
        name="flooded",
        bind="127.0.0.1:0",
        http="off",
        data_dir=directory / "flooded",
        key_file=cluster.key_file,
        log_level="error",
        early_probe=False,  # so that each probe begins with a timer, however often the flooder pings
    )
    async with open_node(config) as node:
        lateness = node.driver.lateness = RecordingLateness()
        await _gather(node, cluster)
        target_file = directory / "target"
        target_file.write_bytes(node.engine.local.record.raw)
        command = [
            sys.executable,
            "-m",
            "benchmarks.micro.flooder",
            str(cluster.key_file),
            str(target_file),
            str(duration_s),
        ]
        flooder = await trio.lowlevel.open_process(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=str(ROOT)
        )
        try:
            return await _flood(node, flooder, lateness, duration_s)
        finally:
            if flooder.poll() is None:
                flooder.kill()
            await flooder.wait()


async def _gather(node: Node, cluster: Cluster) -> None:
    """Join, and wait until all are there and no rumor is left.

    Raises:
        trio.TooSlowError: that takes too long.
    """
    seed = f"127.0.0.1:{cluster.agents[0].gossip_port}"
    with trio.fail_after(MEETING_MAX_S):
        for pause_s in repeat(0.1):
            if any(attempt.joined for attempt in await node.join([seed])):
                break
            await trio.sleep(pause_s)
        for pause_s in repeat(0.05):
            if node.membership.live_count > PEER_COUNT and not len(node.engine.core.rumors):
                break
            await trio.sleep(pause_s)


async def _flood(node: Node, flooder: trio.Process, lateness: RecordingLateness, duration_s: float) -> list[Figure]:
    progress = Progress("flood")
    flooder_id = MemberId(bytes.fromhex((await _read_line(flooder)).removeprefix("ready ")))
    progress.say(f"flat out for {duration_s:g} s")
    lateness.samples.clear()
    before = _read(node)
    if flooder.stdin is not None:
        await flooder.stdin.send_all(b"\n")
    while (passed := monotonic() - before.at) < duration_s:
        progress.say_sometimes(f"{passed:.0f} s of {duration_s:g} s")
        await trio.sleep(min(0.5, duration_s - passed))
    after = _read(node)
    sent = int(await _read_line(flooder))
    await trio.sleep(AFTERMATH_S)
    return list(_figures(node, before, after, sent, list(lateness.samples), flooder_id))


async def _read_line(flooder: trio.Process) -> str:
    """Read one line of the flooder's.

    Raises:
        RuntimeError: it ended.
        trio.TooSlowError: it says nothing.
    """
    line = b""
    with trio.fail_after(MEETING_MAX_S):
        while flooder.stdout is not None and not line.endswith(b"\n"):
            data = await flooder.stdout.receive_some()
            if not data:
                raise RuntimeError(f"the flooder ended with {await flooder.wait()}")
            line += data
    return line.decode().strip()


def _read(node: Node) -> Reading:
    counters = node.engine.counters
    return Reading(
        at=monotonic(),
        cpu_s=process_time(),
        received=node.driver.datagrams.traffic.datagrams_in,
        kernel_drops=read_udp_drops(node.driver.datagrams.address.port),
        probes=counters.probes,
        probe_failures=counters.probe_failures,
        stalls=counters.stalls,
        refutations=counters.refutations,
        drops=dict(node.driver.drops),
    )


def _figures(
    node: Node, before: Reading, after: Reading, sent: int, late_s: list[float], flooder: MemberId
) -> Iterator[Figure]:
    duration_s = after.at - before.at
    received = after.received - before.received
    yield figure("sent by the flooder", "1/s", [sent / duration_s])
    yield figure("handled", "1/s", [received / duration_s])
    yield figure("dropped by the kernel", "1/s", [(after.kernel_drops - before.kernel_drops) / duration_s])
    yield figure("CPU per datagram handled", "us", [(after.cpu_s - before.cpu_s) / max(1, received) * 1e6])
    for reason, count in after.drops.items():
        if count > before.drops[reason]:
            yield figure(f"dropped as {reason.value}", "1/s", [(count - before.drops[reason]) / duration_s])
    yield figure("probes begun", "1/s", [(after.probes - before.probes) / duration_s], note="one a second is on time")
    yield figure("probes that failed", "", [after.probe_failures - before.probe_failures])
    yield from lateness_figures(late_s)
    yield figure("stalls noticed", "", [after.stalls - before.stalls])
    yield figure("healthy members accused", "", [_accused(node, flooder)], at_most=0)
    yield figure("accusations refuted", "", [after.refutations - before.refutations], note="made against this node")


def _accused(node: Node, flooder: MemberId) -> int:
    """Count how often this node or others accused one of the three, as far as this node knows."""
    return sum(
        evidence.event == ChangeKind.SUSPECT.value
        for member in node.membership
        if member.id not in (flooder, node.membership.own_id)
        for evidence in member.evidence
    )
