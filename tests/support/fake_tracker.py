"""A tracker without a network: values in memory, events by hand. Implements `TrackerApi`."""

from collections.abc import AsyncGenerator

from msgspec import structs

from p2ptui.base.bus import Bus
from p2ptui.base.errors import not_found
from p2ptui.base.ids import PeerId
from p2ptui.net.feed import follow
from tests.support.fake_node import BERT, CONTENT, HOSTILE, PIN, TIME
from tracker.api import (
    AuditPage,
    AuditRow,
    Backup,
    DiscoverRequest,
    FetchPage,
    FetchRow,
    FilePage,
    GiverRow,
    HitPage,
    HitRow,
    HostFile,
    HostPage,
    HostRow,
    IndexRequest,
    Invite,
    InviteRow,
    KickRequest,
    KickRow,
    MemberChange,
    Message,
    Page,
    PingRow,
    SectionName,
    Series,
    TrackerStatus,
)
from tracker.events import FeedItem, Resync, Section, Stopped, TrackerEvent


class FakeTracker:
    """Answers with fixed values."""

    def __init__(self) -> None:
        self.bus: Bus[FeedItem] = Bus()
        self.calls: list[tuple[object, ...]] = []
        self.live = True

    def emit(self, event: TrackerEvent) -> None:
        """Something happens."""
        self.bus.publish(event)

    async def status(self) -> TrackerStatus:
        self.calls.append(("status",))
        return TrackerStatus(
            version="0.1.0", name="office", listen="0.0.0.0:7070",
            link=f"p2ptui://10.0.0.1:7070/#{PIN}", pin=PIN, open=True, hosts=1, known=2, files=3,
            contents=3, bytes=9_000, searches=5, searches_s=0.5, search_p50_ms=1.0,
            search_p99_ms=2.0, announces_s=0.0, dropped=0, memory_bytes=50_000_000,
            index_bytes=4_096, loop_lag_ms=0.1, uptime_s=60.0, front_ends=1,
        )  # fmt: skip

    async def hosts(self, page: Page) -> HostPage:
        self.calls.append(("hosts", page))
        row = HostRow(
            peer_id=BERT, nick=HOSTILE, address="10.0.0.2:7071", files=3, bytes=9_000,
            ping_ms=1.5, reachable=False, online=True, seen=TIME, joined=TIME, software="p2ptui",
        )  # fmt: skip
        return HostPage(rows=(row,), total=1)

    async def discover(self, request: DiscoverRequest) -> FilePage:
        self.calls.append(("discover", request))
        if request.host == "nobody":
            raise not_found("No such host", "nobody", "`hosts` lists them.")
        row = HostFile(name="song.flac", size=2_000_000, content_id=CONTENT, changed=TIME)
        return FilePage(peer_id=BERT, nick="bert", rows=(row,), total=1, live=self.live)

    async def ping(self, host: str) -> tuple[PingRow, ...]:
        self.calls.append(("ping", host))
        return (
            PingRow(peer_id=BERT, nick="bert", address="10.0.0.2:7071", ping_ms=1.25),
            PingRow(peer_id=PeerId("d" * 32), nick="dora", address="", ping_ms=None, reason="gone"),
        )

    async def search(self, text: str, page: Page) -> HitPage:
        self.calls.append(("search", text, page))
        row = HitRow(
            content_id=CONTENT, name="song.flac", names=("song.flac",), size=2, owners=1, known=1
        )
        return HitPage(rows=(row,), total=1, more=False, took_ms=0.1)

    async def series(self) -> Series:
        self.calls.append(("series",))
        return Series(
            step_s=5.0, searches_s=(0.0, 0.5), announces_s=(3.0, 0.0), messages_s=(1.0, 2.0),
            hosts=(0, 1), lag_ms=(0.1, 0.2),
        )  # fmt: skip

    async def index(self, request: IndexRequest) -> HitPage:
        self.calls.append(("index", request))
        return await self.search(request.text, request.page)

    async def owners(self, content_id: str, page: Page) -> HostPage:
        self.calls.append(("owners", content_id, page))
        return await self.hosts(page)

    async def history(self, page: Page) -> FetchPage:
        self.calls.append(("history", page))
        row = FetchRow(
            time=TIME, peer_id=BERT, nick=HOSTILE, name="song.flac", content_id=CONTENT,
            size=3_000_000, seconds=1.5, rate_bps=2_000_000,
            givers=(
                GiverRow(peer_id=PeerId("d" * 32), nick="dora", bytes=2_000_000),
                GiverRow(peer_id=PeerId("e" * 32), nick="emil", bytes=1_000_000),
            ),
        )  # fmt: skip
        return FetchPage(rows=(row,), total=1)

    async def kick(self, request: KickRequest) -> KickRow:
        self.calls.append(("kick", request))
        until = TIME + request.for_s if request.for_s is not None else None
        return KickRow(peer_id=BERT, nick="bert", why=request.why, until=until)

    async def unban(self, host: str) -> KickRow:
        self.calls.append(("unban", host))
        return KickRow(peer_id=BERT, nick="bert", why="", until=None)

    async def bans(self) -> tuple[KickRow, ...]:
        self.calls.append(("bans",))
        return (KickRow(peer_id=BERT, nick="bert", why="noise", until=None),)

    async def change(self, change: MemberChange) -> HostRow:
        self.calls.append(("change", change))
        row = (await self.hosts(Page())).rows[0]
        return structs.replace(row, role=change.role or row.role, limits=change.limits)

    async def message(self, message: Message) -> int:
        self.calls.append(("message", message))
        return 1

    async def invite(self, uses: int, for_s: float) -> Invite:
        self.calls.append(("invite", uses, for_s))
        link = f"p2ptui://10.0.0.1:7070/#{PIN}.{'e' * 16}"
        return Invite(link=link, uses=uses, expires=TIME + for_s, id="i" * 12)

    async def invites(self) -> tuple[InviteRow, ...]:
        self.calls.append(("invites",))
        return (InviteRow(id="i" * 12, uses=3, left=2, expires=TIME + 3_600),)

    async def revoke(self, invite_id: str) -> InviteRow:
        self.calls.append(("revoke", invite_id))
        return InviteRow(id=invite_id, uses=3, left=0, expires=TIME)

    async def open(self, *, on: bool) -> TrackerStatus:
        self.calls.append(("open", on))
        return structs.replace(await self.status(), open=on)

    async def motd(self, text: str) -> TrackerStatus:
        self.calls.append(("motd", text))
        return structs.replace(await self.status(), motd=text)

    async def drain(self, *, on: bool) -> TrackerStatus:
        self.calls.append(("drain", on))
        return structs.replace(await self.status(), draining=on)

    async def backup(self, path: str) -> Backup:
        self.calls.append(("backup", path))
        return Backup(path=path, bytes=81_920)

    async def reload(self) -> tuple[str, ...]:
        self.calls.append(("reload",))
        return ("tracker.motd",)

    async def audit(self, page: Page) -> AuditPage:
        self.calls.append(("audit", page))
        row = AuditRow(
            time=TIME, by="console", act="kick", target=HOSTILE, detail="for 1 h", why="noise"
        )
        return AuditPage(rows=(row,), total=1)

    async def stop(self) -> None:
        self.calls.append(("stop",))

    def feed(
        self, sections: tuple[SectionName, ...], interval_s: float
    ) -> AsyncGenerator[FeedItem, None]:
        return follow(
            self.bus,
            dict.fromkeys(sections, self.status),
            interval_s,
            section=Section,
            resync=Resync,
            last=lambda event: isinstance(event, Stopped),
        )
