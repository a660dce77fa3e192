"""The peer's screen: its panes, its header, and how they are wired."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from p2ptui.command_line import Parsed
from p2ptui.commands import Command
from p2ptui.node.api import NodeApi, NodeStatus, SectionName
from p2ptui.node.events import Resync, Section
from p2ptui.peer_waiting import wait_looked
from p2ptui.screens.actions import ScreenActions
from p2ptui.screens.arrangement import seen_parts
from p2ptui.screens.console import ConsoleScreen
from p2ptui.screens.dialogs import leave_question
from p2ptui.screens.feed import INTERVAL_S, Feed
from p2ptui.screens.first_run import FirstRun
from p2ptui.screens.header_state import header_state
from p2ptui.screens.keys import KEYS, PANES
from p2ptui.screens.leaving import Leaving
from p2ptui.screens.panes.base import PeerPane
from p2ptui.screens.panes.hosts import HostsPane
from p2ptui.screens.panes.keyed import KeyedPane
from p2ptui.screens.panes.library import LibraryPane
from p2ptui.screens.panes.log import PeerLogPane
from p2ptui.screens.panes.network import NetworkPane
from p2ptui.screens.panes.search import SearchPane
from p2ptui.screens.panes.transfers import TransfersPane
from p2ptui.screens.session import Attached, Language, Looks
from p2ptui.widgets.header import HeaderBar

SECTIONS: tuple[SectionName, ...] = ("status", "transfers", "hashing")
GOODBYE = "The node goes on running; `p2ptui stop` ends it."


class PeerScreen(ConsoleScreen):
    """The panes of one node."""

    CSS_PATH = "peer.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.key, key.action, key.help, show=False, id=key.id) for key in KEYS
    ]
    SIDE = "peer"
    PANES = PANES
    FIRST = "search"
    EXAMPLES = ("publish ~/Music/song.flac", "fetch NAME", "search WORDS", "help")

    def __init__(
        self, attached: Attached[NodeApi], language: Language[NodeApi], looks: Looks
    ) -> None:
        self.api = api = attached.api
        feed = Feed(lambda: api.feed(SECTIONS, INTERVAL_S), Section, Resync)
        glyphs = looks.glyphs
        self._peer_log = PeerLogPane(glyphs)
        super().__init__(feed, language, looks, api, self._peer_log)
        self.actions = ScreenActions(self)
        self._network = NetworkPane(glyphs)
        self._search = SearchPane(api, glyphs)
        self.panes: dict[str, KeyedPane] = {
            "library": LibraryPane(api, glyphs),
            "search": self._search,
            "transfers": TransfersPane(api, glyphs),
            "hosts": HostsPane(api, glyphs),
            "log": self.log_pane,
        }
        self._hosts_instead = False
        """Whether the hosts are where the search was."""
        self._started = attached.started
        self.leaving = Leaving(self, attached, leave_question, GOODBYE)

    def make_header(self) -> HeaderBar:
        """Who we are, the tracker, the rates."""
        return HeaderBar(glyphs=self.looks.glyphs)

    def compose_body(self) -> ComposeResult:
        """The library and the network at the left; search or hosts, and transfers at the right."""
        with Vertical(id="left"):
            yield self.panes["library"]
            yield self._network
        with Vertical(id="right"):
            yield self.panes["search"]
            yield self.panes["hosts"]
            yield self.panes["transfers"]

    async def begin(self) -> None:
        """Do what the flags ask for; where no tracker is known then, ask for one.

        Only once the panes have shown what they have: they lie behind that question.
        """
        await self.commanding.begin(was_running=not self._started)
        await self._shown.wait()
        if (await wait_looked(self.api)).state == "none":
            await self.app.push_screen_wait(FirstRun(self.api, self.commanding.start_tracker))

    def show_state(self, status: object) -> None:
        """The header, and the graph."""
        if isinstance(status, NodeStatus):
            self.query_one(HeaderBar).state = header_state(status)
            self._peer_log.begin(status)
            self._network.sample(status.down_bps, status.up_bps)

    # --- panes ------------------------------------------------------------------------------------

    @property
    def focused_pane(self) -> PeerPane | None:
        """The pane that actions are for; None: the log."""
        pane = self.panes[self.active]
        return pane if isinstance(pane, PeerPane) else None

    def back(self) -> None:
        """Esc: one step back in the pane; out of the hosts to the search that they hide."""
        if not self.panes[self.active].back() and self.active == "hosts":
            self.focus_pane("search")

    def search_for(self, text: str) -> None:
        """Go to the search with these words."""
        self.focus_pane("search")
        self._search.box.value = text

    async def shows(self, command: Command, args: Parsed) -> bool:
        """Searches and the history have places of their own, unless asked for in another form."""
        if args.flag("json") or args.text("limit") or args.text("sort"):
            return False
        match command.name:
            case "search":
                self.search_for(args.word(0))
            case "history":
                self.actions.show_history(args.word(0))
            case _:
                return False
        return True

    def watch_active(self, new: str) -> None:
        """Hosts stand in the place of the search until that is wanted."""
        if new in {"search", "hosts"}:
            self._hosts_instead = new == "hosts"
        super().watch_active(new)

    def parts(self) -> Mapping[str, bool]:
        """What there is room for."""
        return seen_parts(self.active, narrow=self.narrow, hosts=self._hosts_instead)

    @property
    def doers(self) -> Sequence[object]:
        """The focused pane, then the screen's own actions."""
        return self.panes[self.active], self.actions
