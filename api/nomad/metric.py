"""Measurements in the shape of /v1/metrics, which is that of go-metrics' in-memory sink."""

from datetime import UTC, datetime
from typing import Any

from api.view import Histogram, Metric, Sample


def metrics_answer(metrics: tuple[Metric, ...], now: float, uptime_s: float) -> dict[str, Any]:
    """Shape all of them; `now` is wall time.

    A Nomad counts per interval of ten seconds; here Count and Sum are since the start and Rate is
    their mean per second. Of a histogram Min and Max are the bounds of its outermost used buckets.
    """
    gauges: list[dict[str, Any]] = []
    counters: list[dict[str, Any]] = []
    samples: list[dict[str, Any]] = []
    seconds = max(uptime_s, 1.0)
    for metric in metrics:
        for sample in metric.samples:
            if isinstance(sample, Histogram):
                samples.append(_sampled(metric.name, sample, seconds))
            elif metric.kind == "counter":
                counters.append(_counted(metric.name, sample, seconds))
            else:
                gauges.append({"Labels": dict(sample.labels), "Name": metric.name, "Value": sample.value})
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
    return {"Counters": counters, "Gauges": gauges, "Points": [], "Samples": samples, "Timestamp": stamp}


def _counted(name: str, sample: Sample, seconds: float) -> dict[str, Any]:
    any_counted = 1.0 if sample.value else 0.0
    return {
        "Count": int(sample.value),
        "Labels": dict(sample.labels),
        "Max": any_counted,
        "Mean": any_counted,
        "Min": any_counted,
        "Name": name,
        "Rate": sample.value / seconds,
        "Stddev": 0.0,
        "Sum": sample.value,
    }


def _sampled(name: str, histogram: Histogram, seconds: float) -> dict[str, Any]:
    lowest = highest = below = 0.0
    counted = 0
    for bound, count in histogram.buckets:
        if count > counted:
            lowest = below if counted == 0 else lowest
            highest = bound if bound != float("inf") else below
        counted, below = count, bound
    return {
        "Count": histogram.count,
        "Labels": dict(histogram.labels),
        "Max": highest,
        "Mean": histogram.sum / histogram.count if histogram.count else 0.0,
        "Min": lowest,
        "Name": name,
        "Rate": histogram.sum / seconds,
        "Stddev": 0.0,
        "Sum": histogram.sum,
    }
