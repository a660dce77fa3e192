"""Notices: what the user just did, and how it went. Remote text in them is shown, never obeyed."""

from typing import Any, Literal

from textual.app import App

from p2ptui.base.errors import P2PError
from p2ptui.base.text import display
from p2ptui.widgets.dialog import Question
from p2ptui.widgets.table_rows import Toned

NoticeLevel = Literal["information", "warning", "error"]
SHORT_S = 4.0
LONG_S = 9.0


def tell(app: App[Any], text: str, level: NoticeLevel = "information", title: str = "") -> None:
    """A sentence at the edge of the screen."""
    app.notify(
        "\n".join(map(display, text.split("\n"))),
        title=display(title),
        severity=level,
        timeout=SHORT_S if level == "information" else LONG_S,
        markup=False,
    )


def tell_error(app: App[Any], error: P2PError) -> None:
    """An expected error: what happened and what to do."""
    text = "\n".join(part for part in (error.message, error.hint) if part)
    tell(app, text, "error", error.title)


def tell_unexpected(app: App[Any], error: Exception) -> None:
    """A bug: a plain sentence; its traceback is in the log file."""
    lines: list[str | Toned] = [
        f"{type(error).__name__}: {error}",
        Toned("The program goes on. The details are in its log file.", "dim"),
    ]
    app.push_screen(Question("Something unexpected went wrong", lines, tone="bad"))
