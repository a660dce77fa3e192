"""Events of downloads, made of their records. Pure: the time is an argument, since 1970."""

from pathlib import Path

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import content_id_text
from p2ptui.node import events
from p2ptui.node.fetch import Fetch
from p2ptui.node.source import Source
from p2ptui.node.store_values import TransferRecord


def started(record: TransferRecord, fetch: Fetch, time: float) -> events.FetchStarted:
    """The size is known and the partial open."""
    return events.FetchStarted(
        time=time,
        id=record.id,
        name=record.name,
        content_id=content_id_text(record.content),
        bytes=record.size,
        resumed=fetch.done,
    )


def state_changed(
    record: TransferRecord, time: float, before: str = ""
) -> events.FetchStateChanged:
    """It paused, stalled, went on or was cancelled."""
    return events.FetchStateChanged(
        time=time,
        id=record.id,
        name=record.name,
        state=record.state,
        reason=record.reason,
        before=before,
    )


def source_lost(fetch: Fetch, source: Source, time: float) -> events.SourceLost:
    """A source went away or was dropped."""
    return events.SourceLost(
        time=time,
        id=fetch.job.id,
        peer_id=source.peer,
        nick=source.nick,
        reason=source.reason,
    )


def finished(record: TransferRecord, path: Path, time: float) -> events.FetchFinished:
    """The file lies under its final name."""
    return events.FetchFinished(
        time=time,
        id=record.id,
        name=path.name,
        content_id=content_id_text(record.content),
        path=str(path),
        bytes=record.size,
        seconds=round(record.seconds, 3),
        sources=record.sources,
    )


def failed(record: TransferRecord, error: P2PError, time: float) -> events.FetchFailed:
    """It ended without success."""
    return events.FetchFailed(
        time=time,
        id=record.id,
        name=record.name,
        content_id=content_id_text(record.content),
        reason=str(error),
        hint=error.hint,
        exit_code=int(error.exit_code),
    )
