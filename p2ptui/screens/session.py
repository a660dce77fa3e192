"""What a screen is given: an engine, and the ways of the command line. Plain values."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from p2ptui.command_context import Context
from p2ptui.command_line import Parsed
from p2ptui.commands import Command
from p2ptui.screens.keys import KEYS, Key
from p2ptui.widgets.glyphs import UNICODE, Glyphs

Api = TypeVar("Api")
Api_co = TypeVar("Api_co", covariant=True)
Handler = Callable[[Context[Api], Parsed], Awaitable[None]]
Prepare = Callable[[Context[Api], Command, Parsed], Awaitable[None]]
CompleteLine = Callable[[str], Awaitable[list[str]]]


@dataclass(frozen=True)
class Attached(Generic[Api_co]):
    """An engine that this program is attached to."""

    api: Api_co
    close: Callable[[], Awaitable[None]]
    """Leave it; it runs on."""
    ended: Callable[[], Awaitable[bool]]
    """Wait until an engine that was told to stop is gone; whether it is."""
    started: bool = False
    """Whether this program started it."""


Attach = Callable[[], Awaitable[Attached[Api]]]
"""The running engine of the home, or one that is started now. May raise `P2PError`."""


@dataclass(frozen=True)
class Language(Generic[Api]):
    """The commands: those of the shell, through the same handlers."""

    handlers: Mapping[str, Handler[Api]]
    prepare: Prepare[Api]
    completer: Callable[[Api], CompleteLine]
    begin: Callable[[Context[Api], bool], Awaitable[None]]
    """What the flags ask for, once attached; the bool says whether the engine ran before."""
    start_tracker: Callable[[], Awaitable[str]] | None = None
    """Starts a tracker on this machine; its join link. None: cannot be offered."""


@dataclass(frozen=True)
class Looks:
    """How it is drawn and driven: flags and settings."""

    theme: str = ""
    """A theme's name; empty: our own dark one."""
    glyphs: Glyphs = UNICODE
    keys: tuple[Key, ...] = KEYS
    keymap: Mapping[str, str] = field(default_factory=dict)
    ticking: bool = True
    """Whether screens tick by themselves; tests do it by hand."""
