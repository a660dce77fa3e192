"""HeaderBar: who we are, how the tracker is, what flows.

A state is told by a word, never by the colour of its dot alone.
"""

from dataclasses import dataclass
from typing import Literal

from textual.reactive import reactive

from p2ptui.base.text import format_rate
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.status_line import Part, StatusLine
from p2ptui.widgets.table_rows import Tone

LinkTone = Literal["good", "warn", "bad", "dim"]
Reach = Literal["", "checking", "reachable", "not reachable"]


@dataclass(frozen=True, slots=True)
class HeaderState:
    """What the header shows. Remote texts may be given as they came: they are made safe here."""

    nick: str = ""
    address: str = ""
    tracker: str = ""
    """Name or address of the tracker; empty when there is none."""
    tracker_tone: LinkTone = "dim"
    tracker_word: str = "no tracker"
    """`connected`, `connecting`, `again in 12 s`, …"""
    reach: Reach = ""
    """Whether others reach our port; empty: nothing to say of it."""
    down_bps: float = 0
    up_bps: float = 0
    down_limit_bps: int | None = None
    up_limit_bps: int | None = None
    slow: bool = False


_REACH: dict[Reach, LinkTone] = {"checking": "dim", "reachable": "good"}


class HeaderBar(StatusLine):
    """The first row of the screen."""

    state: reactive[HeaderState] = reactive(HeaderState(), repaint=False)

    def __init__(
        self,
        brand: str = "p2ptui",
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._brand = brand
        self._glyphs = glyphs

    def watch_state(self, state: HeaderState) -> None:
        """Show another state."""
        self.show_parts(*header_parts(self._brand, state, self._glyphs))

    def set_glyphs(self, glyphs: Glyphs) -> None:
        """Draw with another set of signs."""
        self._glyphs = glyphs
        self.watch_state(self.state)


def header_parts(brand: str, state: HeaderState, glyphs: Glyphs) -> tuple[list[Part], list[Part]]:
    """The texts of a header, left and right; pure."""
    good = state.tracker_tone == "good"
    left = [
        Part(glyphs.brand, "accent", gap=0),
        Part(brand, "accent", bold=True),
        Part(state.nick, bold=True, gap=2, rank=1),
        Part(state.address, "dim", rank=4),
        Part(glyphs.dot, state.tracker_tone, gap=3),
    ]
    if state.tracker:
        left.append(Part(state.tracker))
    # The words of a state that is not good stay: the dot alone would tell it by its colour.
    left.append(Part(state.tracker_word, "dim" if good else state.tracker_tone, rank=2 * good))
    if state.reach == "not reachable":
        # Others still come by another way, so it is a warning and no more.
        left += [Part(glyphs.dot, "warn", gap=2, rank=3), Part(state.reach, "warn", rank=3)]
    elif state.reach:
        left += [
            Part(glyphs.dot, _REACH[state.reach], gap=2, rank=5),
            Part(state.reach, "dim", rank=5),
        ]
    left = [part for part in left if part.text]
    right = [
        *([Part("slow mode", "warn", rank=1)] if state.slow else []),
        *_rate_parts(glyphs.down, state.down_bps, state.down_limit_bps, "down"),
        *_rate_parts(glyphs.up, state.up_bps, state.up_limit_bps, "up"),
    ]
    return left, right


def _rate_parts(sign: str, rate_bps: float, limit_bps: int | None, tone: Tone) -> list[Part]:
    # Constant width: nothing beside it jumps while it changes.
    parts = [Part(sign, tone, gap=2), Part(f"{format_rate(rate_bps):>10}", tone)]
    if limit_bps is not None:
        parts.append(Part(f"of {format_rate(limit_bps)}", "dim", rank=3))
    return parts
