"""Tones as styles: what a text means becomes a colour of the theme."""

from typing import get_args

from textual.style import Style
from textual.widget import Widget

from p2ptui.widgets.table_rows import Tone

TONES: tuple[Tone, ...] = tuple(tone for tone in get_args(Tone) if tone != "normal")
"""All that have a style of their own."""

_RULES: dict[Tone, str] = {
    "dim": "color: $foreground 55%;",
    "bold": "text-style: bold;",
    "accent": "color: $primary;",
    "good": "color: $good;",
    "warn": "color: $warn;",
    "bad": "color: $bad;",
    "down": "color: $down;",
    "up": "color: $up;",
    "track": "color: $track;",
}


def tone_classes(prefix: str = "tone") -> set[str]:
    """Component classes of the tones, for a widget's `COMPONENT_CLASSES`."""
    return {f"{prefix}--{tone}" for tone in TONES}


def tone_css(widget: str, prefix: str = "tone") -> str:
    """Rules of the tones, for the default CSS of a widget class."""
    return "".join(f"{widget} > .{prefix}--{tone} {{ {_RULES[tone]} }}\n" for tone in TONES)


def tone_style(widget: Widget, tone: Tone, prefix: str = "tone") -> Style:
    """What a tone adds to the style below it; see-through colours are blended there."""
    return Style() if tone == "normal" else component_style(widget, f"{prefix}--{tone}")


def component_style(widget: Widget, name: str) -> Style:
    """What a component class says, and nothing of what it stands on.

    Textual's own partial style loses the background of a component.
    """
    styles = widget.get_component_styles(name)
    text = styles.text_style
    return Style(
        background=styles.background if styles.has_rule("background") else None,
        foreground=styles.color if styles.has_rule("color") else None,
        bold=text.bold,
        italic=text.italic,
        underline=text.underline,
        reverse=text.reverse,
    )
