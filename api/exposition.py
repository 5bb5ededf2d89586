"""Prometheus' text format, from the node's measurements and the façade's own."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from api.answer import RawResponse
from api.middleware import RequestCounter
from api.view import Histogram, Metric, NodeView, Sample

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


def http_metric(counter: RequestCounter) -> Metric:
    """Make the façade's own counter."""
    return Metric(
        name="shoal_http_requests_total",
        help="HTTP requests answered, by status.",
        kind="counter",
        samples=tuple(
            Sample(float(count), {"code": str(status)}) for status, count in sorted(counter.by_status.items())
        ),
    )


def exposition_answer(view: NodeView, counter: RequestCounter) -> RawResponse:
    """Answer with every measurement as it is now."""
    registry = CollectorRegistry()
    registry.register(_NodeCollector((*view.counters(), http_metric(counter))))
    return RawResponse(generate_latest(registry), 200, CONTENT_TYPE_PLAIN_0_0_4)


class _NodeCollector(Collector):
    """Hands one snapshot of measurements to prometheus-client, which writes the text."""

    def __init__(self, metrics: tuple[Metric, ...]) -> None:
        self._metrics = metrics

    def describe(self) -> Iterator[Family]:
        """Promise nothing: the registry lives for one answer."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """Give each family with its samples."""
        return map(_family, self._metrics)


def _family(metric: Metric) -> Family:
    names = sorted({name for sample in metric.samples for name in sample.labels})
    family: Family
    if metric.kind == "counter":
        family = CounterMetricFamily(metric.name, metric.help, labels=names)
    elif metric.kind == "gauge":
        family = GaugeMetricFamily(metric.name, metric.help, labels=names)
    else:
        family = HistogramMetricFamily(metric.name, metric.help, labels=names)
    for sample in metric.samples:
        values = [sample.labels.get(name, "") for name in names]
        if isinstance(sample, Histogram):
            _add_histogram(family, values, sample)
        elif not isinstance(family, HistogramMetricFamily):
            family.add_metric(values, sample.value)
    return family


def _add_histogram(family: Family, values: list[str], histogram: Histogram) -> None:
    if not isinstance(family, HistogramMetricFamily):
        return
    buckets = [(_bound(bound), float(count)) for bound, count in histogram.buckets]
    if not buckets or buckets[-1][0] != "+Inf":
        buckets.append(("+Inf", float(histogram.count)))
    family.add_metric(values, buckets=buckets, sum_value=histogram.sum)


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else repr(float(bound))
