"""The tracker's status as Prometheus reads it: the very figures that the console shows."""

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from tracker.api_values import TrackerStatus

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_PREFIX = "p2ptui_tracker_"


def metrics_text(status: TrackerStatus) -> bytes:
    """The exposition of a status, in the text format."""
    return generate_latest(_Collector(status))


class _Collector(Collector):
    """One status, collected once: nothing is counted here a second time."""

    def __init__(self, status: TrackerStatus) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """All metrics, in a fixed order."""
        status = self._status
        info = {"version": status.version, "swarm": status.name, "fingerprint": status.pin}
        yield InfoMetricFamily(_PREFIX.rstrip("_"), "The tracker that answers.", value=info)
        yield from (_gauge(name, text, value) for name, text, value in _gauges(status))
        yield from (_counter(name, text, value) for name, text, value in _counters(status))
        yield _search_times(status)


def _gauges(status: TrackerStatus) -> tuple[tuple[str, str, float], ...]:
    return (
        ("hosts", "Members that are online.", status.hosts),
        ("known_hosts", "Members in the index, online or not.", status.known),
        ("entries", "Files that members online offer, one for each member.", status.files),
        ("contents", "Different contents that members online offer.", status.contents),
        ("shared_bytes", "Bytes that members online offer.", status.bytes),
        ("memory_bytes", "Memory of the process.", status.memory_bytes),
        ("index_bytes", "Size of the index on disk.", status.index_bytes),
        ("loop_lag_seconds", "Worst delay of the loop in ten seconds.", status.loop_lag_ms / 1e3),
        ("uptime_seconds", "Time since the start.", status.uptime_s),
        ("consoles", "Consoles that follow the tracker.", status.front_ends),
        ("open", "1: private addresses may join without an invite.", status.open),
        ("draining", "1: nobody new is let in.", status.draining),
        ("index_impaired", "1: something is wrong with the index.", bool(status.index_notice)),
    )


def _counters(status: TrackerStatus) -> tuple[tuple[str, str, float], ...]:
    return (
        ("searches", "Searches that were answered.", status.searches),
        ("announced_entries", "Files that were added or removed.", status.announced),
        ("messages", "Messages of members.", status.messages),
        ("fetched_files", "Files that members told they had fetched.", status.fetched),
        ("fetched_bytes", "Bytes that those brought from members.", status.fetched_bytes),
        ("relayed_bytes", "Bytes of members that were relayed.", status.relayed_bytes),
        ("dropped_connections", "Connections that were closed for a fault.", status.dropped),
    )


def _search_times(status: TrackerStatus) -> Metric:
    """Quantiles as gauges: they are those of the last thousand searches, not of all."""
    metric = GaugeMetricFamily(
        f"{_PREFIX}search_seconds",
        "Time that searches take, of the last thousand.",
        labels=("quantile",),
    )
    metric.add_metric(("0.5",), status.search_p50_ms / 1e3)
    metric.add_metric(("0.99",), status.search_p99_ms / 1e3)
    return metric


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(_PREFIX + name, text, value=float(value))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(_PREFIX + name, text, value=float(value))
