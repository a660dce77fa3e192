"""The demo's trouble: of the three sources of a fetch one is killed in the middle and one lies."""

import asyncio
import filecmp
from pathlib import Path

from p2ptui.base.text import format_bytes
from p2ptui.demo_peer import POLL_S, Peer
from p2ptui.demo_stage import Stage
from p2ptui.demo_telling import Told, wrong
from p2ptui.node.api import FetchRequest, TransferRow
from p2ptui.node.events import SourceLost
from tracker.remote import RemoteTracker

NAME = "film.bin"
BYTES = 64 << 20
RATE_BPS = 40_000_000
"""So slow that there is a middle to be killed in."""
KILLED, LIAR = "dora", "eve"


class Trouble:
    """Two more peers: one that is killed, one that lies."""

    def __init__(self, stage: Stage, tracker: RemoteTracker, owner: Peer, taker: Peer) -> None:
        """`owner` has the file as well; `taker` fetches it."""
        self._stage = stage
        self._tracker = tracker
        self._owner = owner
        self._taker = taker
        self._killed: Peer
        self._liar: Peer
        self._film = Path()
        self._content_id = ""

    async def prepare(self) -> Told:
        """Have three peers offer the same file."""
        self._film = await asyncio.to_thread(self._stage.write_file, NAME, BYTES)
        self._killed, self._liar = await asyncio.gather(
            self._stage.start_peer(KILLED),
            self._stage.start_peer(LIAR, module="p2ptui.demo_liar"),
        )
        link = (await self._tracker.invite(2, 3600)).link
        sources = (self._owner, self._killed, self._liar)
        await asyncio.gather(*(peer.join(link) for peer in sources[1:]))
        rows = [await peer.api.publish(str(self._film), "") for peer in sources]
        await asyncio.gather(*(peer.indexed(self._tracker) for peer in sources))
        self._content_id = rows[0].content_id
        found = await self._taker.api.sources(self._content_id)
        if len(found.sources) != len(sources):
            raise wrong("The file is not offered by three peers", found.sources)
        text = f"{', '.join(peer.nick for peer in sources)}: {NAME}, {format_bytes(BYTES)}"
        return Told(text, {"sources": len(sources), "bytes": BYTES})

    async def fetch(self) -> Told:
        """Fetch it; it ends right, and who did what is told."""
        lost: dict[str, str] = {}

        def note(event: SourceLost) -> None:
            lost[event.nick] = event.reason

        await self._taker.api.limit("down", RATE_BPS)
        request = FetchRequest(target=self._content_id)
        done = await self._taker.fetch(request, self._kill_in_the_middle, note)
        await self._taker.api.limit("down", None)
        if "wrong data" not in lost.get(LIAR, ""):
            raise wrong(f"{LIAR} lied and was not found out", lost)
        if KILLED not in lost:
            raise wrong(f"Nobody missed {KILLED}", lost)
        if not await asyncio.to_thread(filecmp.cmp, self._film, done.path, shallow=False):
            raise wrong("The fetched file differs from the original", done.path)
        await self._stage.dismiss(self._liar)
        text = f"{KILLED} killed, {LIAR} caught lying; {self._taker.nick} has it, right"
        return Told(text, {"lost": lost, "bytes": done.bytes, "fetch_s": done.seconds})

    async def _kill_in_the_middle(self, row: TransferRow) -> None:
        while True:
            now = (await self._taker.api.transfer(row.id)).row
            if now.done >= BYTES // 4:
                break
            await asyncio.sleep(POLL_S)
        if now.done >= BYTES:
            raise wrong(f"It was over before {KILLED} could be killed", now.done)
        await self._stage.kill(self._killed)
