"""Writing a list to a file, row by row: CSV, or JSON lines. An existing file is never touched."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.text import display
from p2ptui.output import to_json

FORMULA = frozenset("=+-@")
"""What a spreadsheet takes for the beginning of a formula."""
Fields = Mapping[str, object]


def check_path(text: str) -> str:
    """Why a file cannot be written there; empty when it seems that it can. Blocks shortly."""
    path = Path(text.strip()).expanduser()
    if not text.strip():
        return "A name, as hosts.csv or hosts.jsonl."
    if path.exists() or path.is_symlink():
        return "It exists already: nothing is overwritten."
    return "" if path.parent.is_dir() else "There is no such folder."


async def export(
    path: Path, pages: AsyncIterator[Sequence[object]], fields_of: Callable[[object], Fields]
) -> int:
    """Write all rows; how many. Raises `P2PError`, and leaves no half file then.

    A name that ends in `.csv` makes CSV, with a line of titles; any other makes JSON lines.
    """
    as_csv = path.suffix.lower() == ".csv"
    try:
        file = await asyncio.to_thread(path.open, "x", encoding="utf-8", newline="")
    except OSError as error:
        raise _unwritten(path, error) from error
    count = 0
    try:
        with file:
            async for rows in pages:
                block = [fields_of(row) for row in rows]
                text = _csv_block(block, titles=not count) if as_csv else _json_block(rows)
                await asyncio.to_thread(_write, file, text)
                count += len(block)
    except BaseException as error:
        path.unlink(missing_ok=True)  # noqa: ASYNC240  (short, and it may be cancelled)
        if isinstance(error, OSError):
            raise _unwritten(path, error) from error
        raise
    return count


def _write(file: IO[str], text: str) -> None:
    file.write(text)
    file.flush()


def _json_block(rows: Sequence[object]) -> str:
    return "".join(f"{to_json(row)}\n" for row in rows)


def _csv_block(block: Sequence[Fields], *, titles: bool) -> str:
    if not block:
        return ""
    text = io.StringIO()
    writer = csv.writer(text)
    if titles:
        writer.writerow(block[0])
    writer.writerows([_cell(value) for value in fields.values()] for fields in block)
    return text.getvalue()


def _cell(value: object) -> object:
    """Text of others is shown by spreadsheets, never obeyed."""
    if not isinstance(value, str):
        return "" if value is None else value
    shown = display(value)
    return f"'{shown}" if shown[:1] in FORMULA else shown


def _unwritten(path: Path, error: OSError) -> P2PError:
    reason = error.strerror or str(error)
    return P2PError("Not written", f"{path}: {reason}", "", exit_code=ExitCode.STORAGE)
