"""First run: no tracker is known. A join link or a host, the fingerprint, or a tracker here.

Nothing is trusted without a look: a first contact without a link shows the fingerprint and waits.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from p2ptui.base.errors import P2PError
from p2ptui.base.links import parse_join_target
from p2ptui.base.text import display, elide_middle
from p2ptui.node.api import NodeApi, TrackerFound
from p2ptui.peer_waiting import first_contact
from p2ptui.widgets.answers import Answer, Answers
from p2ptui.widgets.dialog import Dialog, Paragraph
from p2ptui.widgets.field import Field
from p2ptui.widgets.table_rows import Tone

StartTracker = Callable[[], Awaitable[str]]
"""Starts a tracker on this machine; returns its join link. May raise `P2PError`."""

LATER = Answer("later", "Later")
JOIN = Answer("join", "Join")
START = Answer("start", "Start a tracker here")
FOUND = "found "
"""Key of the answer that joins a tracker of this network, with its number behind."""
MAX_FOUND = 5
NAME_CELLS = 24
BACK = Answer("back", "Not now", "n")
TRUST = Answer("trust", "It is the same: join", "t")
ASKED = (
    "A swarm is found through its tracker. Ask its admin for the join link, or type the tracker's "
    "host[:port]."
)
COMPARE = (
    "First contact. This is the fingerprint of the tracker's key: join only if its admin told you "
    "the same one."
)


class FirstRun(Dialog[bool]):
    """Asks for a tracker. True: a swarm was joined; False or None: later."""

    AUTO_FOCUS = "Field"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", "Before", show=False, id="first-run.before"),
        Binding("down", "app.focus_next", "Next", show=False, id="first-run.next"),
    ]
    DEFAULT_CSS = """
    FirstRun {
        & Field { margin: 1 0 0 0; }
        & .first-run--fingerprint { margin: 1 0 0 2; text-style: bold; color: $primary; }
        & .first-run--told { margin: 1 0 0 0; }
        & .first-run--found { margin: 0; }
        & #first-run--near { height: auto; }
    }
    """

    def __init__(self, api: NodeApi, start_tracker: StartTracker | None = None) -> None:
        """`start_tracker` None: it is not offered."""
        self._asking = (LATER, JOIN, *((START,) if start_tracker is not None else ()))
        super().__init__("Join a swarm", self._asking)
        self._api = api
        self._start_tracker = start_tracker
        self._text = Paragraph(Content(ASKED))
        self._field = Field(placeholder="p2ptui://host:7070/#… or tracker.example")
        self._fingerprint = Paragraph(classes="first-run--fingerprint")
        self._fingerprint.display = False
        self._told = Paragraph(classes="first-run--told")
        self._near = Vertical(id="first-run--near")
        self._found: tuple[TrackerFound, ...] = ()
        """Trackers that say to be on this network."""
        self._target = ""
        self._pin = ""
        """The fingerprint that is being asked about."""

    def compose_body(self) -> Iterable[Widget]:
        """What is asked, the answer, and what came of it."""
        yield self._text
        yield self._near
        yield self._field
        yield self._fingerprint
        yield self._told

    def on_mount(self) -> None:
        """Look for trackers near."""
        self.run_worker(self._look_around(), group="look", exit_on_error=False)

    async def _look_around(self) -> None:
        try:
            self._found = (await self._api.trackers())[:MAX_FOUND]
        except P2PError:
            return  # the field is there all the same
        for number, found in enumerate(self._found):
            words = f"{elide_middle(found.swarm, NAME_CELLS)} at {found.addresses[0]}"
            answer = Answer(f"{FOUND}{number}", display(words))
            await self._near.mount(Answers((answer,), classes="first-run--found"))
        if self._found:
            await self._near.mount(Paragraph(Content("On this network:")), before=0)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.give(JOIN)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._tell("")

    def give(self, answer: Answer) -> None:
        """One answer, one step."""
        match answer.key:
            case found if found.startswith(FOUND):
                self._target = self._found[int(found.removeprefix(FOUND))].addresses[0]
                self._attempt(self._join(self._target, ""))
            case "join":
                self._target = self._field.value.strip()
                self._attempt(self._join(self._target, ""))
            case "trust":
                self._attempt(self._join(self._target, self._pin))
            case "start":
                self._attempt(self._start())
            case "back":
                self._ask()
            case _:
                self.dismiss(False)

    def action_close(self) -> None:
        """One step back."""
        if self._pin:
            self._ask()
        else:
            self.dismiss(False)

    def _attempt(self, work: Awaitable[None]) -> None:
        self.run_worker(self._guarded(work), group="join", exclusive=True)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except P2PError as error:
            self._tell(" ".join(p for p in (str(error), error.hint) if p), "bad")

    async def _join(self, target: str, trust: str) -> None:
        parse_join_target(target)
        self._tell("asking the tracker …", "dim")
        try:
            await self._api.join(target, trust)
        except P2PError as error:
            fingerprint = first_contact(error)
            if trust or not fingerprint:
                raise
            self._confirm(fingerprint)
            return
        self.dismiss(True)

    async def _start(self) -> None:
        assert self._start_tracker is not None
        self._tell("starting a tracker …", "dim")
        await self._join(await self._start_tracker(), "")

    # --- its two faces ----------------------------------------------------------------------------

    def _confirm(self, fingerprint: str) -> None:
        self._pin = fingerprint
        self._text.update(Content(COMPARE))
        self._fingerprint.update(Content(grouped(fingerprint)))
        self._show((BACK, TRUST), asking=False)
        self._tell("")

    def _ask(self) -> None:
        self._pin = ""
        self._text.update(Content(ASKED))
        self._show(self._asking, asking=True)
        self._tell("")

    def _show(self, answers: Sequence[Answer], *, asking: bool) -> None:
        row = self.query(Answers).last()
        row.answers = tuple(answers)
        row.chosen = 0
        row.refresh()
        self._field.display = asking
        self._near.display = asking
        self._fingerprint.display = not asking
        (self._field if asking else row).focus()

    def _tell(self, text: str, tone: Tone = "normal") -> None:
        for each in ("dim", "bad"):
            self._told.set_class(each == tone, f"-{each}")
        self._told.update(Content(display(text)))


def grouped(fingerprint: str) -> str:
    """A fingerprint in groups of four, to be compared by eye."""
    return " ".join(fingerprint[place : place + 4] for place in range(0, len(fingerprint), 4))
