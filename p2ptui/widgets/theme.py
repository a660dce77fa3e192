"""Themes: the only place that knows colours by number, and the app that has them.

Styles speak in variables: those of Textual ($primary, $foreground, …) and our own, which are listed
in `Variables` below. A theme that does not name ours gets them derived from its own colours, so
that every theme of Textual works.
"""

from typing import ClassVar

from textual.app import App, ReturnType
from textual.theme import Theme

DARK = "p2ptui-dark"
LIGHT = "p2ptui-light"

THEMES: tuple[Theme, ...] = (
    Theme(
        name=DARK,
        primary="#2dd4bf",
        secondary="#8b7bff",
        accent="#2dd4bf",
        success="#4ade80",
        warning="#fbbf24",
        error="#f87171",
        foreground="#d3dce8",
        background="#11171f",
        surface="#1a2330",
        panel="#1a2330",
        variables={
            "line": "#2b3a4d",
            "band": "#1a2330",
            "foot": "#0d1117",
            "cursor": "#4fb3ff 28%",
            "cursor-blurred": "#1a2330",
            "scrollbar": "#2b3a4d",
            "scrollbar-hover": "#3c5069",
            "scrollbar-active": "#2dd4bf",
            "scrollbar-background": "#11171f",
            "scrollbar-background-hover": "#11171f",
            "scrollbar-background-active": "#11171f",
            "scrollbar-corner-color": "#11171f",
            "block-cursor-background": "#2dd4bf",
            "block-cursor-foreground": "#0d1117",
            "input-cursor-background": "#2dd4bf",
            "input-cursor-foreground": "#0d1117",
            "input-selection-background": "#4fb3ff 40%",
        },
    ),
    Theme(
        name=LIGHT,
        primary="#0b7a6f",
        secondary="#5b45d6",
        accent="#0b7a6f",
        success="#15803d",
        warning="#9a5b00",
        error="#c02626",
        foreground="#1d2733",
        background="#fafbfc",
        surface="#e8edf3",
        panel="#e8edf3",
        dark=False,
        variables={
            "line": "#b9c5d3",
            "band": "#e3e9f0",
            "foot": "#eef2f6",
            "cursor": "#1d74c9 20%",
            "cursor-blurred": "#e8edf3",
            "scrollbar": "#b9c5d3",
            "scrollbar-hover": "#93a4b8",
            "scrollbar-active": "#0b7a6f",
            "scrollbar-background": "#fafbfc",
            "scrollbar-background-hover": "#fafbfc",
            "scrollbar-background-active": "#fafbfc",
            "scrollbar-corner-color": "#fafbfc",
            "block-cursor-background": "#0b7a6f",
            "block-cursor-foreground": "#fafbfc",
            "input-cursor-background": "#0b7a6f",
            "input-cursor-foreground": "#fafbfc",
            "input-selection-background": "#1d74c9 30%",
        },
    ),
)
"""Our own themes, dark and light."""


def theme_variables(theme: Theme) -> dict[str, str]:
    """Our variables for a theme, derived from its colours.

    `down up` one colour a direction · `good warn bad` status alone · `line` quiet borders ·
    `band foot` grounds of the header, and of the command line and the footer · `cursor
    cursor-blurred` grounds of the selected row · `track` what is left of a progress line.
    """
    colours = theme.to_color_system().generate()
    # A terminal's own colours cannot be blended: what is quiet has one of them, and the selected
    # row is known by its edge and by being bold.
    quiet = {
        "line": "ansi_bright_black" if theme.ansi else f"{colours['foreground']} 25%",
        "track": "ansi_bright_black" if theme.ansi else f"{colours['foreground']} 18%",
        "cursor": "transparent" if theme.ansi else f"{colours['primary']} 30%",
    }
    return {
        "down": colours["primary"],
        "up": colours["secondary"] if theme in THEMES else colours["accent"],
        "good": colours["success"],
        "warn": colours["warning"],
        "bad": colours["error"],
        "band": colours["panel"],
        "foot": colours["surface"],
        "cursor-blurred": colours["surface"],
        **quiet,
    }


class ThemedApp(App[ReturnType]):
    """An app with our themes and variables, and without animation."""

    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK
        self.animation_level = "none"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables, for themes that do not name them."""
        return theme_variables(self.current_theme)
