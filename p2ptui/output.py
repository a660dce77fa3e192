"""Results and messages of commands: text for people, JSON lines for programs.

Results go to stdout, everything else to stderr. Every text that came from elsewhere passes
`display()`; in JSON whatever is unprintable is escaped, so that neither form can drive a terminal.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TextIO, TypeVar

import msgspec

from p2ptui.base.errors import P2PError
from p2ptui.base.text import cell_width, display, elide_middle, rfc3339

Row = TypeVar("Row")
TIME_FIELDS = frozenset(
    ("time", "seen", "joined", "changed", "started", "finished", "until", "expires", "retry")
)
"""Fields that hold seconds since 1970; RFC 3339 on output, null when 0 or unknown."""
EVENT_TIME_FIELDS = frozenset({"time"})
NARROWEST = 12
GAP = "  "


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column of a table. The one that flexes gives way on a narrow terminal."""

    title: str
    cell: Callable[[Row], str]
    align: Literal["left", "right"] = "left"
    flex: bool = False


class Output:
    """Where a command writes to. `width` None: not a terminal, nothing is shortened."""

    def __init__(
        self,
        *,
        as_json: bool,
        out: Callable[[str], None],
        err: Callable[[str], None],
        width: int | None = None,
    ) -> None:
        self.as_json = as_json
        self._out = out
        self._err = err
        self._width = width

    def with_json(self, as_json: bool) -> "Output":
        """The same, in the other form."""
        return Output(as_json=as_json, out=self._out, err=self._err, width=self._width)

    def say(self, text: str) -> None:
        """Tell a person something that is no result; programs are not told."""
        if not self.as_json:
            self._err(text)

    def note(self, text: str, **facts: int | str) -> None:
        """Tell of something that changes what a result is worth: programs hear it, too."""
        self._err(to_json({"note": text, **facts}) if self.as_json else text)

    def result(self, value: msgspec.Struct | Mapping[str, object], text: str) -> None:
        """A result in either form."""
        self._out(to_json(value) if self.as_json else text)

    def table(self, columns: Sequence[Column[Row]], rows: Sequence[Row], empty: str) -> None:
        """Rows as aligned text or one JSON object a line; `empty` is said when there are none."""
        if self.as_json:
            for row in rows:
                self._out(to_json(row))
        elif rows:
            for line in format_table(columns, rows, self._width):
                self._out(line)
        else:
            self.say(empty)

    def error(self, error: P2PError) -> None:
        """What went wrong: three short lines, or one object."""
        self._err(to_json(error_fields(error)) if self.as_json else format_error(error))


def format_error(error: P2PError) -> str:
    """Title, what happened and what to do, a line each."""
    lines = [f"p2ptui: {display(error.title)}"]
    lines += [f"  {_visible(part)}" for part in (error.message, error.hint) if part]
    return "\n".join(lines)


def _visible(text: str) -> str:
    return "\n  ".join(display(line) for line in text.split("\n"))


def error_fields(error: P2PError) -> dict[str, object]:
    """The parts of an error, for JSON."""
    return {
        "error": error.title,
        "message": error.message,
        "hint": error.hint,
        "exit_code": int(error.exit_code),
    }


def to_json(value: object) -> str:
    """One JSON object on one line, times in RFC 3339, nothing unprintable left bare."""
    plain = _plain(msgspec.to_builtins(value))
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    if text.isascii():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        # An event has one time; its other fields may count what bears a time's name elsewhere.
        times = EVENT_TIME_FIELDS if "event" in value else TIME_FIELDS
        return {key: _time(item) if key in times else _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return round(value, 3) if isinstance(value, float) else value


def _time(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, int | float) and value else None


def format_table(
    columns: Sequence[Column[Row]], rows: Iterable[Row], width: int | None
) -> list[str]:
    """A header and the rows, aligned; what flexes is shortened in its middle to fit `width`."""
    cells = [[display(column.cell(row)) for column in columns] for row in rows]
    widths = [
        max([cell_width(column.title), *(cell_width(line[index]) for line in cells)])
        for index, column in enumerate(columns)
    ]
    if width is not None:
        _narrow(columns, widths, width)
    header = [column.title for column in columns]
    return [_line(columns, widths, line) for line in [header, *cells]]


def _narrow(columns: Sequence[Column[Row]], widths: list[int], width: int) -> None:
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
    for index, column in enumerate(columns):
        if column.flex and excess > 0:
            kept = max(min(widths[index], NARROWEST), widths[index] - excess)
            excess -= widths[index] - kept
            widths[index] = kept


def _line(columns: Sequence[Column[Row]], widths: list[int], cells: list[str]) -> str:
    parts = []
    for column, width, cell in zip(columns, widths, cells, strict=True):
        text = elide_middle(cell, width)
        space = " " * (width - cell_width(text))
        parts.append(space + text if column.align == "right" else text + space)
    return GAP.join(parts).rstrip()


def write_line(stream: TextIO, text: str) -> None:
    """Write a line and pass it on at once. Raises `BrokenPipeError` when nobody reads."""
    stream.write(text + "\n")
    stream.flush()


def standard_output(*, as_json: bool) -> Output:
    """The output of a process: its stdout and stderr as they are when a line is written."""
    import shutil  # noqa: PLC0415  (for a terminal's width only)

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return Output(
        as_json=as_json,
        out=lambda text: write_line(sys.stdout, text),
        err=lambda text: write_line(sys.stderr, text),
        width=width,
    )
