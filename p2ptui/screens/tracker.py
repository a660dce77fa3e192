"""The tracker's console: its panes, its header, and how they are wired."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from p2ptui.base.text import display, parse_duration
from p2ptui.command_line import Parsed
from p2ptui.commands import Command
from p2ptui.screens.console import ConsoleScreen
from p2ptui.screens.feed import INTERVAL_S, Feed
from p2ptui.screens.leaving import Leaving
from p2ptui.screens.notices import tell
from p2ptui.screens.panes.keyed import KeyedPane
from p2ptui.screens.panes.paged_pane import PagedPane
from p2ptui.screens.prompt import Prompt
from p2ptui.screens.session import Attached, Language, Looks
from p2ptui.screens.tracker_acts import DAY_S, TrackerActs
from p2ptui.screens.tracker_header import header_parts
from p2ptui.screens.tracker_keys import PANES, TRACKER_KEYS
from p2ptui.screens.tracker_members import MemberActs
from p2ptui.screens.tracker_panes.files import FilesPane
from p2ptui.screens.tracker_panes.hosts import HostsPane
from p2ptui.screens.tracker_panes.log import TrackerLogPane
from p2ptui.screens.tracker_panes.statistics import StatisticsPane
from p2ptui.screens.tracker_words import empty_sentence, leave_question
from p2ptui.widgets.key_footer import KeyHint
from p2ptui.widgets.status_line import StatusLine
from tracker.api import SectionName, TrackerApi, TrackerStatus
from tracker.events import Resync, Section

SECTIONS: tuple[SectionName, ...] = ("status",)
GOODBYE = "The tracker goes on running; `p2ptui tracker stop` ends it."
BUTTONS = ("tracker.ping", "tracker.discover")
LONGEST_SENTENCE = 500


class TrackerScreen(ConsoleScreen):
    """The panes of one tracker."""

    CSS_PATH = "tracker.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.key, key.action, key.help, show=False, id=key.id) for key in TRACKER_KEYS
    ]
    SIDE = "tracker"
    PANES = PANES
    FIRST = "hosts"
    EXAMPLES = ("ping all", "discover HOST", "kick HOST --why TEXT", "invite", "help")

    def __init__(
        self, attached: Attached[TrackerApi], language: Language[TrackerApi], looks: Looks
    ) -> None:
        self.api = api = attached.api
        feed = Feed(lambda: api.feed(SECTIONS, INTERVAL_S), Section, Resync)
        glyphs = looks.glyphs
        super().__init__(feed, language, looks, api, TrackerLogPane(glyphs))
        self.hosts = HostsPane(api, self._buttons(), glyphs)
        self.files = FilesPane(api, glyphs)
        self.statistics = StatisticsPane(api, glyphs)
        self.panes: dict[str, KeyedPane] = {
            "hosts": self.hosts,
            "files": self.files,
            "log": self.log_pane,
            "statistics": self.statistics,
        }
        self.acts = TrackerActs(self)
        self.members = MemberActs(self)
        self._started = attached.started

        def question(status: TrackerStatus) -> Any:
            return leave_question(status, started=self._started)

        self.leaving = Leaving(self, attached, question, GOODBYE)

    def _buttons(self) -> list[KeyHint]:
        keys = {key.id: key for key in self.looks.keys}
        return [KeyHint(keys[name].shown, keys[name].short, keys[name].action) for name in BUTTONS]

    def make_header(self) -> StatusLine:
        """The swarm, its key, how much there is."""
        return StatusLine(id="header")

    def compose_body(self) -> ComposeResult:
        """The hosts at the left; the statistics and a host's files at the right."""
        yield self.hosts
        with Vertical(id="right"):
            yield self.statistics
            yield self.files

    async def begin(self) -> None:
        """Say what of the flags does not count."""
        await self.commanding.begin(was_running=not self._started)

    # --- what comes down --------------------------------------------------------------------------

    def show_state(self, status: object) -> None:
        """The header, the figures, and what to do while there are no hosts."""
        if not isinstance(status, TrackerStatus):
            return
        self.query_one("#header", StatusLine).show_parts(*header_parts(status, self.looks.glyphs))
        whole = self.narrow or self.active == "statistics"
        self.statistics.show_status(status, whole=whole)
        self.hosts.invite_sentence(empty_sentence(status))

    def tick(self) -> None:
        """As all screens do; the graphs as well."""
        super().tick()
        if self.is_seen("statistics"):
            self.statistics.tick()

    # --- panes ------------------------------------------------------------------------------------

    def parts(self) -> Mapping[str, bool]:
        """One pane on a small terminal; else all, with the whole statistics in the files' place."""
        narrow, active = self.narrow, self.active
        return {
            "#hosts-pane": not narrow or active == "hosts",
            "#statistics-pane": not narrow or active == "statistics",
            "#files-pane": active == "files" if narrow else active != "statistics",
            "#log-pane": not narrow or active == "log",
            "#right": not narrow or active in {"files", "statistics"},
            "#body": not narrow or active != "log",
            "TabStrip": narrow,
        }

    def watch_active(self, new: str) -> None:
        """The statistics grow when they have the focus."""
        super().watch_active(new)
        self.statistics.set_class(new == "statistics", "-whole")
        self.show_state(self.feed.sections.get("status"))

    @property
    def listed(self) -> PagedPane[Any] | None:
        """The pane whose list an export is for."""
        pane = self.panes[self.active]
        return pane if isinstance(pane, PagedPane) else None

    def back(self) -> None:
        """Esc: one step back in the pane, then to the hosts."""
        if not self.panes[self.active].back() and self.active != "hosts":
            self.focus_pane("hosts")

    async def discover(self, host: str, nick: str = "", text: str = "") -> None:
        """Bring the files of a host; where they are hidden, go there."""
        if self.narrow or self.active == "statistics":
            self.focus_pane("files")
        await self.files.discover(host, nick, text)

    async def show_index(self, text: str, *, single: bool) -> None:
        """Go to the index of all, or to what a single member has."""
        self.focus_pane("files")
        await self.files.show_index(text, single=single)

    # --- keys and commands ------------------------------------------------------------------------

    @property
    def doers(self) -> Sequence[object]:
        """The focused pane, acts on hosts where they are, then the screen's own actions."""
        pane = self.panes[self.active]
        return (pane, self.members, self.acts) if self.active == "hosts" else (pane, self.acts)

    async def shows(self, command: Command, args: Parsed) -> bool:
        """Files, the index and invites have places of their own, unless asked for otherwise."""
        if args.flag("json") or args.text("limit") or args.text("sort"):
            return False
        match command.name:
            case "discover":
                await self.discover(args.word(0), text=args.word(1))
            case "search" | "index":
                await self.show_index(args.word(0), single=args.flag("single"))
            case "history":
                await self.acts.do_history(args.word(0))
            case "invite":
                uses, time = args.text("uses") or "1", args.text("for")
                if not uses.isdecimal() or not int(uses):
                    return False  # the command says what is wrong
                made = await self.api.invite(int(uses), parse_duration(time) if time else DAY_S)
                self.acts.show_invite(made)
            case _:
                return False
        return True

    async def ask_sentence(self, heading: str) -> str:
        """A sentence for members; empty: none."""

        def check(text: str) -> str:
            if not text.strip():
                return "A sentence."
            return "" if len(text) <= LONGEST_SENTENCE else f"At most {LONGEST_SENTENCE} letters."

        prompt = Prompt(heading, ["They see it in their log."], give="Send", check=check)
        text = await self.app.push_screen_wait(prompt)
        return (text or "").strip()

    def copy(self, text: str) -> None:
        """Send a text to the terminal's clipboard; whether it took it, no terminal says."""
        self.app.copy_to_clipboard(text)
        tell(self.app, f"sent to the clipboard: {display(text)}")
