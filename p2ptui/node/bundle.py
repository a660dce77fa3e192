"""Bundle: small files of a folder job that are brought together. Values and rules; no I/O."""

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from p2ptui.base.ids import PeerId
from p2ptui.base.rates import RateMeter
from p2ptui.node.download import Download
from p2ptui.node.source import PROVING_SHARE, READ_BYTES, SLOW_BPS, SLOW_S

SMALL_BYTES = 256 * 1024
"""Size up to which a file of a folder job comes in a bundle."""
BUNDLE_FILES = 500
"""Most files of a bundle; no more than `messages.MAX_CONTENTS`."""
BUNDLE_BYTES = 4 * 2**20
"""A bundle is complete with the file that reaches this."""
MAX_BUNDLES = 3
"""Bundles at work at a time: one on its way, one on its way to the disk, one being noted."""


@dataclass(slots=True, eq=False)
class Bundle:
    """Downloads of one member's small files, at work as one task. Times are monotonic seconds."""

    host: PeerId
    downloads: list[Download]
    meter: RateMeter
    began: float
    task: asyncio.Task[None] | None = None
    closing: bool = field(default=False)
    """All came that will come: it is not stopped any more."""
    _watched_since: float | None = None
    _watched_from: float = 0

    def is_slow(self, now: float, *, others: int = 0, fair_bps: float = math.inf) -> bool:
        """Whether it brings too little for its place, from its first byte on; to be asked often.

        So many `others` have a part of the same member's pace. `fair_bps`: what one source may
        bring at most under our own rate limit: nobody is blamed for that.
        """
        came = self.meter.total
        if not came:
            return False
        if self._watched_since is None:
            self._watched_since, self._watched_from = now, came
        seconds = now - self._watched_since
        if seconds < SLOW_S + 2 * READ_BYTES / fair_bps:
            return False
        floor_bps = min(SLOW_BPS / (1 + others), fair_bps / PROVING_SHARE)
        slow = came - self._watched_from < floor_bps * seconds
        self._watched_since, self._watched_from = now, came
        return slow


def is_small(download: Download) -> bool:
    """Whether a download may come in a bundle, as far as that is its own matter."""
    record = download.record
    return (
        not download.alone
        and bool(record.job and record.host)
        and not record.address
        and record.size <= SMALL_BYTES
    )


def sort_out(
    waiting: Iterable[Download], ready: Callable[[PeerId], bool]
) -> tuple[list[Download], list[Download]]:
    """The downloads that may come in bundles from who is `ready`, and the others."""
    small: list[Download] = []
    others: list[Download] = []
    for download in waiting:
        fits = is_small(download) and ready(PeerId(download.record.host))
        (small if fits else others).append(download)
    return small, others


def packed(small: Iterable[Download]) -> Iterator[list[Download]]:
    """Downloads in bundles: in their order, of one job each, within the bounds."""
    some: list[Download] = []
    size = 0
    for download in small:
        if some and (
            len(some) == BUNDLE_FILES
            or size + download.record.size > BUNDLE_BYTES
            or download.record.job != some[0].record.job
        ):
            yield some
            some, size = [], 0
        some.append(download)
        size += download.record.size
    if some:
        yield some
