"""What a screen of the peer is given: a node, and the ways of the command line. Plain values."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from p2ptui.command_context import Context
from p2ptui.command_line import Parsed
from p2ptui.commands import Command
from p2ptui.node.api import NodeApi
from p2ptui.screens.keys import KEYS, Key
from p2ptui.widgets.glyphs import UNICODE, Glyphs

Handler = Callable[[Context[NodeApi], Parsed], Awaitable[None]]
Prepare = Callable[[Context[NodeApi], Command, Parsed], Awaitable[None]]
CompleteLine = Callable[[str], Awaitable[list[str]]]


@dataclass(frozen=True)
class Attached:
    """A node that this program is attached to."""

    api: NodeApi
    close: Callable[[], Awaitable[None]]
    """Leave it; it runs on."""
    ended: Callable[[], Awaitable[bool]]
    """Wait until a node that was told to stop is gone; whether it is."""
    started: bool = False
    """Whether this program started it."""


Attach = Callable[[], Awaitable[Attached]]
"""The running node of the home, or one that is started now. May raise `P2PError`."""


@dataclass(frozen=True)
class Language:
    """The commands: those of the shell, through the same handlers."""

    handlers: Mapping[str, Handler]
    prepare: Prepare
    completer: Callable[[NodeApi], CompleteLine]
    begin: Callable[[Context[NodeApi], bool], Awaitable[None]]
    """What the flags ask for, once attached; the bool says whether the node ran before."""
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
