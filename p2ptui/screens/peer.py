"""The peer's screen: panes, header, command line, footer, and how they are wired.

One tick a quarter of a second hands what came over the feed to the panes that are seen. Keys go to
the pane that has the focus, else to `ScreenActions`.
"""

import asyncio
from collections.abc import Sequence
from typing import ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive

from p2ptui.node.api import NodeApi, NodeStatus
from p2ptui.node.events import Resync
from p2ptui.screens.acting import ActingScreen
from p2ptui.screens.actions import ScreenActions
from p2ptui.screens.arrangement import WIDE_COLUMNS, WIDE_ROWS, is_narrow, seen_parts
from p2ptui.screens.commanding import Commanding
from p2ptui.screens.feed import INTERVAL_S, Feed
from p2ptui.screens.first_run import FirstRun
from p2ptui.screens.header_state import header_state
from p2ptui.screens.keys import KEYS, PANES, PaneName, footer_of
from p2ptui.screens.leaving import Leaving
from p2ptui.screens.messages import NodeGone
from p2ptui.screens.panes.base import PeerPane
from p2ptui.screens.panes.hosts import HostsPane
from p2ptui.screens.panes.library import LibraryPane
from p2ptui.screens.panes.log import PeerLogPane
from p2ptui.screens.panes.network import NetworkPane
from p2ptui.screens.panes.search import SearchPane
from p2ptui.screens.panes.transfers import TransfersPane
from p2ptui.screens.session import Attached, Language, Looks
from p2ptui.screens.too_small import guard_size
from p2ptui.widgets.command_line import CommandLine
from p2ptui.widgets.header import HeaderBar
from p2ptui.widgets.key_footer import KeyFooter, KeyHint
from p2ptui.widgets.tabs import Tab, TabStrip

EXAMPLES = ("publish ~/Music/song.flac", "fetch NAME", "search WORDS", "help")


class PeerScreen(ActingScreen):
    """The panes of one node."""

    CSS_PATH = "peer.tcss"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE_COLUMNS, "-wide")]  # noqa: RUF012  (as Textual's)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (WIDE_ROWS, "-tall"), (45, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.key, key.action, key.help, show=False, id=key.id) for key in KEYS
    ]

    active: reactive[PaneName] = reactive[PaneName]("search", init=False)
    """The pane that keys go to; on a small terminal, the one that is seen."""

    def __init__(self, attached: Attached, language: Language, looks: Looks) -> None:
        super().__init__()
        self.api: NodeApi = attached.api
        self.feed = Feed(attached.api)
        self.looks = looks
        self.actions = ScreenActions(self)
        self.commanding = Commanding(self, language)
        glyphs = looks.glyphs
        self.log_pane = PeerLogPane(glyphs)
        self._network = NetworkPane(glyphs)
        self._panes: dict[PaneName, PeerPane | PeerLogPane] = {
            "library": LibraryPane(self.api, glyphs),
            "search": SearchPane(self.api, glyphs),
            "transfers": TransfersPane(self.api, glyphs),
            "hosts": HostsPane(self.api, glyphs),
            "log": self.log_pane,
        }
        self._hosts_instead = False
        """Whether the hosts are where the search was."""
        self._stale = set(PANES)
        """Panes that have to bring their rows before they are seen."""
        self._attached = attached
        self.leaving = Leaving(self, attached)
        self.expects_end = False
        """Whether the node was told to stop from here, or its end is told already."""
        self._shown = asyncio.Event()
        """Whether a tick has shown the node's state."""

    def compose(self) -> ComposeResult:
        """The mock's layout; style sheets hide what a small terminal has no room for."""
        panes, glyphs = self._panes, self.looks.glyphs
        yield HeaderBar(glyphs=glyphs)
        yield TabStrip([Tab(name, panes[name].TITLE, panes[name].DIGIT) for name in PANES])
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield panes["library"]
                yield self._network
            with Vertical(id="right"):
                yield panes["search"]
                yield panes["hosts"]
                yield panes["transfers"]
        yield panes["log"]
        yield CommandLine(
            glyphs=glyphs,
            placeholder=f" {glyphs.separator} ".join(EXAMPLES),
            completer=self.commanding.complete,
            helper=self.commanding.helper,
        )
        yield KeyFooter()

    def on_mount(self) -> None:
        """Begin to follow the node."""
        self.watch_active(self.active)
        self.run_worker(self.feed.follow(), name="feed")
        if self.looks.ticking:
            self.set_interval(INTERVAL_S, self.tick)
        self.focus_pane("search")
        self.attempt(self._begin())

    async def _begin(self) -> None:
        """Do what the flags ask for; where no tracker is known then, ask for one.

        Only once the panes have shown what they have: they lie behind that question.
        """
        await self.commanding.begin(was_running=not self._attached.started)
        await self._shown.wait()
        if (await self.api.status()).tracker.state == "none":
            await self.app.push_screen_wait(FirstRun(self.api, self.commanding.start_tracker))

    # --- what comes down --------------------------------------------------------------------------

    def tick(self) -> None:
        """Hand on what came since the last tick; panes that are not seen only note it."""
        sections, happened = self.feed.take_sections(), self.feed.take_events()
        if self.feed.take_missed():
            self._stale.update(PANES)
        status = self.feed.sections.get("status")
        if isinstance(status, NodeStatus):
            self.query_one(HeaderBar).state = header_state(status)
            self._network.sample(status.down_bps, status.up_bps)
            self._shown.set()
        self.log_pane.hear(happened)
        self.log_pane.tick()
        for name, pane in self._panes.items():
            if not isinstance(pane, PeerPane):
                continue
            for section, value in sections.items():
                pane.show(section, value)
            for event in happened:
                if not isinstance(event, Resync):
                    pane.hear(event)
            if self.is_seen(name):
                if name in self._stale:
                    self._stale.discard(name)
                    pane.attempt(pane.load(), group="load", exclusive=True)
                pane.tick()
        if self.feed.gone.is_set() and not self.expects_end:
            self.expects_end = True
            self.app.post_message(NodeGone(self.feed.reason))

    def on_resize(self, event: events.Resize) -> None:
        """Arrange for the new size, and say so when it is too small."""
        self._arrange()
        guard_size(self.app, event.size)

    # --- panes ------------------------------------------------------------------------------------

    @property
    def narrow(self) -> bool:
        """Whether one pane is seen at a time."""
        return is_narrow(self.size.width, self.size.height)

    @property
    def focused_pane(self) -> PeerPane | None:
        """The pane that actions are for; None: the log."""
        pane = self._panes[self.active]
        return pane if isinstance(pane, PeerPane) else None

    def focus_pane(self, name: PaneName) -> None:
        """Go to a pane."""
        self.active = name
        self._panes[name].focus_table()

    def is_seen(self, name: PaneName) -> bool:
        """Whether a pane is on the screen now."""
        pane = self._panes[name]
        return self.is_current and all(node.display for node in (pane, *pane.ancestors))

    def back(self) -> None:
        """Esc: one step back in the pane; out of the hosts to the search that they hide."""
        if not self._panes[self.active].back() and self.active == "hosts":
            self.focus_pane("search")

    def search_for(self, text: str) -> None:
        """Go to the search with these words."""
        pane = self._panes["search"]
        assert isinstance(pane, SearchPane)
        self.focus_pane("search")
        pane.box.value = text

    def watch_active(self, new: PaneName) -> None:
        """Show the pane on a small terminal, its keys in the footer, hosts in search's place."""
        if new in {"search", "hosts"}:
            self._hosts_instead = new == "hosts"
        self._arrange()
        self.query_one(TabStrip).active = new
        self.query_one(KeyFooter).hints = tuple(
            KeyHint(key.shown, word, key.action) for key, word in footer_of(new, self.looks.keys)
        )

    def _arrange(self) -> None:
        """Show what there is room for: part by part, as a class would restyle everything."""
        parts = seen_parts(self.active, narrow=self.narrow, hosts=self._hosts_instead)
        for selector, seen in parts.items():
            self.query_one(selector).display = seen

    @on(events.DescendantFocus)
    def _follow_focus(self, event: events.DescendantFocus) -> None:
        if event.widget is not self.focused:
            return  # it went on meanwhile
        for name, pane in self._panes.items():
            if pane in event.widget.ancestors_with_self:
                self.active = name

    @on(TabStrip.Chosen)
    def _choose_tab(self, message: TabStrip.Chosen) -> None:
        self.focus_pane(cast("PaneName", message.key))

    # --- keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key is one of the focused pane's."""
        if action != "act":
            return True
        return any(key.id == parameters[0] and self.active in key.panes for key in self.looks.keys)

    @property
    def doers(self) -> Sequence[object]:
        """The focused pane, then the screen's own actions."""
        return self._panes[self.active], self.actions

    # --- command line -----------------------------------------------------------------------------

    @on(CommandLine.Submitted)
    def _command(self, message: CommandLine.Submitted) -> None:
        self._leave_command_line()
        self.attempt(self.commanding.carry_out(message.text), group="command")

    @on(CommandLine.Left)
    def _leave_command_line(self) -> None:
        self._panes[self.active].focus_table()
