"""A tracker for screens: hosts, files and an index that are changed by what is asked of it.

Nothing in it waits for a clock. Sections go out when a test says so (`tell_sections`), events at
once.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from typing import Any

from msgspec import structs

from p2ptui.base.errors import not_found
from p2ptui.base.ids import PeerId
from tests.support import scene
from tests.support.fake_node import PIN
from tests.support.fake_tracker import FakeTracker
from tracker.api import (
    SLOW_MS,
    AuditPage,
    AuditRow,
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
    InviteRow,
    KickRequest,
    KickRow,
    MemberChange,
    Page,
    PingRow,
    SectionName,
    Series,
    TrackerStatus,
)
from tracker.events import (
    FeedItem,
    HostJoined,
    HostKicked,
    HostLeft,
    Listening,
    Refused,
    Section,
    Stopped,
    TrackerEvent,
    TrackerNotice,
)

TIME = scene.TIME
NAMES = (
    "mira-nas", "leo-x1", "zoe-mbp", "lab-02", "lab-04", "lab-07", "lab-11", "attic-pi", "kiosk-1",
    "kiosk-3", "otto-w11", "nina-fw13", "build-01", "build-02", "cam-gw", "ana-t14", "tv-box",
    "pablo-air", "ruth-nuc", "fileserv",
)  # fmt: skip
LINK = f"p2ptui://10.0.4.2:7070/#{PIN}"


def host(number: int, nick: str = "", **more: object) -> HostRow:
    """A member, each with figures of its own."""
    nick = nick or f"{NAMES[number % len(NAMES)]}-{number:05}"
    silent, slow = nick.startswith("kiosk-3"), nick.startswith("cam-gw")
    values: dict[str, object] = {
        "peer_id": scene.peer_of(nick), "nick": nick,
        "address": f"10.0.{4 + number // 200}.{17 + number % 200}:{7071 + number % 3}",
        "files": 644 + 2_347 * number % 9_100, "bytes": (60 + 311 * number % 840) * scene.GB,
        "ping_ms": None if silent else 240.0 if slow else 0.8 + number * 7 % 29,
        "reachable": None if silent else number % 5 != 2, "online": True, "seen": TIME - number,
        "joined": TIME - 86_400 * (number % 300), "software": "p2ptui/0.1.0",
        "role": "operator" if number == 1 else "member", "pings": 20,
        "lost": 20 if silent else int(slow),
    }  # fmt: skip
    return HostRow(**(values | more))  # type: ignore[arg-type]  # checked by msgspec


def offline(number: int, nick: str) -> HostRow:
    """A member that has left."""
    gone: Any = {"online": False, "ping_ms": None, "pings": 0, "lost": 0, "seen": TIME - 7_200}
    return structs.replace(host(number, nick), **gone)


def few() -> list[HostRow]:
    """The hosts of a small swarm."""
    return [
        *(host(number, nick) for number, nick in enumerate(NAMES)), offline(20, "old-laptop")
    ]  # fmt: skip


def files() -> list[HostFile]:
    """What a host offers."""
    names = (
        ("debian-13.2-amd64-DVD-1.iso", 3_900), ("blender-open-movies-all-4k.tar", 41_000),
        ("fedora-workstation-44.iso", 2_300), ("family-2025.tar.zst", 88_000),
        ("gutenberg-epub.zip", 21_000), ("osm-europe.pbf", 31_000),
        ("talks/pycon-2026.mkv", 1_800), ("talks/fosdem-2026.mkv", 2_200),
        ("kiwix-wiki-en.zim", 109_000),
    )  # fmt: skip
    return [
        HostFile(name=name, size=size * scene.MB, content_id=scene.content_of(name), changed=TIME)
        for name, size in names
    ]


def fetches() -> list[FetchRow]:
    """What members fetched."""
    rows = []
    for number, file in enumerate(files()):
        taker, givers = NAMES[number], NAMES[number + 1 : number + 2 + number % 4]
        seconds = 4.5 + 37 * number
        rows.append(
            FetchRow(
                time=TIME - 400 * number, peer_id=scene.peer_of(taker), nick=taker, name=file.name,
                content_id=file.content_id, size=file.size, seconds=seconds,
                rate_bps=round(file.size / seconds),
                givers=tuple(
                    GiverRow(peer_id=scene.peer_of(nick), nick=nick, bytes=file.size // len(givers))
                    for nick in givers
                ),
            )
        )  # fmt: skip
    return rows


def happened() -> tuple[TrackerEvent, ...]:
    """A few lines for the log."""
    mira, kiosk = scene.peer_of("mira-nas"), scene.peer_of("kiosk-3")
    return (
        Listening(time=TIME - 120, address="0.0.0.0:7070", link=LINK, fingerprint=PIN),
        HostJoined(time=TIME - 109, peer_id=mira, nick="mira-nas", address="10.0.4.17:7071",
                   files=8_211),
        TrackerNotice(time=TIME - 58, level="warning", text="kiosk-3 does not answer pings."),
        HostLeft(time=TIME - 28, peer_id=kiosk, nick="kiosk-3", address="10.0.4.26:7071",
                 reason="silent"),
        Refused(time=TIME - 2, address="203.0.113.9", reason="no invite"),
    )  # fmt: skip


class ScreenTracker(FakeTracker):
    """A tracker with much going on; `hosts` may be empty, or many."""

    def __init__(self, hosts: list[HostRow] | None = None) -> None:
        super().__init__()
        self.rows = few() if hosts is None else hosts
        self.file_rows: list[HostFile] = files()
        self.out: list[KickRow] = []
        self.open_invites = [
            InviteRow(id="k7wq2mz4", uses=5, left=3, expires=TIME + 86_400),
            InviteRow(id="p3xn8vd1", uses=1, left=1, expires=TIME + 7_200),
        ]
        self.acts = [
            AuditRow(time=TIME - 90 * n, by="console", act=act, target=target, detail=detail,
                     why=why)
            for n, (act, target, detail, why) in enumerate((
                ("ban", "kiosk-9 (abcdefgh)", "for 7 d", "flooding"),
                ("invite", "k7wq2mz4", "5 uses, 24 h", ""),
                ("motd", "all", "Backups run at noon.", ""),
            ))
        ]  # fmt: skip
        self.fetches = fetches()
        self.state: dict[str, Any] = {"open": True, "draining": False, "motd": "", "front_ends": 1,
                      "index_notice": ""}  # fmt: skip
        self._followers: list[asyncio.Queue[FeedItem]] = []

    # --- what a test does -------------------------------------------------------------------------

    def emit(self, event: FeedItem) -> None:
        """Something happens."""
        for queue in self._followers:
            queue.put_nowait(event)

    def end(self, reason: str = "") -> None:
        """The tracker is gone."""
        self.emit(Stopped(time=TIME, reason=reason))

    async def tell_sections(self) -> None:
        """All followers get the sections anew."""
        self.emit(Section("status", await self.status()))

    def named(self, *names: str) -> list[tuple[object, ...]]:
        """The calls of these methods, in order."""
        return [call for call in self.calls if call[0] in names]

    # --- TrackerApi -------------------------------------------------------------------------------

    async def status(self) -> TrackerStatus:
        online = [row for row in self.rows if row.online]
        busy = min(len(online), 40)
        return TrackerStatus(
            version="0.1.0", name="lab.example", listen="0.0.0.0:7070", link=LINK, pin=PIN,
            hosts=len(online), known=len(self.rows), files=sum(row.files for row in online),
            contents=9 * sum(row.files for row in online) // 10,
            bytes=sum(row.bytes for row in online), searches=57 * busy + 11 * (busy > 0),
            searches_s=38.0 if busy else 0.0, search_p50_ms=0.9, search_p99_ms=4.1,
            announces_s=12.5 if busy else 0.0, dropped=0, memory_bytes=186_000_000,
            fetched=1_204, fetched_bytes=812 * scene.GB, relayed_bytes=31 * scene.MB,
            index_bytes=412_000_000, loop_lag_ms=0.4, uptime_s=6 * 86_400 + 4 * 3_600 + 720.0,
            slow=sum((row.ping_ms or 0) > SLOW_MS for row in online),
            silent=sum(row.pings > 0 and row.ping_ms is None for row in online),
            **self.state,
        )  # fmt: skip

    async def series(self) -> Series:
        steps = range(300)
        busy = bool(self.rows)
        return Series(
            step_s=1.0,
            searches_s=tuple(busy * _wave(n, 38.0) for n in steps),
            announces_s=tuple(float(busy * n % 9) for n in steps),
            messages_s=tuple(busy * _wave(n + 80, 412.0) for n in steps),
            hosts=tuple(len(self.rows) for _ in steps), lag_ms=tuple(0.4 for _ in steps),
        )  # fmt: skip

    async def hosts(self, page: Page) -> HostPage:
        self.calls.append(("hosts", page))
        text = page.filter.casefold()
        found = [row for row in self.rows if text in f"{row.nick} {row.address}".casefold()]
        key = page.sort.lstrip("-")
        if key:
            found.sort(key=_order(key), reverse=page.sort.startswith("-"))
        rows = tuple(found[page.offset : page.offset + page.limit])
        return HostPage(rows=rows, total=len(found))

    async def discover(self, request: DiscoverRequest) -> FilePage:
        self.calls.append(("discover", request))
        row = self._host(request.host)
        page = request.page
        found = [file for file in self.file_rows if page.filter in file.name]
        key = page.sort.lstrip("-")
        if key:
            found.sort(key=_order(key), reverse=page.sort.startswith("-"))
        return FilePage(
            peer_id=row.peer_id, nick=row.nick, total=len(found), live=row.online,
            rows=tuple(found[page.offset : page.offset + page.limit]),
        )  # fmt: skip

    async def index(self, request: IndexRequest) -> HitPage:
        self.calls.append(("index", request))
        hits = [
            HitRow(content_id=file.content_id, name=file.name, names=(file.name,), size=file.size,
                   owners=owners, known=max(owners, 1))
            for owners, file in enumerate(self.file_rows)
            if request.text in file.name and (owners <= 1 or not request.single)
        ]  # fmt: skip
        page = request.page
        rows = tuple(hits[page.offset : page.offset + page.limit])
        return HitPage(rows=rows, total=len(hits), more=False, took_ms=0.2)

    async def owners(self, content_id: str, page: Page) -> HostPage:
        self.calls.append(("owners", content_id, page))
        return HostPage(rows=tuple(self.rows[:3]), total=3)

    async def ping(self, host: str) -> tuple[PingRow, ...]:
        self.calls.append(("ping", host))
        rows = [row for row in self.rows if row.online] if host == "all" else [self._host(host)]
        return tuple(
            PingRow(peer_id=row.peer_id, nick=row.nick, address=row.address, ping_ms=row.ping_ms,
                    reason="" if row.ping_ms else "no answer within 5 s")
            for row in rows
        )  # fmt: skip

    async def kick(self, request: KickRequest) -> KickRow:
        self.calls.append(("kick", request))
        until = None if request.for_s is None else TIME + request.for_s
        if "/" in request.host:
            row = KickRow(peer_id=PeerId(""), nick="", why=request.why, until=until,
                          network=request.host)  # fmt: skip
        else:
            found = self._host(request.host)
            row = KickRow(peer_id=found.peer_id, nick=found.nick, why=request.why, until=until)
            self.rows = [each for each in self.rows if each.peer_id != found.peer_id]
            self.emit(HostKicked(time=TIME, peer_id=found.peer_id, nick=found.nick,
                                 why=request.why))  # fmt: skip
        self.out.append(row)
        return row

    async def bans(self) -> tuple[KickRow, ...]:
        self.calls.append(("bans",))
        return tuple(self.out)

    async def unban(self, host: str) -> KickRow:
        self.calls.append(("unban", host))
        row = next(row for row in self.out if host in {row.network, row.peer_id})
        self.out.remove(row)
        return row

    async def change(self, change: MemberChange) -> HostRow:
        self.calls.append(("change", change))
        row = self._host(change.host)
        changed = structs.replace(
            row, role=change.role or row.role, limits=change.limits or row.limits
        )
        self.rows[self.rows.index(row)] = changed
        return changed

    async def invites(self) -> tuple[InviteRow, ...]:
        self.calls.append(("invites",))
        return tuple(self.open_invites)

    async def revoke(self, invite_id: str) -> InviteRow:
        self.calls.append(("revoke", invite_id))
        row = next(row for row in self.open_invites if row.id == invite_id)
        self.open_invites.remove(row)
        return row

    async def open(self, *, on: bool) -> TrackerStatus:
        return await self._set("open", on)

    async def drain(self, *, on: bool) -> TrackerStatus:
        return await self._set("drain", on, "draining")

    async def motd(self, text: str) -> TrackerStatus:
        return await self._set("motd", text)

    async def _set(self, method: str, value: object, name: str = "") -> TrackerStatus:
        self.calls.append((method, value))
        self.state[name or method] = value
        await self.tell_sections()
        return await self.status()

    async def audit(self, page: Page) -> AuditPage:
        self.calls.append(("audit", page))
        found = [row for row in self.acts if page.filter in f"{row.act} {row.target} {row.why}"]
        rows = tuple(found[page.offset : page.offset + page.limit])
        return AuditPage(rows=rows, total=len(found))

    async def history(self, page: Page) -> FetchPage:
        self.calls.append(("history", page))
        found = [row for row in self.fetches if page.filter in f"{row.nick} {row.name}"]
        rows = tuple(found[page.offset : page.offset + page.limit])
        return FetchPage(rows=rows, total=len(found))

    async def feed(
        self, sections: tuple[SectionName, ...], interval_s: float
    ) -> AsyncGenerator[FeedItem, None]:
        queue: asyncio.Queue[FeedItem] = asyncio.Queue()
        self._followers.append(queue)
        try:
            yield Section("status", await self.status())
            while True:
                item = await queue.get()
                yield item
                if isinstance(item, Stopped):
                    return
        finally:
            self._followers.remove(queue)

    def _host(self, text: str) -> HostRow:
        for row in self.rows:
            if text in {row.peer_id, row.nick}:
                return row
        raise not_found("No such host", f"nobody is known as {text!r}", "See: hosts.")


def _wave(step: int, newest: float) -> float:
    """A figure that goes up and down, a little ragged."""
    return newest * (0.62 + 0.3 * math.sin(step / 23) + 0.08 * (step * 7 % 11) / 11)


def _order(field: str) -> Callable[[Any], Any]:
    def key(row: Any) -> Any:
        value = getattr(row, field)
        return (value is None, value)

    return key
