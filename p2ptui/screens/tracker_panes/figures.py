"""The tracker's figures in words: the six that are always seen, and all of them. Pure."""

from p2ptui.base.text import format_bytes, format_count, format_duration
from p2ptui.widgets.figures import Figure
from p2ptui.widgets.table_rows import Tone
from tracker.api import TrackerStatus

LATE_MS = 100.0
"""A loop that lags so much is felt by members."""


def six(status: TrackerStatus) -> list[Figure]:
    """What is always seen."""
    return [
        Figure("Files", format_count(status.files)),
        Figure("Shared", format_bytes(status.bytes)),
        Figure("Searches", format_count(status.searches)),
        Figure("p99", milliseconds(status.search_p99_ms)),
        Figure("Dropped", format_count(status.dropped), "warn" if status.dropped else "bold"),
        Figure("Memory", format_bytes(status.memory_bytes)),
    ]


def all_figures(status: TrackerStatus) -> list[Figure]:
    """All, those that belong together side by side."""
    return [
        Figure("Online", format_count(status.hosts)),
        Figure("Known", format_count(status.known)),
        Figure("Slow", format_count(status.slow), _bad_if(status.slow, "warn")),
        Figure("Silent", format_count(status.silent), _bad_if(status.silent, "bad")),
        Figure("Files", format_count(status.files)),
        Figure("Contents", format_count(status.contents)),
        Figure("Shared", format_bytes(status.bytes)),
        Figure("Index", format_bytes(status.index_bytes)),
        Figure("Searches", format_count(status.searches)),
        Figure("a second", rate(status.searches_s)),
        Figure("p50", milliseconds(status.search_p50_ms)),
        Figure("p99", milliseconds(status.search_p99_ms)),
        Figure("Announces/s", rate(status.announces_s)),
        Figure("Dropped", format_count(status.dropped), _bad_if(status.dropped, "warn")),
        Figure("Memory", format_bytes(status.memory_bytes)),
        Figure(
            "Loop lag",
            milliseconds(status.loop_lag_ms),
            _bad_if(status.loop_lag_ms >= LATE_MS, "warn"),
        ),
        Figure("Fetched", format_bytes(status.fetched_bytes)),
        Figure("Relayed", format_bytes(status.relayed_bytes)),
        Figure("Up", uptime(status.uptime_s)),
        Figure("Consoles", format_count(status.front_ends)),
    ]


def _bad_if(trouble: float, tone: Tone) -> Tone:
    return tone if trouble else "bold"


def milliseconds(value: float) -> str:
    """`4.1 ms`, `240 ms`."""
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"


def rate(value: float) -> str:
    """`0.4`, `38`, `1 204`: so many a second."""
    return f"{value:.1f}" if value < 10 else format_count(round(value))


def uptime(seconds: float) -> str:
    """`04:12`, `6 d 04:12`; below an hour in words, so that it moves."""
    whole = int(seconds)
    if whole < 3600:
        return format_duration(float(whole)) if whole >= 10 else f"{whole} s"
    days, rest = divmod(whole, 86400)
    clock = f"{rest // 3600:02d}:{rest % 3600 // 60:02d}"
    return f"{days} d {clock}" if days else clock
