"""Logs: to a file of our own, never to the terminal, with remote text made visible.

The file is 0600 from the first byte and turned over at 5 MB; three old ones are kept. A line is
`2026-01-31T12:00:00.123Z LEVEL logger: message`; a traceback follows on lines of its own.
"""

import io
import logging
import os
from collections.abc import MutableMapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from p2ptui.base.errors import storage_error
from p2ptui.base.ids import short_peer_id
from p2ptui.base.text import display, rfc3339

MAX_LOG_BYTES = 5_000_000
OLD_LOGS = 3


def configure_logs(path: Path, level: str = "INFO") -> None:
    """Send all logging of this process to a file, whose folder is made when missing.

    Called again, it replaces the file. Raises a storage error when the file cannot be written, and
    `ValueError` for a level that does not exist.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = _LogFile(path)
    except OSError as error:
        raise storage_error(
            "The log cannot be written",
            f"{path}: {error.strerror or error}",
            "Make its folder writable, or name another home with P2PTUI_HOME.",
        ) from error
    root = logging.getLogger()
    for old in [other for other in root.handlers if isinstance(other, _LogFile)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    # Debug lines of the loop tell nothing of ours, and of TLS they tell too much.
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    # A full disk must not write tracebacks of the logging itself over a screen.
    logging.raiseExceptions = False


def close_logs() -> None:
    """Close the file that `configure_logs` opened, if any."""
    root = logging.getLogger()
    for handler in [other for other in root.handlers if isinstance(other, _LogFile)]:
        root.removeHandler(handler)
        handler.close()
    logging.captureWarnings(capture=False)


class PeerLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose lines name a peer by the first characters of its id."""

    def __init__(self, logger: logging.Logger, peer_id: str | None) -> None:
        super().__init__(logger)
        self._who = short_peer_id(peer_id) if peer_id else "stranger"

    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[object, MutableMapping[str, Any]]:
        """Put the peer before the message."""
        return f"[{self._who}] {msg}", kwargs


class _LogFile(RotatingFileHandler):
    """A log file that nobody else can read, from its first byte on."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path, maxBytes=MAX_LOG_BYTES, backupCount=OLD_LOGS, encoding="utf-8",
            errors="backslashreplace",
        )  # fmt: skip
        self.setFormatter(_LogLine())

    def _open(self) -> io.TextIOWrapper:
        # The log's name is ours: a link that somebody planted there is not followed.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        return io.TextIOWrapper(
            os.fdopen(os.open(self.baseFilename, flags, 0o600), "ab"),
            encoding=self.encoding,
            errors=self.errors,
        )


class _LogLine(logging.Formatter):
    """One line for one message: text from outside can neither add a line nor colour one."""

    def format(self, record: logging.LogRecord) -> str:
        # Not the inherited one: it takes the traceback that another handler has cached, unescaped.
        start = f"{rfc3339(record.created)} {record.levelname} {record.name}"
        lines = [f"{start}: {display(record.getMessage())}"]
        if record.exc_info:
            lines += _indented(self.formatException(record.exc_info))
        if record.stack_info:
            lines += _indented(self.formatStack(record.stack_info))
        return "\n".join(lines)


def _indented(text: str) -> list[str]:
    return [f"  {display(line)}" for line in text.split("\n")]
