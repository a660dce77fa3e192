"""Glyphs: the signs of the screens, as Unicode of width 1 and as ASCII. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs; each is one cell wide."""

    down: str
    up: str
    dot: str
    prompt: str
    right: str
    brand: str
    edge: str
    """Left edge of the selected row."""
    opened: str
    closed: str
    ascending: str
    descending: str
    mark: str
    done: str
    paused: str
    failed: str
    warning: str
    ellipsis: str
    bar: str
    """A full step of a progress line."""
    bar_half: str
    bar_rest: str
    """A step that is still to do."""
    nothing: str
    """A figure that there is none of."""
    separator: str
    blocks: str
    """Nine heights, from nothing to full."""


UNICODE = Glyphs(
    down="↓",
    up="↑",
    dot="●",
    prompt="❯",
    right="→",
    brand="◆",
    edge="▌",
    opened="▾",
    closed="▸",
    ascending="▲",
    descending="▼",
    mark="•",
    done="√",
    paused="‖",
    failed="✗",
    warning="!",
    ellipsis="…",
    bar="━",
    bar_half="╸",
    bar_rest="━",
    nothing="–",
    separator="·",
    blocks=" ▁▂▃▄▅▆▇█",
)
ASCII = Glyphs(
    down="v",
    up="^",
    dot="*",
    prompt=">",
    right=">",
    brand="#",
    edge="|",
    opened="-",
    closed="+",
    ascending="^",
    descending="v",
    mark="*",
    done="=",
    paused="|",
    failed="x",
    warning="!",
    ellipsis="~",
    bar="=",
    bar_half="-",
    bar_rest=".",
    nothing="-",
    separator="|",
    blocks=" ..::+##@",
)
