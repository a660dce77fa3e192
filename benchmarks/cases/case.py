"""Case: what can be asked for on the command line, and what comes of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.table import Line


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to run cases."""

    folder: Path
    """Empty, on the disk that is written to."""
    size: int
    """Bytes of a transfer."""
    rounds: int
    tell: Callable[[str], None]
    """Hears how it goes."""
    members: int = 10_000
    """Members of a crowd."""


@dataclass(slots=True)
class Findings:
    """What cases found, and what could not be run and why."""

    lines: list[Line] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Case:
    """A target that can be measured."""

    name: str
    about: str
    run: Callable[[Wishes, Findings], Awaitable[None]]
