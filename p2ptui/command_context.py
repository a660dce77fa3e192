"""What carries out a command, whichever side it belongs to: an api, an output, and how to wait."""

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.text import format_count, parse_duration
from p2ptui.command_line import Parsed
from p2ptui.output import Output
from p2ptui.progress import NoProgress, ProgressSink

Api_co = TypeVar("Api_co", covariant=True)
Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)
PAGE = 200
ROWS = 200
"""Rows that a list shows unless told otherwise."""

Question = Callable[[str], Awaitable[bool]]
"""Asks the person at the terminal; whether the answer is yes."""


@dataclass(frozen=True)
class Context(Generic[Api_co]):
    """Where a command runs."""

    api: Api_co
    out: Output
    progress: ProgressSink = field(default_factory=NoProgress)
    wait: bool = True
    """Whether a fetch is waited for; not where a person goes on typing."""
    timeout_s: float | None = None
    ask: Question | None = None
    """None: nobody is there to be asked."""
    stays: bool = True
    """Whether the engine outlives the command."""


class RowPage(Protocol[Row_co]):
    """A page of anything."""

    @property
    def rows(self) -> Sequence[Row_co]:
        """The rows of this page."""
        ...

    @property
    def total(self) -> int:
        """Rows of all pages."""
        ...


async def gather_rows(
    read: Callable[[int, int], Awaitable[RowPage[Row]]],
    args: Parsed,
    out: Output,
    keep: Callable[[Row], bool] = lambda _row: True,
) -> list[Row]:
    """The first rows of a list, as many as `--limit` says; tells when there are more."""
    wanted = row_limit(args)
    rows: list[Row] = []
    offset = 0
    while True:
        page = await read(offset, PAGE)
        rows += [row for row in page.rows if keep(row)]
        offset += len(page.rows)
        if not page.rows or offset >= page.total or (wanted and len(rows) >= wanted):
            break
    left = page.total - offset + max(len(rows) - wanted, 0) if wanted else 0
    if left > 0:
        out.say(f"(about {format_count(left)} more; --limit 0 shows all)")
    return rows[:wanted] if wanted else rows


def row_limit(args: Parsed) -> int:
    """Rows asked for; 0: all. Raises a usage error."""
    text = args.text("limit") or str(ROWS)
    if not text.isdecimal():
        raise usage_error("Not a number of rows", text, "Write --limit 50, or --limit 0 for all.")
    return int(text)


def absolute_path(text: str) -> str:
    """A local path as the node, in another folder, can use it. Follows no links."""
    return os.path.abspath(os.path.expanduser(text))  # noqa: PTH100, PTH111  (links stay as they are)


def time_limit(args: Parsed) -> float | None:
    """Seconds of `--timeout`; None without. Raises a usage error."""
    text = args.text("timeout")
    return parse_duration(text) if text else None


def wrong_number(what: str, text: str, hint: str) -> P2PError:
    """A word that should be a number."""
    return usage_error(f"Not {what}", repr(text[:40]), hint)
