"""A scene for screens: a library, hits, transfers in every state, members. Fixed values, no clock.

The same in tests, in the pictures of the documents, and in the benchmarks of the screen.
"""

import base64
import hashlib

import msgspec

from p2ptui.base.ids import ContentId, PeerId, TransferId, content_id_text
from p2ptui.node.api import (
    FileRow,
    FileState,
    HitRow,
    HostRow,
    Ownership,
    PeerPart,
    RemoteFile,
    SourceRow,
    StoryLine,
    TransferRow,
    TransferState,
)
from p2ptui.node.events import (
    Connected,
    FetchFailed,
    FetchFinished,
    NodeEvent,
    Published,
    TrackerNotice,
)

TIME = 1_800_000_000.0
"""Now: 2027-01-15, 08:00:00 UTC."""
HITS = 3_000
MB = 1_000_000
GB = 1_000_000_000


def content_of(name: str) -> str:
    """A content id for a name."""
    return content_id_text(ContentId(hashlib.sha256(name.encode()).digest()))


def peer_of(nick: str) -> PeerId:
    """A peer id for a nick."""
    return PeerId(base64.b32encode(hashlib.sha1(nick.encode()).digest()).decode().lower())


def file(name: str, size: int, state: FileState = "shared", **more: object) -> FileRow:
    """A file of the library."""
    return FileRow(
        name=name,
        size=size,
        content_id=content_of(name) if state == "shared" else "",
        state=state,
        path=f"/srv/share/{name}",
        changed=TIME - 86_400 * (size % 300),
        owners=size % 41 if state == "shared" else None,
        **more,  # type: ignore[arg-type]  # checked by msgspec
    )


def library() -> list[FileRow]:
    """Folders and files, each state of a file among them."""
    return [
        file("Documents/thesis-final.pdf", 4_100_000),
        file("Documents/notes-2026.md", 18_000),
        file("Documents/drafts/chapter-1.md", 31_000),
        *(file(f"Music/album-{n:02}/track-{n:02}.flac", 30 * MB + n) for n in range(1, 25)),
        file("Isos/alpine-3.24-x86_64.iso", 212 * MB),
        file("Isos/debian-13.1-amd64-netinst.iso", 680 * MB),
        file("Isos/nixos-26.05-minimal.iso", 1_100 * MB, "hashing", done=462 * MB),
        file("Isos/void-live-2026-01.iso", 1_000 * MB, "error", reason="cannot be read: EACCES"),
        *(file(f"Photos/2026/IMG_{n:04}.jpg", 3 * MB + n, "listed") for n in range(1, 13)),
        file("welcome.txt", 1_204),
        file("talk-slides.pdf", 9_400_000),
    ]


def hits(count: int = HITS) -> list[HitRow]:
    """What a search can find: systems of many kinds, the rest numbered."""
    best = ("mira-nas", "lab-07", "zoe-mbp", "lab-02", "kiosk-1", "attic-pi", "lab-11")
    have: dict[int, Ownership] = {1: "fetching", 3: "have"}
    found = []
    for n in range(count):
        name = f"linux/debian-13.{n % 10}-{_ARCHITECTURES[n % 5]}-{_KINDS[n // 5 % 4]}-{n:04}.iso"
        owners = max(57 - n // 2, n % 6)
        found.append(
            HitRow(
                content_id=content_of(name),
                name=name,
                names=(name, f"mirror/{n:04}.iso"),
                size=(590 + 331 * (n % 11)) * MB,
                owners=owners,
                known=owners + n % 7,
                best=best[n % len(best)] if owners else "",
                have=have.get(n, "new"),
            )
        )
    return found


_ARCHITECTURES = ("amd64", "arm64", "riscv64", "i386", "ppc64el")
_KINDS = ("netinst", "DVD-1", "xfce-live", "cloud")


def down(
    number: int, name: str, size: int, done: int, state: TransferState = "active", **more: object
) -> TransferRow:
    """A download."""
    row: dict[str, object] = {
        "id": TransferId(number), "direction": "down", "name": name,
        "content_id": content_of(name), "size": size, "done": done, "rate_bps": 0,
        "state": state, "sources": 0, "known": 9, "started": TIME - 60, "seconds": 42.0,
    }  # fmt: skip
    return TransferRow(**(row | more))  # type: ignore[arg-type]  # checked by msgspec


def changed(row: TransferRow, **more: object) -> TransferRow:
    """The row with other values."""
    return msgspec.structs.replace(row, **more)


def up(  # noqa: PLR0917  (a row of a table)
    number: int, name: str, size: int, done: int, rate_bps: int, peer: str
) -> TransferRow:
    """An upload."""
    return TransferRow(
        id=TransferId(number), direction="up", name=name, content_id=content_of(name), size=size,
        done=done, rate_bps=rate_bps, state="active", sources=0, known=0,
        peer=f"{peer} ({peer_of(peer)[:8]})", eta_s=(size - done) / rate_bps, started=TIME - 30,
    )  # fmt: skip


def live() -> list[TransferRow]:
    """Transfers that are under way, in each such state."""
    return [
        down(1, "debian-13.2-amd64-DVD-1.iso", 3_900 * MB, 2_418 * MB, rate_bps=96_400_000,
             sources=41, known=57, eta_s=15.0),
        down(2, "blender-open-movies-4k.tar", 42 * GB, 13 * GB, rate_bps=71_000_000, sources=12,
             known=12, eta_s=408.0),
        down(3, "nixos-26.05-minimal.iso", 1_100 * MB, 462 * MB, rate_bps=17_200_000, sources=4,
             known=6, eta_s=38.0),
        up(4, "alpine-3.24-x86_64.iso", 212 * MB, 187 * MB, rate_bps=24_100_000, peer="zoe-mbp"),
        up(5, "thesis-final.pdf", 4_100_000, 615_000, rate_bps=7_100_000, peer="lab-07"),
        down(6, "wikipedia-en-2026-09.zim", 110 * GB, 7_700 * MB, "paused", sources=0, known=9),
        down(7, "old-backup-2019.tar.gz", 5 * GB, 2_650 * MB, "stalled",
             reason="no source is online", known=1),
        down(8, "openstreetmap-planet.pbf", 82 * GB, 0, "queued", turn=1, known=5),
        down(9, "raspios-lite-arm64.img", 2_700 * MB, 0, "locating", known=0),
        down(10, "archlinux-2026.01.iso", 1_200 * MB, 1_200 * MB, "finishing", sources=3, known=3),
        down(11, "steam-library.tar", 900 * GB, 310 * GB, "no_space",
             reason="needs 590 GB and has 63 GB in /srv/share"),
    ]  # fmt: skip


def past() -> list[TransferRow]:
    """Transfers that are over, the newest first."""
    return [
        down(12, "fedora-workstation-44.iso", 2_300 * MB, 2_300 * MB, "finished", sources=33,
             path="/srv/share/fedora-workstation-44.iso", finished=TIME - 5, seconds=21.0),
        down(13, "broken-archive.zip", 90 * MB, 48 * MB, "failed", sources=0, known=1,
             reason="its content does not verify", finished=TIME - 90),
        down(14, "kernel-6.19.tar.xz", 150 * MB, 12 * MB, "cancelled", finished=TIME - 200),
    ]  # fmt: skip


def over(count: int = 40) -> list[TransferRow]:
    """A longer past, both ways: files of several givers, uploads, a folder."""
    gave = tuple(
        PeerPart(peer_id=peer_of(nick), nick=nick, bytes=share * MB)
        for nick, share in (("mira-nas", 1_300), ("lab-07", 800), ("zoe-mbp", 200))
    )
    rows = [changed(row, peers=gave) if row.state == "finished" else row for row in past()]
    rows.append(
        changed(
            down(15, "jazz", 900 * MB, 900 * MB, "finished", path="/srv/share/jazz",
                 finished=TIME - 4_000, seconds=30.0, peers=gave[:1]),
            content_id="", files=24, files_done=24, host=peer_of("mira-nas"), remote="music/jazz",
        )
    )  # fmt: skip
    for n in range(count):
        nick = ("kiosk-1", "attic-pi", "lab-11")[n % 3]
        row = up(16 + n, f"talk-{n:02}.mp4", 700 * MB, 700 * MB, 10 * MB, nick)
        took = (PeerPart(peer_id=peer_of(nick), nick=nick, bytes=row.size),)
        ended = TIME - 86_400 * (1 + 9 * n)
        rows.append(
            changed(row, state="finished", finished=ended, started=ended - 70, seconds=70.0,
                    rate_bps=0, eta_s=None, peers=took)
        )  # fmt: skip
    return rows


def sources() -> tuple[SourceRow, ...]:
    """Sources of a download, with their stories."""
    told = (
        ("mira-nas", "active", "", 1_400 * MB, 61_000_000, None, ("connected", "brings chunks")),
        ("lab-07", "active", "", 1_018 * MB, 35_400_000, None, ("connected", "brings chunks")),
        ("zoe-mbp", "failed", "timed out", 0, 0, 24.0, ("dialled at 10.0.4.33:7071", "timed out")),
        ("attic-pi", "waiting", "", 0, 0, None, ()),
    )
    return tuple(
        SourceRow(
            peer_id=peer_of(nick), nick=nick, addresses=(f"10.0.4.{n + 30}:7071",), state=state,
            reason=reason, done=done, rate_bps=rate_bps, retry_s=retry_s,
            story=tuple(StoryLine(time=TIME - 40 + n, text=text) for n, text in enumerate(story)),
        )
        for n, (nick, state, reason, done, rate_bps, retry_s, story) in enumerate(told)
    )  # fmt: skip


def members() -> list[HostRow]:
    """Members of the swarm: each way to reach one, each thing to know of its key."""
    told = (
        ("mira-nas", 8_840, 318 * GB, 0.4, True, True, "direct", "pinned"),
        ("lab-07", 1_204, 90 * GB, 1.2, True, True, "direct", "pinned"),
        ("zoe-mbp", 212, 31 * GB, 18.0, False, True, "connect-back", "new"),
        ("kiosk-1", 14, 2 * GB, 44.0, False, True, "relay", "pinned"),
        ("attic-pi", 38, 512 * MB, None, None, False, "", "CHANGED"),
        ("lab-11", 0, 0, None, None, False, "", ""),
    )
    return [
        HostRow(
            peer_id=peer_of(nick), nick=nick, address=f"10.0.4.{n + 30}:7071", files=files,
            bytes=size, ping_ms=ping_ms, reachable=reachable, online=online,
            seen=TIME - 3_600 * n, slots=4 if online else None, path=path, key=key,
        )
        for n, (nick, files, size, ping_ms, reachable, online, path, key) in enumerate(told)
    ]  # fmt: skip


def remote_files() -> list[RemoteFile]:
    """What a member shares."""
    names = (
        ("Films/holiday-2025.mkv", 2 * GB),
        ("Films/short.mkv", 80 * MB),
        ("Books/a-book.epub", 2 * MB),
        ("readme.txt", 700),
    )
    return [
        RemoteFile(name=name, size=size, content_id=content_of(name), changed=TIME)
        for name, size in names
    ]


def log() -> tuple[NodeEvent, ...]:
    """What happened in the last two minutes, a line of each level."""
    return (
        Connected(
            time=TIME - 114, tracker="lab.example", peer_id=peer_of("leo-x1"),
            address="10.0.4.2:7070",
        ),
        Published(time=TIME - 113, files=12_408, bytes=318 * GB, seconds=1.9),
        FetchFailed(
            time=TIME - 90, id=TransferId(13), name="broken-archive.zip",
            content_id=content_of("broken"), reason="its content does not verify",
        ),
        TrackerNotice(time=TIME - 25, level="warning", text="The tracker restarts at noon."),
        FetchFinished(
            time=TIME - 5, id=TransferId(12), name="fedora-workstation-44.iso",
            content_id=content_of("fedora"), path="~/p2ptui/fedora-workstation-44.iso",
            bytes=2_300 * MB, seconds=21.0, sources=33,
        ),
    )  # fmt: skip
