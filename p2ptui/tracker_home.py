"""What is done to a tracker's home without a tracker: looking it over, putting a backup back."""

import asyncio
from pathlib import Path

from p2ptui.base.errors import ExitCode
from p2ptui.base.paths import Home
from p2ptui.base.settings import Settings
from p2ptui.base.text import display
from p2ptui.command_context import absolute_path
from p2ptui.command_line import Parsed
from p2ptui.home_lock import HomeLock, in_use
from p2ptui.net.loop import raise_descriptor_limit
from p2ptui.output import Column, Output
from p2ptui.peer_tables import local_time
from tracker.check import Check, check_tracker
from tracker.restore import restore_tracker

CHECKS: tuple[Column[Check], ...] = (
    Column("check", lambda row: row.check),
    Column("", lambda row: row.state),
    Column("found", lambda row: row.found),
)


async def run_check(home: Home, settings: Settings, out: Output) -> int:
    """`p2ptui tracker --check`; exit code 2 when something keeps a tracker from its work."""
    running = False
    if home.tracker.lock.exists():
        lock = HomeLock.take(home.tracker.lock)
        running = lock is None
        if lock is not None:
            lock.release()
    checks = await asyncio.to_thread(
        lambda: check_tracker(
            home.tracker, settings.tracker, running=running, descriptors=raise_descriptor_limit()
        )
    )
    out.table(CHECKS, checks, "")
    for check in checks:
        if check.hint:
            out.say(f"{check.check}: {display(check.hint)}")
    wrong = any(check.state == "problem" for check in checks)
    return ExitCode.USAGE if wrong else ExitCode.DONE


async def run_restore(home: Home, args: Parsed, out: Output) -> int:
    """`p2ptui tracker restore FILE`."""
    archive = Path(absolute_path(args.word(0)))
    lock = HomeLock.take(home.tracker.lock)
    if lock is None:
        raise in_use(home.tracker.lock, "tracker")
    with lock:
        restored = await asyncio.to_thread(restore_tracker, archive, home.tracker)
    for path in restored.kept:
        out.say(f"kept as it is: {display(path)}")
    out.result(
        {
            "restored": str(home.tracker.folder),
            "swarm": restored.swarm,
            "fingerprint": restored.pin,
            "time": restored.made,
            "kept": restored.kept,
        },
        f"restored {display(restored.swarm)} of {local_time(restored.made)}, fingerprint "
        f"{restored.pin}, into {display(str(home.tracker.folder))}",
    )
    return ExitCode.DONE
