"""`python -m benchmarks [CASE…] [--size 1GiB] [--rounds N] [--in DIR]`.

Prints one table when all is done, and how it goes on stderr meanwhile. Exit code 0 when everything
asked for was measured, whether or not the targets were met; 1 when something could not be run.
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cases.case import Case, Findings, Wishes
from benchmarks.cases.crash import killed_again_and_again
from benchmarks.cases.hashing import hashing
from benchmarks.cases.idle import idle_node
from benchmarks.cases.index import index
from benchmarks.cases.many_sources import three_sources
from benchmarks.cases.members import many_members
from benchmarks.cases.one_source import against_https, against_sharers
from benchmarks.cases.room import capped_sources, full_room
from benchmarks.cases.screen import key_to_screen
from benchmarks.cases.small_files import many_small_files
from benchmarks.cases.start_up import start_up
from benchmarks.cases.table import large_table
from benchmarks.processes import Broken
from benchmarks.table import format_table
from p2ptui.base.errors import P2PError
from p2ptui.base.text import parse_size
from p2ptui.running import Interrupted, interruptible

CASES = {
    case.name: case
    for case in (
        Case("T1", "one source over TLS, against curl from nginx; memory (T13)", against_https),
        Case("T2", "one source, against ncdc and libtorrent", against_sharers),
        Case("T8", "an index of 1,000,000 entries: searches, one more large share (T9)", index),
        Case("T10", "a tracker with 10,000 idle members, and its restart", many_members),
        Case("T3", "three sources, against aria2c and libtorrent", three_sources),
        Case("T4", "1 to 8 capped sources for one taker", capped_sources),
        Case("T5", "one capped publisher for a room of twelve takers", full_room),
        Case("T6", "10,000 small files as one folder, against rsync", many_small_files),
        Case("T7", "hashing a share of mixed files, against b3sum", hashing),
        Case("T13", "an idle node that shares 100,000 files: memory and CPU", idle_node),
        Case("T11", "key to screen with 60 live transfers", key_to_screen),
        Case("T12", "the time that --help and the first paint take", start_up),
        Case("T14", "kill -9 at random moments of a fetch, 200 times", killed_again_and_again),
        Case("TABLE", "a table of a million rows: fill and repaint", large_table),
    )
}


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for; the exit code."""
    parsed = _arguments().parse_args(words)
    names = [name.upper() for name in parsed.cases] or list(CASES)
    findings = Findings()
    load_before = _load()
    with tempfile.TemporaryDirectory(
        dir=parsed.folder, prefix="p2ptui-benchmark-", ignore_cleanup_errors=True
    ) as folder:
        wishes = Wishes(Path(folder), parsed.size, parsed.rounds, _tell, parsed.members)
        try:
            asyncio.run(interruptible(_run([CASES[name] for name in names], wishes, findings)))
        except Interrupted:
            findings.not_run.append("the rest: interrupted")
    print(format_table(findings.lines))
    print(f"\n{_machine()}; load {load_before} before and {_load()} after")
    for reason in findings.not_run:
        print(f"not run: {reason}")
    return 1 if findings.not_run else 0


async def _run(cases: Sequence[Case], wishes: Wishes, findings: Findings) -> None:
    for case in cases:
        try:
            await case.run(wishes, findings)
        except (Broken, P2PError, OSError) as problem:
            findings.not_run.append(f"{case.name}: {problem}")


def _arguments() -> argparse.ArgumentParser:
    known = "\n".join(f"  {case.name:<5}{case.about}" for case in CASES.values())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure p2ptui beside other programs.",
        epilog=f"cases:\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "cases", nargs="*", metavar="CASE", type=_case, help="what to run (default: all)"
    )
    parser.add_argument(
        "--size", type=_size, default=1 << 30, help="bytes of a transfer (default: 1GiB)"
    )
    parser.add_argument(
        "--rounds", type=_rounds, default=5, help="turns of each that count (default: 5)"
    )
    parser.add_argument(
        "--members", type=_rounds, default=10_000, help="members of a crowd (default: 10000)"
    )
    parser.add_argument(
        "--in", dest="folder", metavar="DIR", help="folder on the disk to write to (default: temp)"
    )
    return parser


def _case(word: str) -> str:
    if word.upper() not in CASES:
        raise argparse.ArgumentTypeError(f"no case {word!r}; there are {', '.join(CASES)}")
    return word.upper()


def _size(word: str) -> int:
    try:
        size = parse_size(word)
    except P2PError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if size < 1:
        raise argparse.ArgumentTypeError("there must be something to transfer")
    return size


def _rounds(word: str) -> int:
    rounds = int(word)
    if rounds < 1:
        raise argparse.ArgumentTypeError("at least one")
    return rounds


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
