"""Queue: which downloads get their turn, and which give theirs up. Pure.

The rank is `TransferRecord.rank`: the higher priority first, then the earlier place.
"""

import heapq
from collections.abc import Iterable, Iterator

from p2ptui.base.ids import TransferId
from p2ptui.node.download import Download

MAX_PRIORITY = 9
"""Priorities go from minus this to this."""


def first_of(downloads: Iterable[Download], count: int) -> list[Download]:
    """Those that wait and come first, at most `count`."""
    waiting = (download for download in downloads if download.waits)
    return heapq.nsmallest(count, waiting, key=_rank)


def turns(ranked: Iterable[Download]) -> dict[TransferId, int]:
    """The places of those that wait, from 1 on; the downloads are given in the queue's order."""
    waiting = (download.record.id for download in ranked if download.waits)
    return {transfer_id: place for place, transfer_id in enumerate(waiting, 1)}


def overtaken(running: Iterable[Download], waiting: Iterable[Download]) -> Iterator[Download]:
    """The running ones that give way to more important ones that wait, the least important first.

    One that ends anyway leaves its place; nobody gives way for that one.
    """
    running = list(running)
    leaving = sum(each.leaves for each in running)
    staying = sorted((each for each in running if not each.leaves), key=_rank, reverse=True)
    better = first_of(waiting, len(running))[leaving:]
    for download, follower in zip(staying, better, strict=False):
        if follower.record.priority <= download.record.priority:
            return
        yield download


def neighbour(
    download: Download, downloads: Iterable[Download], *, before: bool
) -> Download | None:
    """The next one of the same priority before or behind it."""
    record = download.record
    ranked = [
        each
        for each in downloads
        if each.record.priority == record.priority
        and each is not download
        and (each.record.rank < record.rank) == before
    ]
    if not ranked:
        return None
    return max(ranked, key=_rank) if before else min(ranked, key=_rank)


def exchange(one: Download, other: Download) -> None:
    """Each gets the other's place."""
    places = one.record.rank[1], other.record.rank[1]
    one.note(place=places[1])
    other.note(place=places[0])


def _rank(download: Download) -> tuple[int, int]:
    return download.record.rank
