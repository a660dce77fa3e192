"""Small desk: serves one connection small contents, many with one answer (PROTOCOL.md 5).

A member that has no upload slot is told its place, as for a chunk.
"""

import asyncio
import logging

from p2ptui.base.ids import PeerId
from p2ptui.net.link import Link
from p2ptui.net.wire import messages as m
from p2ptui.node.uploads import Offers, UploadLedger

log = logging.getLogger(__name__)

AT_WORK = 2
"""Answers that are made at a time: one is read while another goes out."""
PIECE_BYTES = 256 * 1024
"""What is sent between two looks at whether it is still wanted."""


class SmallDesk:
    """Answers `GetContents` on one connection."""

    def __init__(
        self, link: Link, *, peer: PeerId, nick: str, offers: Offers, ledger: UploadLedger
    ) -> None:
        self._link = link
        self._peer = peer
        self._nick = nick
        self._offers = offers
        self._ledger = ledger
        self._turns = asyncio.Semaphore(AT_WORK)
        self._unanswered: set[int] = set()
        self._cancelled: set[int] = set()

    async def answer(self, request: m.GetContents) -> None:
        """Give what can be given. Raises `LinkClosed`, `P2PError`."""
        if request.id in self._unanswered:
            self._link.post(m.Failure(request.id, "duplicate", "this request is already waiting"))
            return
        place = self._ledger.ask(self._peer)
        if place:
            self._link.post(m.Failure(request.id, "busy", "all slots are taken", place))
            return
        self._unanswered.add(request.id)
        try:
            async with self._turns:
                await self._give(request)
        finally:
            self._unanswered.discard(request.id)
            self._cancelled.discard(request.id)
            self._ledger.answered(self._peer)

    def cancel(self, request_id: int) -> None:
        """The peer no longer wants the answer."""
        if request_id in self._unanswered:
            self._cancelled.add(request_id)

    async def _give(self, request: m.GetContents) -> None:
        if request.id in self._cancelled:
            return
        found = await self._offers.read_small(request.contents, request.limit)
        sizes = tuple(None if data is None else len(data) for data in found.given)
        payload = memoryview(b"".join(data for data in found.given if data))
        upload = self._ledger.begin_small(self._peer, self._nick, found.name, len(payload))
        try:
            await self._link.send(m.Contents(request.id, sizes))
            for offset in range(0, len(payload), PIECE_BYTES):
                if request.id in self._cancelled:
                    return
                piece = payload[offset : offset + PIECE_BYTES]
                await self._link.send_data(request.id, offset, piece)
                self._ledger.count(upload, len(piece))
        finally:
            self._ledger.end(upload)
