"""A node without a network: values in memory, events by hand. Implements `NodeApi`."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec

from p2ptui.base.bus import Bus
from p2ptui.base.errors import P2PError, not_found, usage_error
from p2ptui.base.ids import ContentId, PeerId, TransferId, content_id_text
from p2ptui.net.feed import follow
from p2ptui.node.api import (
    BrowseRequest,
    ContentSources,
    Direction,
    FetchRequest,
    FilePage,
    FileRow,
    FolderPage,
    FolderRow,
    Hashing,
    HitPage,
    HitRow,
    HostPage,
    HostRow,
    NodeStatus,
    OperateRequest,
    Page,
    RemoteFile,
    RemotePage,
    Removal,
    SectionName,
    SettingRow,
    Share,
    SourceRow,
    TrackerFound,
    TrackerStatus,
    TransferAct,
    TransferDetail,
    TransferPage,
    TransferRow,
    TransferState,
    Undone,
)
from p2ptui.node.events import FeedItem, FetchFinished, NodeEvent, Resync, Section, Stopped

TIME = 1_800_000_000.0
ANNA = PeerId("a" * 32)
BERT = PeerId("b" * 32)
CONTENT = content_id_text(ContentId(bytes(range(32))))
OTHER_CONTENT = content_id_text(ContentId(bytes(range(1, 33))))
PIN = "c" * 32
CONNECTED = TrackerStatus(state="connected", address="10.0.0.1:7070", swarm="office", pin=PIN)
HOSTILE = "\x1b[2J\u202egpj.exe\n[red]"
"""A name that tries to drive a terminal (F42, F43, F44)."""


SETTINGS = (
    SettingRow(
        key="peer.nick", value="anna", default="", help="Name that others see.",
        origin="file", applies="now",
    ),
    SettingRow(
        key="peer.up_limit", value="off", default="off", help="Upload limit.",
        origin="default", applies="now",
    ),
    SettingRow(
        key="peer.listen", value="", default="", help="Data port.",
        origin="default", applies="restart",
    ),
)  # fmt: skip


def hit(name: str = "song.flac", content_id: str = CONTENT) -> HitRow:
    return HitRow(
        content_id=content_id, name=name, names=(name,), size=2_000_000, owners=2, known=3
    )


def transfer(number: int = 1, state: TransferState = "active", done: int = 0) -> TransferRow:
    return TransferRow(
        id=TransferId(number),
        direction="down",
        name="song.flac",
        content_id=CONTENT,
        size=2_000_000,
        done=done,
        rate_bps=500_000 if state == "active" else 0,
        state=state,
        sources=2,
        known=3,
        path="/repo/song.flac" if state == "finished" else "",
        started=TIME,
        finished=TIME + 4 if state == "finished" else None,
        seconds=4.0,
        eta_s=4.0 if state == "active" else None,
    )


def finished(number: int = 1) -> FetchFinished:
    return FetchFinished(
        time=TIME,
        id=TransferId(number),
        name="song.flac",
        content_id=CONTENT,
        path="/repo/song.flac",
        bytes=2_000_000,
        seconds=4.0,
        sources=2,
    )


def source(nick: str = "bert") -> SourceRow:
    return SourceRow(peer_id=BERT, nick=nick, addresses=("10.0.0.2:7071",))


class FakeNode:
    """Answers with its attributes. `trouble` maps a method to the error that it raises."""

    def __init__(self) -> None:
        self.bus: Bus[FeedItem] = Bus()
        self.patience_s: float | None = None
        """Of the last folder that was asked for."""
        self.calls: list[tuple[object, ...]] = []
        self.trouble: dict[str, Exception] = {}
        self.tracker = CONNECTED
        self.found: tuple[TrackerFound, ...] = ()
        self.folder_row: TransferRow | None = None
        self.reached: int | None = None
        """How many members answer, the tracker being away."""
        self.files: list[FileRow] = []
        self.hits: list[HitRow] = [hit()]
        self.owners: tuple[SourceRow, ...] = (source(),)
        self.members: list[HostRow] = [
            HostRow(
                peer_id=BERT, nick="bert", address="10.0.0.2:7071", files=3, bytes=9_000,
                ping_ms=1.5, reachable=True, online=True, seen=TIME,
            ),
        ]  # fmt: skip
        self.rows: list[TransferRow] = []
        self.hashing_left = 0
        self.limits: dict[Direction, int | None] = {"up": None, "down": None}
        self.slowed = False
        self.setting_rows: dict[str, SettingRow] = {row.key: row for row in SETTINGS}
        self.fetched: Callable[[FakeNode, FetchRequest], TransferRow] = lambda _node, _request: (
            transfer(1, "queued")
        )
        self.front_ends = 0
        self.started = asyncio.Event()
        self.stopped = asyncio.Event()

    def _called(self, *call: object) -> None:
        self.calls.append(call)
        if (error := self.trouble.get(str(call[0]))) is not None:
            raise error

    # --- the engine's life ----------------------------------------------------------------------

    async def start(self) -> None:
        self._called("start")
        self.started.set()

    async def wait_stopped(self) -> None:
        await self.stopped.wait()

    async def close(self) -> None:
        self._called("close")
        self.stopped.set()
        self.emit(Stopped(time=TIME))

    def front_ends_changed(self, count: int) -> None:
        self.front_ends = count

    def emit(self, event: NodeEvent) -> None:
        """Something happens."""
        self.bus.publish(event)

    # --- NodeApi --------------------------------------------------------------------------------

    async def status(self) -> NodeStatus:
        self._called("status")
        return NodeStatus(
            version="0.1.0", peer_id=ANNA, nick="anna", listen="0.0.0.0:7071", home="/home",
            downloads="/repo", tracker=self.tracker, files=3, bytes=9_000_000,
            hashing=self.hashing_left, skipped=0, down_bps=0, up_bps=0,
            down_limit_bps=self.limits["down"], up_limit_bps=self.limits["up"], active=0,
            uploads=0, front_ends=self.front_ends, uptime_s=12.0, slow=self.slowed,
        )  # fmt: skip

    async def join(self, target: str, trust: str) -> TrackerStatus:
        self._called("join", target, trust)
        return self.tracker

    async def trackers(self) -> tuple[TrackerFound, ...]:
        self._called("trackers")
        return self.found

    async def forget(self, swarm: str) -> None:
        self._called("forget", swarm)

    async def shares(self) -> tuple[Share, ...]:
        self._called("shares")
        return (
            Share(path="/repo", name="", kind="repository", files=3, bytes=9_000_000),
            Share(path="/music", name="music", kind="folder", files=2, bytes=5_000),
        )

    async def share(self, path: str, on: bool) -> Share:
        self._called("share", path, on)
        return Share(path=path, name="music", kind="folder", files=2, bytes=5_000)

    async def publish(self, path: str, name: str) -> FileRow:
        self._called("publish", path, name)
        shown = name or path.rpartition("/")[2]
        return FileRow(name=shown, size=1_000, content_id=CONTENT, state="shared", path=path)

    async def remove(self, name: str) -> Removal:
        self._called("remove", name)
        return Removal(name=name, content_id=CONTENT, deleted=f"/repo/{name}")

    async def undo(self) -> Undone:
        self._called("undo")
        return Undone(text="song.flac is back")

    async def rescan(self) -> int:
        self._called("rescan")
        return 4

    async def library(self, page: Page) -> FilePage:
        self._called("library", page)
        matching = [row for row in self.files if page.filter in row.name]
        rows = tuple(matching[page.offset : page.offset + page.limit])
        return FilePage(rows=rows, total=len(matching))

    async def folder(self, name: str, page: Page) -> FolderPage:
        self._called("folder", name, page)
        prefix = f"{name}/" if name else ""
        inside = [row for row in self.files if row.name.startswith(prefix)]
        folders: dict[str, list[FileRow]] = {}
        for row in inside:
            first, slash, _ = row.name.removeprefix(prefix).partition("/")
            if slash:
                folders.setdefault(prefix + first, []).append(row)
        files = [row for row in inside if "/" not in row.name.removeprefix(prefix)]
        return FolderPage(
            folders=tuple(
                FolderRow(
                    name=each,
                    files=len(rows),
                    bytes=sum(row.size for row in rows),
                    waiting=sum(row.state in {"listed", "hashing"} for row in rows),
                )
                for each, rows in folders.items()
            ),
            rows=tuple(files[page.offset : page.offset + page.limit]),
            total=len(files),
        )

    async def search(self, text: str, page: Page) -> HitPage:
        self._called("search", text, page)
        found = [row for row in self.hits if all(word in row.name for word in text.split())]
        rows = tuple(found[page.offset : page.offset + page.limit])
        return HitPage(rows=rows, total=len(found), more=False, took_ms=0.4, reached=self.reached)

    async def sources(self, target: str) -> ContentSources:
        self._called("sources", target)
        for row in self.hits:
            if target in {row.name, row.content_id}:
                return ContentSources(
                    content_id=row.content_id, name=row.name, size=row.size, known=row.known,
                    sources=self.owners, reached=self.reached,
                )  # fmt: skip
        raise not_found(f"No file {target}", "Nobody offers it.", "Try search.")

    async def peers(self, page: Page) -> HostPage:
        self._called("peers", page)
        rows = tuple(self.members[page.offset :])
        return HostPage(rows=rows, total=len(self.members), reached=self.reached)

    async def browse(self, request: BrowseRequest) -> RemotePage:
        self._called("browse", request)
        row = RemoteFile(name=HOSTILE, size=5, content_id=CONTENT, changed=TIME)
        return RemotePage(peer_id=BERT, nick="bert", rows=(row,), total=1, reached=self.reached)

    async def fetch(self, request: FetchRequest) -> TransferRow:
        self._called("fetch", request)
        return self.fetched(self, request)

    async def fetch_folder(
        self, host: str, folder: str, to: str, patience_s: float | None = None
    ) -> TransferRow:
        self.patience_s = patience_s
        self._called("fetch_folder", host, folder, to)
        return self.folder_row or msgspec.structs.replace(
            transfer(), name=folder or host, content_id="", files=2
        )

    async def transfers(self, page: Page) -> TransferPage:
        self._called("transfers", page)
        rows = tuple(self.rows[page.offset : page.offset + page.limit])
        return TransferPage(rows=rows, total=len(self.rows))

    async def history(self, page: Page) -> TransferPage:
        self._called("history", page)
        past = [row for row in self.rows if row.finished is not None]
        rows = tuple(past[page.offset : page.offset + page.limit])
        return TransferPage(rows=rows, total=len(past))

    async def transfer(self, transfer_id: TransferId) -> TransferDetail:
        self._called("transfer", transfer_id)
        row = next(row for row in self.rows if row.id == transfer_id)
        return TransferDetail(row=row, sources=(), chunks=2, bitmap=b"\x80")

    async def steer(self, transfer_id: TransferId, act: TransferAct) -> TransferRow:
        self._called("steer", transfer_id, act)
        return transfer(transfer_id, "paused")

    async def operate(self, request: OperateRequest) -> str:
        self._called("operate", request)
        return f"{HOSTILE} is out"

    async def limit(self, direction: Direction, rate_bps: int | None) -> NodeStatus:
        self._called("limit", direction, rate_bps)
        self.limits[direction] = rate_bps
        return await self.status()

    async def slow(self, on: bool) -> NodeStatus:
        self._called("slow", on)
        self.slowed = on
        return await self.status()

    async def settings(self) -> tuple[SettingRow, ...]:
        self._called("settings")
        return tuple(self.setting_rows.values())

    async def configure(self, key: str, text: str) -> SettingRow:
        self._called("configure", key, text)
        if key not in self.setting_rows:
            raise usage_error("Settings are wrong", f"no such setting: {key}")
        row = msgspec.structs.replace(self.setting_rows[key], value=text, origin="file")
        self.setting_rows[key] = row
        return row

    async def stop(self) -> None:
        self._called("stop")
        self.stopped.set()

    def feed(
        self, sections: tuple[SectionName, ...], interval_s: float
    ) -> AsyncGenerator[FeedItem, None]:
        return follow(
            self.bus,
            {name: getattr(self, f"_read_{name}") for name in sections},
            interval_s,
            section=Section,
            resync=Resync,
            last=lambda event: isinstance(event, Stopped),
        )

    async def _read_status(self) -> NodeStatus:
        return await self.status()

    async def _read_transfers(self) -> tuple[TransferRow, ...]:
        return tuple(self.rows)

    async def _read_hashing(self) -> Hashing:
        return Hashing(files_done=0, files_total=1, bytes_done=1, bytes_total=2, rate_bps=1)


def ambiguous() -> P2PError:
    return not_found("Several files have that name", f"{CONTENT}, {OTHER_CONTENT}", "Use the id.")
