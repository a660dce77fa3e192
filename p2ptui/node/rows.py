"""Rows: transfers and sources as front-ends see them. Pure: the time is an argument."""

import msgspec

from p2ptui.base.addresses import format_address
from p2ptui.base.ids import TransferId, content_id_text, short_peer_id
from p2ptui.node.api import PeerPart, SourceRow, StoryLine, TransferDetail, TransferRow
from p2ptui.node.download import Download
from p2ptui.node.fetch import Fetch
from p2ptui.node.history import parts_of, with_parts
from p2ptui.node.source import Source
from p2ptui.node.store_values import TransferRecord
from p2ptui.node.uploads import Upload

TWIN = "the same content comes already, in another transfer"


def record_row(record: TransferRecord) -> TransferRow:
    """A transfer that is over, or waits."""
    peers = parts_of(record.peers)
    return TransferRow(
        id=record.id,
        direction=record.direction,
        name=record.name,
        content_id=content_id_text(record.content) if record.content else "",
        size=record.size,
        done=record.done,
        rate_bps=0,
        state=record.state,
        # Of a folder job the column of the sources counts the files that are done.
        sources=len(peers) if record.files else record.sources,
        known=0,
        reason=record.reason,
        path=record.path,
        peer=record.peer,
        started=record.started,
        finished=record.finished,
        seconds=round(record.seconds, 3),
        priority=record.priority,
        peers=peers,
        files=record.files,
        files_done=record.sources if record.files else 0,
        job=record.job,
        host=record.host,
        remote=record.remote,
    )


def download_row(download: Download, now: float, turn: int = 0) -> TransferRow:
    """A download that is not over; `now` in monotonic seconds, `turn` its place if it waits."""
    record, fetch = download.record, download.fetch
    if fetch is None:
        row = record_row(record)
        if download.twin and row.state == "queued":
            return msgspec.structs.replace(row, reason=TWIN)
        return msgspec.structs.replace(row, turn=turn) if turn else row
    rate = round(fetch.meter.rate(now)) if fetch.state == "active" else 0
    done = fetch.done
    return TransferRow(
        id=record.id,
        direction="down",
        name=record.name,
        content_id=content_id_text(record.content),
        size=record.size,
        done=done,
        rate_bps=rate,
        state=fetch.state,
        sources=fetch.active,
        known=max(fetch.known, len(fetch.sources)),
        place=queue_place(fetch),
        reason=fetch.reason,
        eta_s=round((record.size - done) / rate, 1) if rate > 0 else None,
        started=record.started,
        seconds=round(record.seconds + now - download.began - fetch.waited_s(now), 3),
        priority=record.priority,
        job=record.job,
        retry=next_try(fetch, now),
    )


def next_try(fetch: Fetch, now: float) -> float | None:
    """When a source is tried again, in whole seconds since 1970; None: none waits for that."""
    if fetch.state != "stalled":
        return None
    tries = [
        source.next_try
        for source in fetch.sources.values()
        if source.offered and source.state in {"failed", "idle"}
    ]
    left = min(tries, default=now) - now
    return float(round(fetch.tools.clock.wall() + left)) if left > 0 else None


def queue_place(fetch: Fetch) -> int:
    """Its best place in the queue of a source; 0 while one serves it, or none has a queue."""
    sources = [source for source in fetch.sources.values() if source.state == "active"]
    if any(source.owed and not source.place for source in sources):
        return 0
    return min((source.place for source in sources if source.place), default=0)


def upload_row(upload: Upload, now: float) -> TransferRow:
    """An upload in progress; `now` in monotonic seconds."""
    rate = round(upload.meter.rate(now))
    left = max(upload.size - upload.sent, 0)
    return TransferRow(
        id=upload.id,
        direction="up",
        name=upload.name,
        content_id=content_id_text(upload.content) if upload.content else "",
        size=upload.size,
        done=min(upload.sent, upload.size),
        rate_bps=rate,
        state="active",
        sources=0,
        known=0,
        peer=peer_text(upload),
        eta_s=round(left / rate, 1) if rate > 0 and left else None,
        started=upload.started_wall,
        seconds=round(now - upload.started, 3),
    )


def upload_detail(upload: Upload, now: float, path: str) -> TransferDetail:
    """An upload in progress, and how its taker is connected with us."""
    row = upload_row(upload, now)
    taker = SourceRow(
        peer_id=upload.peer,
        nick=upload.nick,
        addresses=(),
        state="active",
        done=row.done,
        rate_bps=row.rate_bps,
        path=path,
    )
    return TransferDetail(row=row, sources=(taker,), chunks=0, bitmap=b"")


def upload_record(upload: Upload, wall: float) -> TransferRecord:
    """An upload that is over, for the history."""
    return TransferRecord(
        id=TransferId(0),
        direction="up",
        content=upload.content,
        name=upload.name,
        size=upload.size,
        done=min(upload.sent, upload.size),
        state="finished",
        peer=peer_text(upload),
        peers=with_parts(b"", [PeerPart(peer_id=upload.peer, nick=upload.nick, bytes=upload.sent)]),
        started=upload.started_wall,
        finished=wall,
        seconds=upload.last - upload.started,
    )


def peer_text(upload: Upload) -> str:
    """`anna (yuq23opp)`: never the nickname alone."""
    return f"{upload.nick} ({short_peer_id(upload.peer)})"


def detail(download: Download, now: float, turn: int = 0) -> TransferDetail:
    """A download with all its sources and its chunk map; `turn` as in `download_row`."""
    fetch = download.fetch
    picker = fetch.picker if fetch is not None else None
    return TransferDetail(
        row=download_row(download, now, turn),
        sources=source_rows(fetch, now) if fetch is not None else (),
        chunks=len(picker.have) if picker is not None else 0,
        bitmap=picker.have.to_bytes() if picker is not None else b"",
    )


def source_rows(fetch: Fetch, now: float) -> tuple[SourceRow, ...]:
    """All sources of a download that runs."""
    return tuple(_source_row(fetch, source, now) for source in fetch.sources.values())


def past_source_rows(fetch: Fetch, now: float) -> tuple[SourceRow, ...]:
    """What its sources have been to a download that runs no more."""
    return tuple(
        msgspec.structs.replace(
            row,
            state=row.state if row.state in {"failed", "dropped"} else "",
            rate_bps=0,
            percent=None,
            retry_s=None,
        )
        for row in source_rows(fetch, now)
    )


def _source_row(fetch: Fetch, source: Source, now: float) -> SourceRow:
    picker = fetch.picker
    # Of an owner as well not all may be seen yet: it spreads its chunks over several takers.
    has = picker.fraction(source.peer) if picker is not None and source.partial else None
    waits = source.offered and source.state in {"failed", "idle"}
    return SourceRow(
        peer_id=source.peer,
        nick=source.nick,
        addresses=tuple(format_address(e.host, e.port) for e in source.endpoints),
        state=source.state,
        reason=source.reason,
        done=source.done,
        rate_bps=round(source.meter.rate(now)) if source.state == "active" else 0,
        partial=source.partial,
        path=fetch.tools.peers.path(source.peer) or "",
        percent=None if has is None else round(has * 100, 1),
        story=tuple(StoryLine(time=time, text=text) for time, text in source.tried),
        retry_s=round(max(source.next_try - now, 0.0), 1) if waits else None,
    )
