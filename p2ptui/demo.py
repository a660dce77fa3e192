"""`p2ptui demo`: a tracker and three peers on this machine share real files, told step by step.

Every step checks what it tells; the first that is not right ends the demo with exit code 1.
"""

import asyncio
import filecmp
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import short_content_id
from p2ptui.base.settings import load_settings
from p2ptui.base.text import (
    cell_width,
    display,
    format_bytes,
    format_count,
    format_duration,
    format_rate,
)
from p2ptui.demo_peer import Peer
from p2ptui.demo_stage import Stage
from p2ptui.demo_telling import Step, Told, wrong
from p2ptui.demo_trouble import BYTES as TROUBLE_BYTES
from p2ptui.demo_trouble import Trouble
from p2ptui.headless import files_and_bytes
from p2ptui.node.api import FetchRequest, HitRow, Page
from p2ptui.output import Output, standard_output
from p2ptui.running import Interrupted, interruptible
from tracker.api import DiscoverRequest
from tracker.api import Page as TrackerPage
from tracker.remote import RemoteTracker

SWARM = "demo"
PEERS = ("anna", "ben", "cleo")
LARGE_NAME = "large.bin"
LARGE_BYTES = 256 << 20
SHOWN_BPS = 6_000_000
"""Download limit of the peer whose screen is shown; its user may change it with { and }."""
SPARE_BYTES = 512 << 20
"""What downloads leave free, the databases, and a little more."""
SMALL_QUERY = "json decoder.py"
SMALL_NAME = "json/decoder.py"
STEP_S = 60.0
NAME_CELLS, TEXT_CELLS, TIME_CELLS = 9, 60, 8


def run_demo(*, as_json: bool, screen: bool = False) -> int:
    """Play the demo; the exit code. Raises `P2PError` when a step is not right.

    `screen`: play the beginning alone, then open the full-screen peer on one of the three.
    """
    out = standard_output(as_json=as_json)
    try:
        asyncio.run(interruptible(_show(out) if screen else _play(out)))
    except Interrupted:
        out.say("The demo was interrupted; nothing of it is left.")
        return ExitCode.INTERRUPTED
    return ExitCode.DONE


async def _play(out: Output) -> None:
    start = time.monotonic()
    with Stage() as stage:
        out.say(f"A tracker and three peers, each a process of its own, in {stage.folder}")
        demo = Demo(stage)
        await _take_steps(out, stage, demo.steps)
    count = len(demo.steps)
    seconds = time.monotonic() - start
    row = {"step": "all", "seconds": seconds, "text": "all is right", "steps": count}
    out.result(row, f"All is right: {count} steps in {format_duration(seconds)}.")


async def _show(out: Output) -> None:
    with Stage() as stage:
        out.say("A tracker and three peers share real files; then you are one of them: cleo.")
        demo = Demo(stage)
        await _take_steps(out, stage, demo.opening)
        await demo.begin_slow_fetch()
        from p2ptui.peer_app import run_peer_app  # noqa: PLC0415  (Textual, for this alone)

        home = stage.home_of("cleo")
        await run_peer_app(home, load_settings(home.settings, {}))
    out.say("The demo is over; nothing of it is left.")


async def _take_steps(out: Output, stage: Stage, steps: Sequence[tuple[str, Step]]) -> None:
    for name, step in steps:
        began = time.monotonic()
        try:
            async with asyncio.timeout(STEP_S):
                told = await step()
        except (P2PError, OSError) as error:
            for line in stage.last_words():
                out.say(display(line))
            raise _failure(name, error) from error
        seconds = time.monotonic() - began
        row = {"step": name, "seconds": seconds, "text": told.text, **told.figures}
        out.result(row, format_step(name, told.text, seconds))


def format_step(name: str, text: str, seconds: float) -> str:
    """One aligned line: the step, what happened, the time that it took."""
    space = " " * max(TEXT_CELLS - cell_width(text), 0)
    return f"{name:<{NAME_CELLS}} {text}{space} {format_duration(seconds):>{TIME_CELLS}}"


def _failure(step: str, error: P2PError | OSError) -> P2PError:
    title = f"The demo's step '{step}' failed"
    if isinstance(error, P2PError):
        return P2PError(title, str(error), error.hint)
    if isinstance(error, TimeoutError):
        late = f"It was not done within {format_duration(STEP_S)}."
        return P2PError(title, late, "The machine may be too busy; try again.")
    return P2PError(title, str(error), "Check the space and the rights of the temporary folder.")


class Demo:
    """The play. Each step leaves to the next what it needs."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._tracker: RemoteTracker
        self._link = ""
        self._anna: Peer
        self._ben: Peer
        self._cleo: Peer
        self._library = _standard_library()
        self._large = Path()
        self._hit: HitRow
        self._fetched = Path()
        self._trouble: Trouble

    @property
    def opening(self) -> tuple[tuple[str, Step], ...]:
        """The steps until there is something to find."""
        return (
            ("tracker", self._start_tracker),
            ("invite", self._invite),
            ("join", self._join),
            ("share", self._share),
            ("publish", self._publish),
        )

    @property
    def steps(self) -> tuple[tuple[str, Step], ...]:
        """The steps with their names, in their order."""
        return (
            *self.opening,
            ("search", self._search),
            ("fetch", self._fetch_large),
            ("verify", self._verify),
            ("sources", self._bring_trouble),
            ("trouble", self._fetch_in_trouble),
            ("fetch", self._fetch_small),
            ("fetch", self._fetch_from_one),
            ("remove", self._remove),
            ("discover", self._discover),
            ("ping", self._ping),
            ("stop", self._stop),
        )

    @property
    def _peers(self) -> tuple[Peer, Peer, Peer]:
        return self._anna, self._ben, self._cleo

    async def _start_tracker(self) -> Told:
        self._stage.require_space(2 * (LARGE_BYTES + TROUBLE_BYTES) + SPARE_BYTES)
        self._tracker = await self._stage.start_tracker(SWARM)
        status = await self._tracker.status()
        text = f"listens on {status.listen}, fingerprint {status.pin[:8]}"
        return Told(text, {"address": status.listen, "fingerprint": status.pin})

    async def _invite(self) -> Told:
        invite = await self._tracker.invite(len(PEERS), 3600)
        self._link = invite.link
        return Told(f"a join link for {invite.uses} peers", {"uses": invite.uses})

    async def _join(self) -> Told:
        anna, ben, cleo = PEERS
        self._anna, self._ben, self._cleo = await asyncio.gather(
            self._stage.start_peer(anna, self._library),
            self._stage.start_peer(ben),
            self._stage.start_peer(cleo),
        )
        await asyncio.gather(*(peer.join(self._link) for peer in self._peers))
        status = await self._tracker.status()
        if (status.hosts, status.known) != (len(PEERS), len(PEERS)):
            raise wrong("Not all peers joined", f"{status.hosts} hosts online")
        return Told(f"{', '.join(PEERS)} joined by that link", {"hosts": status.hosts})

    async def _share(self) -> Told:
        status = await self._anna.indexed(self._tracker)
        if status.files < len(self._library):
            raise wrong("Too few files are shared", f"{status.files}")
        text = f"anna: {files_and_bytes(status.files, status.bytes)}, Python's own library"
        return Told(text, {"files": status.files, "bytes": status.bytes})

    async def _publish(self) -> Told:
        self._large = await asyncio.to_thread(self._stage.write_file, LARGE_NAME, LARGE_BYTES)
        rows = [await peer.api.publish(str(self._large), "") for peer in (self._anna, self._ben)]
        ids = {row.content_id for row in rows}
        if len(ids) != 1:
            raise wrong("The same bytes have several content ids", ids)
        await self._anna.indexed(self._tracker)
        await self._ben.indexed(self._tracker)
        content_id = rows[0].content_id
        text = f"anna and ben: {LARGE_NAME}, {format_bytes(rows[0].size)}"
        text += f", id {short_content_id(content_id)}"
        return Told(text, {"content_id": content_id, "bytes": rows[0].size})

    async def begin_slow_fetch(self) -> None:
        """Have cleo fetch the large file at a rate at which a person can watch it."""
        await self._cleo.api.limit("down", SHOWN_BPS)
        await self._cleo.api.fetch(FetchRequest(target=LARGE_NAME))

    async def _search(self) -> Told:
        page = await self._cleo.api.search(LARGE_NAME, Page())
        hits = [row for row in page.rows if row.name == LARGE_NAME]
        if len(hits) != 1 or hits[0].owners != 2:
            raise wrong("The large file is not found at two peers", page.rows)
        self._hit = hits[0]
        text = f"cleo finds {LARGE_NAME} at {self._hit.owners} peers"
        text += f" (the tracker took {page.took_ms:.1f} ms)"
        return Told(text, {"owners": self._hit.owners, "took_ms": page.took_ms})

    async def _fetch_large(self) -> Told:
        done = await self._cleo.fetch(FetchRequest(target=self._hit.content_id))
        self._fetched = Path(done.path)
        if done.sources < 2:
            raise wrong("The large file did not come from several sources", done.sources)
        rate_bps = done.bytes / max(done.seconds, 0.001)
        parts = [
            f"{peer.nick} {format_bytes(await peer.sent(done.content_id))}"
            for peer in (self._anna, self._ben)
        ]
        text = (
            f"cleo: {format_bytes(done.bytes)} at {format_rate(rate_bps)}; from {', '.join(parts)}"
        )
        figures = {"bytes": done.bytes, "rate_bps": rate_bps, "sources": done.sources}
        return Told(text, figures)

    async def _verify(self) -> Told:
        content_id = await self._stage.hash(self._fetched)
        if content_id != self._hit.content_id:
            raise wrong("The fetched file has another content id", content_id)
        if not await asyncio.to_thread(filecmp.cmp, self._large, self._fetched, shallow=False):
            raise wrong("The fetched file differs from the original", self._fetched)
        text = "content id computed anew, and byte for byte the original"
        return Told(text, {"content_id": content_id})

    async def _bring_trouble(self) -> Told:
        self._trouble = Trouble(self._stage, self._tracker, self._anna, self._cleo)
        return await self._trouble.prepare()

    async def _fetch_in_trouble(self) -> Told:
        return await self._trouble.fetch()

    async def _fetch_small(self) -> Told:
        page = await self._cleo.api.search(SMALL_QUERY, Page())
        hits = [row for row in page.rows if SMALL_NAME in row.names]
        if len(hits) != 1:
            raise wrong(f"{SMALL_NAME} is not found", page.rows)
        return await self._fetch_and_compare(self._cleo, FetchRequest(target=hits[0].content_id))

    async def _fetch_from_one(self) -> Told:
        status = await self._cleo.indexed(self._tracker)
        request = FetchRequest(target=Path(SMALL_NAME).name, address=status.listen)
        return await self._fetch_and_compare(self._ben, request)

    async def _remove(self) -> Told:
        removal = await self._cleo.api.remove(self._fetched.name)
        if not removal.deleted or self._fetched.exists():
            raise wrong("The removed file is still there", removal.deleted or self._fetched)
        await self._cleo.indexed(self._tracker)
        page = await self._tracker.search(LARGE_NAME, TrackerPage())
        owners = [row.owners for row in page.rows]
        if owners != [2]:
            raise wrong("The index still names the peer that removed the file", owners)
        text = f"cleo withdrew and deleted {removal.name}; {owners[0]} peers still have it"
        return Told(text, {"deleted": removal.deleted, "owners": owners[0]})

    async def _discover(self) -> Told:
        status = await self._anna.api.status()
        page = await self._tracker.discover(DiscoverRequest(host=self._anna.nick))
        if not page.live or page.total != status.files:
            raise wrong("The list of anna's files is not hers", f"{page.total} files")
        count = format_count(page.total)
        text = f"anna answers the tracker with her list of {count} files"
        return Told(text, {"files": page.total})

    async def _ping(self) -> Told:
        rows = {row.nick: row.ping_ms for row in await self._tracker.ping("all")}
        if set(rows) != set(PEERS) or None in rows.values():
            raise wrong("Not every peer answered a ping", rows)
        text = ", ".join(f"{nick} {rows[nick]:.1f} ms" for nick in PEERS)
        return Told(text, {f"{nick}_ms": rows[nick] for nick in PEERS})

    async def _stop(self) -> Told:
        if failed := await self._stage.stop_all():
            raise wrong("Not all processes ended well", ", ".join(failed))
        return Told("all four processes ended well", {"processes": len(PEERS) + 1})

    async def _fetch_and_compare(self, peer: Peer, request: FetchRequest) -> Told:
        done = await peer.fetch(request)
        original = _standard_folder() / SMALL_NAME
        if not await asyncio.to_thread(filecmp.cmp, original, done.path, shallow=False):
            raise wrong("The fetched file differs from the original", done.path)
        place = f"{request.address} alone" if request.address else f"{done.sources} source"
        text = f"{peer.nick}: {done.name}, {format_bytes(done.bytes)}, right, from {place}"
        return Told(text, {"name": done.name, "bytes": done.bytes, "fetch_s": done.seconds})


def _standard_folder() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _standard_library() -> tuple[Path, ...]:
    """The packages of the standard library; not the other packages that lie in its folder."""
    packages = sorted(
        path
        for path in _standard_folder().iterdir()
        if path.name in sys.stdlib_module_names and (path / "__init__.py").is_file()
    )
    if "json" not in {path.name for path in packages}:
        raise P2PError(
            "Python's standard library lies in no folder here",
            str(_standard_folder()),
            "Run the demo with another Python.",
        )
    return tuple(packages)
