"""What the screens of both programs have in common: panes, tabs, command line, footer, ticks.

One tick a quarter of a second hands what came over the feed to the panes that are seen. Keys go to
the pane that has the focus, else to the screen's own actions.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.reactive import reactive
from textual.widget import Widget

from p2ptui.command_line import Parsed
from p2ptui.commands import Command, Side
from p2ptui.screens.acting import ActingScreen
from p2ptui.screens.arrangement import WIDE_COLUMNS, WIDE_ROWS, is_narrow
from p2ptui.screens.commanding import Commanding
from p2ptui.screens.feed import INTERVAL_S, Feed
from p2ptui.screens.keys import footer_of
from p2ptui.screens.leaving import Leaving
from p2ptui.screens.messages import EngineGone
from p2ptui.screens.panes.event_log import EventLogPane
from p2ptui.screens.panes.keyed import KeyedPane
from p2ptui.screens.panes.table_pane import TablePane
from p2ptui.screens.session import Language, Looks
from p2ptui.screens.too_small import guard_size
from p2ptui.widgets.command_line import CommandLine
from p2ptui.widgets.key_footer import KeyFooter, KeyHint
from p2ptui.widgets.tabs import Tab, TabStrip


class ConsoleScreen(ActingScreen):
    """The panes of one engine. Subclasses compose them and show the engine's state."""

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE_COLUMNS, "-wide")]  # noqa: RUF012  (as Textual's)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (WIDE_ROWS, "-tall"), (45, "-high")]  # noqa: RUF012
    SIDE: ClassVar[Side]
    PANES: ClassVar[Sequence[str]]
    """Names of the panes, in the order of their digits."""
    FIRST: ClassVar[str]
    """The pane that has the focus at first."""
    EXAMPLES: ClassVar[Sequence[str]]
    """What the empty command line shows."""

    active: reactive[str] = reactive("", init=False)
    """The pane that keys go to; on a small terminal, the one that is seen."""
    leaving: Leaving
    panes: Mapping[str, KeyedPane]

    def __init__(
        self, feed: Feed, language: Language[Any], looks: Looks, api: object, log_pane: EventLogPane
    ) -> None:
        super().__init__()
        self.feed = feed
        self.looks = looks
        self.log_pane = log_pane
        self.commanding = Commanding(self, language, api)
        self.expects_end = False
        """Whether the engine was told to stop from here, or its end is told already."""
        self._stale = set(self.PANES)
        """Panes that have to bring their rows before they are seen."""
        self._shown = asyncio.Event()
        """Whether a tick has shown the engine's state."""
        self.set_reactive(ConsoleScreen.active, self.FIRST)

    def compose(self) -> ComposeResult:
        """Header, tabs, panes, log, command line, footer; what has no room is hidden."""
        glyphs = self.looks.glyphs
        yield self.make_header()
        yield TabStrip(
            [Tab(name, self.panes[name].TITLE, self.panes[name].DIGIT) for name in self.PANES]
        )
        with Horizontal(id="body"):
            yield from self.compose_body()
        yield self.log_pane
        yield CommandLine(
            glyphs=glyphs,
            placeholder=f" {glyphs.separator} ".join(self.EXAMPLES),
            completer=self.commanding.complete,
            helper=self.commanding.helper,
        )
        yield KeyFooter()

    def on_mount(self) -> None:
        """Begin to follow the engine."""
        self.watch_active(self.active)
        self.run_worker(self.feed.follow(), name="feed")
        if self.looks.ticking:
            self.set_interval(INTERVAL_S, self.tick)
        self.focus_pane(self.FIRST)
        self.attempt(self.begin())

    def on_resize(self, event: events.Resize) -> None:
        """Arrange for the new size, and say so when it is too small."""
        self.lay_out()
        guard_size(self.app, event.size)

    # --- for subclasses ---------------------------------------------------------------------------

    def make_header(self) -> Widget:
        """The line on top."""
        raise NotImplementedError

    def compose_body(self) -> ComposeResult:
        """The panes above the log, as the mock has them."""
        raise NotImplementedError

    async def begin(self) -> None:
        """Do what the flags ask for, once the screen is there."""

    def show_state(self, status: object) -> None:
        """Show the newest state of the engine, at each tick."""

    def parts(self) -> Mapping[str, bool]:
        """Selectors of the parts of the screen, and whether each is seen now."""
        raise NotImplementedError

    async def shows(self, command: Command, args: Parsed) -> bool:  # noqa: ARG002  (subclasses do)
        """Whether a typed command was one whose answer has a place of its own, and is shown there.

        May raise `P2PError`.
        """
        return False

    # --- what comes down --------------------------------------------------------------------------

    def tick(self) -> None:
        """Hand on what came since the last tick; panes that are not seen only note it."""
        sections, happened = self.feed.take_sections(), self.feed.take_events()
        if self.feed.take_missed():
            self._stale.update(self.PANES)
        status = self.feed.sections.get("status")
        if status is not None:
            self.show_state(status)
            self._shown.set()
        self.log_pane.hear(happened)
        self.log_pane.tick()
        if self.feed.gone.is_set():  # panes would ask what nobody answers
            if not self.expects_end:
                self.expects_end = True
                self.app.post_message(EngineGone(self.feed.reason))
            return
        for name, pane in self.panes.items():
            if not isinstance(pane, TablePane):
                continue
            for section, value in sections.items():
                pane.show(section, value)
            for event in happened:
                if not self.feed.is_resync(event):
                    pane.hear(event)
            if self.is_seen(name):
                if name in self._stale:
                    self._stale.discard(name)
                    pane.attempt(pane.load(), group="load", exclusive=True)
                pane.tick()

    # --- panes ------------------------------------------------------------------------------------

    @property
    def narrow(self) -> bool:
        """Whether one pane is seen at a time."""
        return is_narrow(self.size.width, self.size.height)

    def focus_pane(self, name: str) -> None:
        """Go to a pane. What it has not shown yet it brings now: the next key may be for that."""
        was_seen = self.is_seen(name)
        self.active = name
        pane = self.panes[name]
        if isinstance(pane, TablePane) and self._shown.is_set() and not was_seen:
            if name in self._stale:
                self._stale.discard(name)
                pane.attempt(pane.load(), group="load", exclusive=True, keys_wait=True)
            pane.tick()
        pane.focus_table()

    def step_pane(self, step: int) -> None:
        """Go to the next pane, or to the one before."""
        panes = [name for name in self.PANES if self.narrow or self.is_seen(name)]
        place = panes.index(self.active) if self.active in panes else 0
        self.focus_pane(panes[(place + step) % len(panes)])

    def is_seen(self, name: str) -> bool:
        """Whether a pane is on the screen now."""
        pane = self.panes[name]
        return self.is_current and all(node.display for node in (pane, *pane.ancestors))

    def open_box(self) -> None:
        """`/`: filter the pane, or search in it."""
        pane = self.panes[self.active]
        if isinstance(pane, TablePane):
            pane.open_box()

    def back(self) -> None:
        """Esc: one step back in the pane."""
        self.panes[self.active].back()

    def watch_active(self, new: str) -> None:
        """Show the pane on a small terminal, and its keys in the footer."""
        self.lay_out()
        self.query_one(TabStrip).active = new
        self.query_one(KeyFooter).hints = tuple(
            KeyHint(key.shown, word, key.action) for key, word in footer_of(new, self.looks.keys)
        )

    def lay_out(self) -> None:
        """Show what there is room for: part by part, as a class would restyle everything."""
        for selector, seen in self.parts().items():
            self.query_one(selector).display = seen

    @on(events.DescendantFocus)
    def _follow_focus(self, event: events.DescendantFocus) -> None:
        if event.widget is not self.focused:
            return  # it went on meanwhile
        for name, pane in self.panes.items():
            if pane in event.widget.ancestors_with_self:
                self.active = name

    @on(TabStrip.Chosen)
    def _choose_tab(self, message: TabStrip.Chosen) -> None:
        self.focus_pane(message.key)

    # --- keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key is one of the focused pane's."""
        if action != "act":
            return True
        return any(key.id == parameters[0] and self.active in key.panes for key in self.looks.keys)

    # --- command line -----------------------------------------------------------------------------

    @on(CommandLine.Submitted)
    def _command(self, message: CommandLine.Submitted) -> None:
        self._leave_command_line()
        self.attempt(self.commanding.carry_out(message.text), group="command")

    @on(CommandLine.Left)
    def _leave_command_line(self) -> None:
        self.panes[self.active].focus_table()
