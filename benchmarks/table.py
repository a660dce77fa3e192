"""Table: what was measured, held against its target, as aligned text. Pure: measures nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from p2ptui.base.text import format_bytes, format_rate

Unit = Literal["milliseconds", "bytes"]
Speed = Literal["bytes", "files"]
"""Of what so many a second are counted."""

HEADINGS = ("case", "what", "ours", "against", "theirs", "ratio", "rounds", "target", "")
_RIGHT = frozenset({"ours", "theirs", "target"})
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much faster we are than another program that took turns with us."""

    case: str
    what: str
    rival: str
    ours: tuple[float, ...]
    """Bytes or files per second, one a round."""
    theirs: tuple[float, ...]
    """The same of the same rounds."""
    at_least: float
    unit: Speed = "bytes"

    @property
    def each(self) -> tuple[float, ...]:
        """The ratio of every round: what slows down the machine slows down both sides of it."""
        return tuple(our / their for our, their in zip(self.ours, self.theirs, strict=True))

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return median(self.each) >= self.at_least

    def cells(self) -> tuple[str, ...]:
        """Its line of the table."""
        low, high = min(self.each), max(self.each)
        return (
            self.case,
            self.what,
            _speed(median(self.ours), self.unit),
            self.rival,
            _speed(median(self.theirs), self.unit),
            f"{median(self.each):.2f}× ({low:.2f} to {high:.2f})",
            str(len(self.ours)),
            f"≥ {self.at_least:g}×",
            _verdict(self.met),
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure of ours that must stay under a limit."""

    case: str
    what: str
    values: tuple[float, ...]
    at_most: float
    unit: Unit

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return median(self.values) <= self.at_most

    def cells(self) -> tuple[str, ...]:
        """Its line of the table."""
        return (
            self.case,
            self.what,
            _amount(median(self.values), self.unit),
            "",
            "",
            "",
            str(len(self.values)),
            f"≤ {_amount(self.at_most, self.unit)}",
            _verdict(self.met),
        )


@dataclass(frozen=True, slots=True)
class Fraction:
    """A figure of ours as a multiple of something that is known, with a bound."""

    case: str
    what: str
    values: tuple[float, ...]
    of: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        found = median(self.values)
        above = self.at_least is None or found >= self.at_least
        return above and (self.at_most is None or found <= self.at_most)

    def cells(self) -> tuple[str, ...]:
        """Its line of the table."""
        low, high = min(self.values), max(self.values)
        least, most = self.at_least, self.at_most
        return (
            self.case,
            self.what,
            "",
            self.of,
            "",
            f"{median(self.values):.2f}× ({low:.2f} to {high:.2f})",
            str(len(self.values)),
            f"≥ {least:g}×" if least is not None else f"≤ {most:g}×",
            _verdict(self.met),
        )


@dataclass(frozen=True, slots=True)
class AtLeast:
    """How many of something we do in a second."""

    case: str
    what: str
    values: tuple[float, ...]
    at_least: float

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return median(self.values) >= self.at_least

    def cells(self) -> tuple[str, ...]:
        """Its line of the table."""
        return (
            self.case,
            self.what,
            f"{median(self.values):.0f}/s",
            "",
            "",
            "",
            str(len(self.values)),
            f"≥ {self.at_least:.0f}/s",
            _verdict(self.met),
        )


Line = Ratio | Limit | Fraction | AtLeast


def format_table(lines: Sequence[Line]) -> str:
    """Aligned text, numbers to the right; medians and, for a ratio, its least and its greatest."""
    rows = [HEADINGS, *(line.cells() for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        _GAP.join(
            cell.rjust(width) if heading in _RIGHT else cell.ljust(width)
            for cell, width, heading in zip(row, widths, HEADINGS, strict=True)
        ).rstrip()
        for row in rows
    )


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def _amount(value: float, unit: Unit) -> str:
    return f"{value:.0f} ms" if unit == "milliseconds" else format_bytes(round(value))


def _speed(value: float, unit: Speed) -> str:
    return f"{value:.0f} files/s" if unit == "files" else format_rate(value)
