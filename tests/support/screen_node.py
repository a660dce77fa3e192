"""A node for screens: the scene of `scene.py`, changed by what is asked of it, feeding by hand.

Nothing in it waits for a clock. Sections go out when a test says so (`tell_sections`), events at
once. A call can be held up (`hold`) and let go, to see what a screen does meanwhile.
"""

import asyncio
from collections.abc import AsyncGenerator

import msgspec

from p2ptui.base.errors import not_found
from p2ptui.base.ids import TransferId
from p2ptui.node.api import (
    BrowseRequest,
    FetchRequest,
    FilePage,
    Hashing,
    HitPage,
    HostPage,
    NodeStatus,
    Page,
    RemoteFile,
    RemotePage,
    Removal,
    SectionName,
    TrackerStatus,
    TransferAct,
    TransferDetail,
    TransferPage,
    TransferRow,
    TransferState,
)
from p2ptui.node.events import FeedItem, FetchStarted, NodeEvent, Section, Stopped
from tests.support import scene
from tests.support.fake_node import PIN, FakeNode

CONNECTED = TrackerStatus(
    state="connected", address="10.0.4.2:7070", swarm="lab.example", pin=PIN,
    observed="10.0.4.21", reachability="reachable",
)  # fmt: skip
LOST = msgspec.structs.replace(
    CONNECTED, state="waiting", reason="the tracker does not answer", retry_s=12.0
)
NOT_JOINED = TrackerStatus(state="none")
_AFTER: dict[TransferAct, TransferState] = {
    "pause": "paused", "resume": "active", "cancel": "cancelled", "retry": "queued",
}  # fmt: skip
OVER = frozenset({"finished", "failed", "cancelled"})


class ScreenNode(FakeNode):
    """A node with much going on; `ScreenNode(empty=True)` has nothing."""

    def __init__(self, *, empty: bool = False) -> None:
        super().__init__()
        self.tracker = CONNECTED
        self.files = [] if empty else scene.library()
        self.hits = [] if empty else scene.hits()
        self.members = [] if empty else scene.members()
        self.rows: list[TransferRow] = [] if empty else [*scene.live(), *scene.past()]
        self.source_rows = scene.sources()
        self.owners = self.source_rows[:2]
        self.remote: list[RemoteFile] = scene.remote_files()
        self.hash_state = Hashing(
            files_done=0, files_total=0, bytes_done=0, bytes_total=0, rate_bps=0
        )
        self.front_ends = 1
        self.skipped = 0
        self._held: dict[str, asyncio.Event] = {}
        self._followers: list[asyncio.Queue[FeedItem]] = []

    # --- what a test does -------------------------------------------------------------------------

    def hold(self, method: str) -> asyncio.Event:
        """Let calls of a method wait until the event is set."""
        return self._held.setdefault(method, asyncio.Event())

    def emit(self, event: NodeEvent) -> None:
        """Something happens."""
        for queue in self._followers:
            queue.put_nowait(event)

    def end(self, reason: str = "") -> None:
        """The node is gone."""
        self.emit(Stopped(time=scene.TIME, reason=reason))

    async def tell_sections(self) -> None:
        """All followers get the sections anew."""
        for item in await self._sections():
            for queue in self._followers:
                queue.put_nowait(item)

    def named(self, *names: str) -> list[tuple[object, ...]]:
        """The calls of these methods, in order."""
        return [call for call in self.calls if call[0] in names]

    def put_row(self, row: TransferRow) -> None:
        """Another state of a transfer, or a new one."""
        numbers = [each.id for each in self.rows]
        if row.id in numbers:
            self.rows[numbers.index(row.id)] = row
        else:
            self.rows.insert(0, row)

    # --- NodeApi ----------------------------------------------------------------------------------

    async def status(self) -> NodeStatus:
        live = [row for row in self.rows if row.state not in OVER]
        moving = {
            side: sum(row.rate_bps for row in live if row.direction == side)
            for side in ("down", "up")
        }
        return NodeStatus(
            version="0.1.0", peer_id=scene.peer_of("leo-x1"), nick="leo-x1",
            listen="0.0.0.0:7071", home="/srv/p2ptui", downloads="/srv/share",
            tracker=self.tracker, files=len(self.files),
            bytes=sum(row.size for row in self.files), hashing=self.hashing_left,
            skipped=self.skipped,
            down_bps=moving["down"], up_bps=moving["up"], down_limit_bps=self.limits["down"],
            up_limit_bps=self.limits["up"],
            active=sum(row.direction == "down" for row in live),
            uploads=sum(row.direction == "up" for row in live), front_ends=self.front_ends,
            uptime_s=12.0, slow=self.slowed,
        )  # fmt: skip

    async def library(self, page: Page) -> FilePage:
        self._called("library", page)
        words = page.filter.casefold().split()
        matching = [row for row in self.files if all(word in row.name.casefold() for word in words)]
        rows = tuple(matching[page.offset : page.offset + page.limit])
        return FilePage(rows=rows, total=len(matching))

    async def remove(self, name: str) -> Removal:
        removal = await super().remove(name)
        self.files = [row for row in self.files if row.name != name]
        return removal

    async def search(self, text: str, page: Page) -> HitPage:
        self._called("search", text, page)
        await self._pass("search")
        words = text.casefold().split()
        found = [row for row in self.hits if all(word in row.name.casefold() for word in words)]
        rows = tuple(found[page.offset : page.offset + page.limit])
        return HitPage(rows=rows, total=len(found), more=False, took_ms=38.0, reached=self.reached)

    async def peers(self, page: Page) -> HostPage:
        self._called("peers", page)
        found = [row for row in self.members if page.filter in row.nick]
        rows = tuple(found[page.offset : page.offset + page.limit])
        return HostPage(rows=rows, total=len(found), reached=self.reached)

    async def browse(self, request: BrowseRequest) -> RemotePage:
        self._called("browse", request)
        page = request.page
        found = [row for row in self.remote if page.filter in row.name]
        rows = tuple(found[page.offset : page.offset + page.limit])
        return RemotePage(
            peer_id=scene.peer_of("mira-nas"), nick="mira-nas", rows=rows, total=len(found)
        )

    async def fetch(self, request: FetchRequest) -> TransferRow:
        self._called("fetch", request)
        for row in self.rows:
            if row.content_id == request.target:
                return row
        names = [row.name for row in self.hits if row.content_id == request.target]
        name = names[0] if names else request.target
        number = max((row.id for row in self.rows), default=0) + 1
        row = scene.down(number, name, scene.GB, 0, "locating")
        row = msgspec.structs.replace(row, content_id=request.target)
        self.put_row(row)
        self.emit(
            FetchStarted(
                time=scene.TIME, id=row.id, name=name, content_id=row.content_id, bytes=row.size
            )
        )
        return row

    async def transfers(self, page: Page) -> TransferPage:
        self._called("transfers", page)
        rows = tuple(self.rows[page.offset : page.offset + page.limit])
        return TransferPage(rows=rows, total=len(self.rows))

    async def history(self, page: Page) -> TransferPage:
        self._called("history", page)
        await self._pass("history")
        words = page.filter.casefold().split()
        past = [
            row
            for row in self.rows
            if row.state in OVER
            and all(
                word in f"{row.name} {row.peer} {row.state} {row.peers}".casefold()
                for word in words
            )
        ]
        if page.sort.removeprefix("-") == "name":
            past.sort(key=lambda row: row.name.casefold(), reverse=page.sort.startswith("-"))
        rows = tuple(past[page.offset : page.offset + page.limit])
        return TransferPage(rows=rows, total=len(past))

    async def transfer(self, transfer_id: TransferId) -> TransferDetail:
        self._called("transfer", transfer_id)
        row = self._row(transfer_id)
        chunks = 64
        here = chunks * row.done // row.size
        bitmap = bytearray(chunks // 8)
        for index in range(here):
            bitmap[index // 8] |= 0x80 >> index % 8
        return TransferDetail(
            row=row, sources=self.source_rows, chunks=chunks, bitmap=bytes(bitmap)
        )

    async def steer(self, transfer_id: TransferId, act: TransferAct) -> TransferRow:
        self._called("steer", transfer_id, act)
        row = self._row(transfer_id)
        row = msgspec.structs.replace(row, state=_AFTER.get(act, row.state))
        self.put_row(row)
        return row

    async def feed(
        self, sections: tuple[SectionName, ...], interval_s: float
    ) -> AsyncGenerator[FeedItem, None]:
        queue: asyncio.Queue[FeedItem] = asyncio.Queue()
        self._followers.append(queue)
        try:
            for section in await self._sections():
                yield section
            while True:
                item = await queue.get()
                yield item
                if isinstance(item, Stopped):
                    return
        finally:
            self._followers.remove(queue)

    async def _sections(self) -> list[Section]:
        live = tuple(row for row in self.rows if row.state not in OVER)
        return [
            Section("status", await self.status()),
            Section("transfers", live),
            Section("hashing", self.hash_state),
        ]

    async def _pass(self, method: str) -> None:
        if (gate := self._held.get(method)) is not None:
            await gate.wait()

    def _row(self, number: TransferId) -> TransferRow:
        for row in self.rows:
            if row.id == number:
                return row
        raise not_found(f"No transfer {number}", "It is not there.", "Look at transfers.")
