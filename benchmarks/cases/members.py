"""T10: a tracker with many idle members over TLS: memory, ping, the end, the way back.

While they are there its metrics are read over HTTP and held against the status that a console
shows: both must tell the same.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.cases.case import Findings, Wishes
from benchmarks.processes import HOST, Broken, free_port, running, tail_of
from benchmarks.table import Limit
from p2ptui.base.paths import HOME_VARIABLE, Home
from p2ptui.net.loop import raise_descriptor_limit
from tracker.api import TrackerStatus
from tracker.remote import RemoteTracker

FEW_MEMBERS = 2_000
"""Where few descriptors may be open."""
SETTLE_S = 10.0
CONNECT_S = 300.0
BACK_S = 180.0
START_S = 30.0
POLL_S = 0.2
MAX_BYTES_EACH = 60_000
MAX_PING_MS = 100.0
MAX_BACK_MS = 60_000.0
MAX_STOP_MS = 2_000.0
"""For each thousand members."""
SAME = (
    ("p2ptui_tracker_hosts", "hosts"),
    ("p2ptui_tracker_known_hosts", "known"),
    ("p2ptui_tracker_entries", "files"),
    ("p2ptui_tracker_searches_total", "searches"),
    ("p2ptui_tracker_dropped_connections_total", "dropped"),
)


async def many_members(wishes: Wishes, findings: Findings) -> None:
    """All of it, once: it takes minutes."""
    enough = raise_descriptor_limit() >= wishes.members * 5 // 4
    count = wishes.members if enough else min(wishes.members, FEW_MEMBERS)
    folder = wishes.folder / "T10"
    folder.mkdir()
    home = Home.under(folder / "home")
    address, stats = f"{HOST}:{free_port()}", f"{HOST}:{free_port()}"
    crowd = [
        sys.executable, "-m", "benchmarks.crowd", str(home.tracker.folder), address, str(count),
    ]  # fmt: skip

    async with serving(home, address, stats, folder / "first") as (tracker, process):
        before = await tracker.status()
        members = _start(crowd, folder / "crowd")
        try:
            await until_there(tracker, count, CONNECT_S)
            wishes.tell(f"T10: {count} members are there")
            await asyncio.sleep(SETTLE_S)
            status = await tracker.status()
            each = (status.memory_bytes - before.memory_bytes) / count
            slowest_ms, lost = await _pings(tracker)
            wishes.tell(f"T10: loop lag {status.loop_lag_ms} ms, {lost} pings without an answer")
            await asyncio.to_thread(_compare, stats, await tracker.status())
            stop_ms = await _stop_ms(process)
            began = time.monotonic()
            async with serving(home, address, stats, folder / "second") as (again, _):
                await until_there(again, count, BACK_S)
                back_ms = (time.monotonic() - began) * 1000
        finally:
            await asyncio.to_thread(_end, members)
    what = f"{count} idle members"
    max_stop_ms = MAX_STOP_MS * max(1, count / 1000)
    findings.lines += [
        Limit("T10", f"{what}: memory each", (each,), MAX_BYTES_EACH, "bytes"),
        Limit("T10", f"{what}: the slowest ping", (slowest_ms,), MAX_PING_MS, "milliseconds"),
        Limit("T10", f"{what}: stop", (stop_ms,), max_stop_ms, "milliseconds"),
        Limit("T10", f"{what}: all back", (back_ms,), MAX_BACK_MS, "milliseconds"),
    ]
    if lost:
        findings.not_run.append(f"T10: {lost} of {count} pings had no answer")


@asynccontextmanager
async def serving(
    home: Home, address: str, stats: str, log: Path
) -> AsyncIterator[tuple[RemoteTracker, "subprocess.Popen[bytes]"]]:
    """A tracker in a process of its own, and a console of it."""
    command = [
        sys.executable, "-m", "p2ptui", "tracker", "--headless", "--json",
        "--listen", address, "--metrics", stats,
    ]  # fmt: skip
    async with running(command, log, environment={HOME_VARIABLE: os.fspath(home.folder)}) as it:
        tracker = await _console(home, log)
        try:
            yield tracker, it
        finally:
            await tracker.close()


async def until_there(tracker: RemoteTracker, count: int, within_s: float) -> None:
    """Wait until so many members are online. Raises `Broken`."""
    hosts = 0
    try:
        async with asyncio.timeout(within_s):
            while (hosts := (await tracker.status()).hosts) < count:
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise Broken(f"{hosts} of {count} members after {within_s:g} s") from None


async def _console(home: Home, log: Path) -> RemoteTracker:
    try:
        async with asyncio.timeout(START_S):
            while True:
                tracker = await RemoteTracker.connect(home.tracker.control)
                if tracker is not None:
                    return tracker
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise Broken(f"the tracker did not start: {tail_of(log)}") from None


def _start(command: list[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


async def _pings(tracker: RemoteTracker) -> tuple[float, int]:
    """The slowest answer of all members in milliseconds, and how many gave none."""
    rows = await tracker.ping("all")
    times = [row.ping_ms for row in rows if row.ping_ms is not None]
    return max(times, default=0.0), len(rows) - len(times)


def _compare(stats: str, status: TrackerStatus) -> None:
    """Raise `Broken` when the pages tell another story than the console."""
    metrics = dict(
        line.rsplit(" ", 1)
        for line in _get(stats, "/metrics").decode().splitlines()
        if not line.startswith("#")
    )
    page = json.loads(_get(stats, "/stats.json"))
    for name, field in SAME:
        told = (float(metrics[name]), float(page[field]), float(getattr(status, field)))
        if len(set(told)) > 1:
            raise Broken(f"{name}: metrics, stats and status tell {told}")


def _get(stats: str, path: str) -> bytes:
    with urllib.request.urlopen(f"http://{stats}{path}", timeout=10) as answer:
        data: bytes = answer.read()
    return data


async def _stop_ms(process: "subprocess.Popen[bytes]") -> float:
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code = await asyncio.to_thread(process.wait, START_S)
    if code:
        raise Broken(f"the tracker ended with {code}")
    return (time.monotonic() - began) * 1000
