"""A folder that is fetched as one job: its record, and what becomes of its files. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from p2ptui.base.ids import TransferId
from p2ptui.node.api import TransferRow, TransferState
from p2ptui.node.download import Download
from p2ptui.node.history import parts_of, with_parts
from p2ptui.node.rows import record_row
from p2ptui.node.store_values import TransferRecord

_WORDS: tuple[TransferState, ...] = (
    "active", "finishing", "no_space", "locating", "stalled", "queued", "paused",
)  # fmt: skip
"""States of files, the one that tells most of the whole first."""


@dataclass(slots=True, eq=False)
class FolderJob:
    """A job that is not over. Times are monotonic seconds."""

    record: TransferRecord
    began: float
    open: dict[TransferId, Download] = field(default_factory=dict)
    """Its files that are not over."""
    failed: int = 0
    cancelled: int = 0

    @property
    def files_done(self) -> int:
        """Files that are here."""
        return self.record.files - len(self.open) - self.failed - self.cancelled

    @property
    def done(self) -> int:
        """Bytes that are here; of files that ended without success nothing counts."""
        left = sum(each.record.size for each in self.open.values())
        come = sum(
            min(each.fetch.done if each.fetch is not None else each.record.done, each.record.size)
            for each in self.open.values()
        )
        return max(0, self.record.size - left + come)

    @property
    def state(self) -> TransferState:
        """In a word what its files do."""
        states = {
            each.fetch.state if each.fetch is not None else each.record.state
            for each in self.open.values()
        }
        return next((word for word in _WORDS if word in states), "finishing")

    def note(self, **changes: object) -> None:
        """Change its record."""
        self.record = msgspec.structs.replace(self.record, **changes)

    def rest(self, now: float) -> None:
        """Count the time until now."""
        self.note(seconds=self.record.seconds + now - self.began)
        self.began = now

    def take(self, downloads: Iterable[Download]) -> None:
        """These of its files are to be fetched."""
        self.open.update({each.record.id: each for each in downloads})

    def over(self, record: TransferRecord) -> bool:
        """A file is over; whether it was one of ours that was not."""
        if self.open.pop(record.id, None) is None:
            return False
        self.failed += record.state == "failed"
        self.cancelled += record.state == "cancelled"
        self.note(peers=with_parts(self.record.peers, parts_of(record.peers)))
        if record.state != "finished":
            self.note(size=max(0, self.record.size - record.size))
        return True

    def row(self, now: float) -> TransferRow:
        """As front-ends see it."""
        fetches = [each.fetch for each in self.open.values() if each.fetch is not None]
        rate = sum(round(fetch.meter.rate(now)) for fetch in fetches if fetch.state == "active")
        done, state = self.done, self.state
        reasons = (fetch.reason for fetch in fetches if fetch.state == state and fetch.reason)
        running = 0.0 if state == "paused" else now - self.began
        return msgspec.structs.replace(
            record_row(self.record),
            done=done,
            rate_bps=rate,
            state=state,
            reason=next(reasons, ""),
            sources=sum(fetch.active for fetch in fetches),
            known=max((len(fetch.sources) for fetch in fetches), default=0),
            eta_s=round((self.record.size - done) / rate, 1) if rate else None,
            seconds=round(self.record.seconds + running, 3),
            files_done=self.files_done,
        )
