"""The metrics in the formats of Prometheus: the one module that knows prometheus_client.

Its own collectors are not used: ProcessCollector yields nothing where /proc/stat is hidden, as
syncd's units do.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from syncd.monitoring.figures import Figures, Histogram
from syncd.monitoring.metrics import METRICS, Kind
from syncd.monitoring.page import Page

_FAMILIES = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
}


class _Figures(Collector):
    def __init__(self, figures: Figures, prefix: str) -> None:
        self._figures = figures
        self._metrics = [metric for metric in METRICS if metric.name.startswith(prefix)]

    def collect(self) -> Iterator[Metric]:
        for metric in self._metrics:
            family = _FAMILIES[metric.kind](metric.name, metric.help, labels=metric.labels)
            for labels, value in metric.series(self._figures):
                if isinstance(family, HistogramMetricFamily):
                    assert isinstance(value, Histogram)  # noqa: S101  as its kind is
                    family.add_metric(labels, *_buckets(value))
                elif value is not None:
                    assert not isinstance(value, Histogram)  # noqa: S101  the same
                    family.add_metric(labels, value)
            if family.samples:
                yield family


def metrics_page(figures: Figures, accept: str) -> Page:
    """Return the metrics in a format that a header Accept names; by default in the text format."""
    encode, content_type = choose_encoder(accept)
    return Page(200, encode(_registry(figures)), content_type)


def textfile(figures: Figures) -> bytes:
    """Return the metrics for node_exporter, which has process_* metrics about itself already."""
    return generate_latest(_registry(figures, prefix="syncd_"))


def _registry(figures: Figures, prefix: str = "") -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(figures, prefix))
    return registry


def _buckets(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    """Return the counts up to each bound, and the sum of all observations."""
    buckets, below = [], 0
    bounds = [*map(str, histogram.bounds), "+Inf"]
    for bound, count in zip(bounds, histogram.counts, strict=True):
        below += count
        buckets.append((bound, float(below)))
    return buckets, histogram.total
