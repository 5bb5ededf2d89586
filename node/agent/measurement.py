"""The node's figures, as /metrics and Nomad's metrics route give them."""

import time
from collections.abc import Mapping

from api.view import Histogram, Metric, Sample
from node.driver import LATENESS_BUCKETS_S
from node.node import Node
from protocol.status import Status
from protocol.ulid import format_ulid


def measure(node: Node) -> tuple[Metric, ...]:
    """Read every figure once."""
    return (*_membership(node), *_license(node), *_engine(node), *_traffic(node))


def _gauge(name: str, help: str, value: float) -> Metric:
    return Metric(name, help, "gauge", (Sample(float(value)),))


def _counter(name: str, help: str, value: float) -> Metric:
    return Metric(name, help, "counter", (Sample(float(value)),))


def _labelled(name: str, help: str, label: str, values: Mapping[str, float]) -> Metric:
    return Metric(name, help, "counter", tuple(Sample(float(v), {label: k}) for k, v in values.items()))


def _membership(node: Node) -> tuple[Metric, ...]:
    counts = dict.fromkeys(Status, 0)
    rtts = []
    for member in node.membership:
        counts[member.status] += 1
        rtt_s = node.engine.round_trip_s(member.id)
        if rtt_s is not None and member.is_live:
            labels = {"member": node.membership.shown_name(member), "id": format_ulid(member.id)}
            rtts.append(Sample(rtt_s, labels))
    members = tuple(Sample(float(count), {"status": status.value}) for status, count in counts.items())
    return (
        Metric("shoal_members", "Members on the list, by status.", "gauge", members),
        Metric("shoal_probe_rtt_seconds", "Smoothed round trip of direct probes.", "gauge", tuple(rtts)),
        _gauge(
            "shoal_revocations",
            "Ids that are out of the cluster.",
            sum(1 for word in node.membership.revocations.listing() if word.revoked),
        ),
        _gauge("shoal_awareness", "Local health score: 0 is healthy.", node.engine.core.awareness.score),
    )


def _license(node: Node) -> tuple[Metric, ...]:
    """Give the license's figures; none under the open license, and no expiry where there is none."""
    license = node.licensing.current
    if license is None:
        return ()
    figures = [
        _gauge("shoal_license_max_nodes", "Members that the license allows.", license.max_nodes),
        _gauge("shoal_license_seats_taken", "Members that count for it.", node.membership.seats_taken),
    ]
    if license.expires_at_ms is not None:
        left_s = license.expires_at_ms / 1000 - time.time()
        figures.append(_gauge("shoal_license_expires_seconds", "Time until it expires; negative after.", left_s))
    return tuple(figures)


def _engine(node: Node) -> tuple[Metric, ...]:
    counters, lateness = node.engine.counters, node.driver.lateness
    buckets, total = [], 0
    for bound, count in zip(LATENESS_BUCKETS_S, lateness.counts, strict=False):
        total += count
        buckets.append((bound, total))
    late = Histogram(tuple(buckets), sum(lateness.counts), lateness.total_s)
    return (
        _counter("shoal_probes_total", "Probes begun.", counters.probes),
        _counter("shoal_probe_failures_total", "Probes that ended without an answer.", counters.probe_failures),
        _counter("shoal_suspicions_total", "Members that became suspect here.", counters.suspicions),
        _counter("shoal_refutations_total", "Times this node refuted a charge.", counters.refutations),
        _counter("shoal_failures_total", "Members that this node held failed.", counters.failures),
        _counter("shoal_syncs_total", "Syncs started.", counters.syncs),
        _counter("shoal_stalls_total", "Times this node itself did not run in time.", counters.stalls),
        _counter("shoal_retries_total", "Attempts at members that are not live.", counters.retries),
        _gauge("shoal_rumor_queue", "Rumors waiting to be told.", len(node.engine.core.rumors)),
        Metric("shoal_timer_lateness_seconds", "How late the engine's timers were served.", "histogram", (late,)),
    )


def _traffic(node: Node) -> tuple[Metric, ...]:
    traffic = node.driver.datagrams.traffic
    drops = {reason.value: float(count) for reason, count in node.driver.drops.items()}
    return (
        _labelled(
            "shoal_datagrams_total",
            "Datagrams, by direction.",
            "direction",
            {"in": traffic.datagrams_in, "out": traffic.datagrams_out},
        ),
        _labelled(
            "shoal_bytes_total",
            "Bytes in datagrams, by direction.",
            "direction",
            {"in": traffic.bytes_in, "out": traffic.bytes_out},
        ),
        _labelled("shoal_datagrams_dropped_total", "Datagrams that said nothing to us, by reason.", "reason", drops),
        _counter(
            "shoal_datagrams_lost_total",
            "Datagrams that found the socket's buffer full (Linux; 0 elsewhere).",
            node.driver.datagrams.kernel_drops or 0,
        ),
        _labelled("shoal_handshakes_total", "Handshakes, by result.", "result", node.streams.handshakes),
    )
