"""The audit log: every act of an admin or operator, a JSON object a line, in the tracker's home.

Only its owner can read it. At a size it is put aside under a number and a new one is begun; the
oldest is dropped. Blocks; may be called from several threads.
"""

import logging
import threading
from pathlib import Path

import msgspec

from p2ptui.base.errors import storage_error
from p2ptui.base.private_files import append_private, read_private
from tracker.api_values import AuditPage, AuditRow, Page

MAX_BYTES = 4 * 1024 * 1024
KEPT = 4
"""Files that were put aside and are kept."""
MAX_PAGE = 1_000
log = logging.getLogger(__name__)
_DECODER: msgspec.json.Decoder[AuditRow] = msgspec.json.Decoder(AuditRow)


class AuditLog:
    """Written to by everybody who acts on a tracker."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()

    def write(self, row: AuditRow) -> None:
        """Note an act; it is on disk when this returns. Raises a storage error."""
        line = msgspec.json.encode(row) + b"\n"
        with self._lock:
            try:
                if self._path.stat().st_size + len(line) > self._max_bytes:
                    self._put_aside()
            except FileNotFoundError:
                pass
            except OSError as error:
                raise storage_error(
                    "Cannot write the audit log", f"{self._path}: {error}"
                ) from None
            append_private(self._path, line)

    def page(self, page: Page) -> AuditPage:
        """A page, the newest first; `filter`: words that an act must hold. Raises `P2PError`.

        A line that cannot be read is left out: somebody else wrote it.
        """
        words = page.filter.casefold().split()
        with self._lock:
            found = [row for row in self._rows() if _holds(row, words)]
        if page.sort.startswith("-") or not page.sort:
            found.reverse()
        offset, limit = max(0, page.offset), max(1, min(page.limit, MAX_PAGE))
        return AuditPage(rows=tuple(found[offset : offset + limit]), total=len(found))

    def _rows(self) -> list[AuditRow]:
        """All acts, the oldest first."""
        rows = []
        for path in (*(self._aside(number) for number in range(KEPT, 0, -1)), self._path):
            try:
                data = read_private(path)
            except FileNotFoundError:
                continue
            for line in data.splitlines():
                try:
                    rows.append(_DECODER.decode(line))
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                    log.warning("%s: a line is no act: %s", path, error)
        return rows

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _put_aside(self) -> None:
        for number in range(KEPT - 1, 0, -1):
            if self._aside(number).exists():
                self._aside(number).replace(self._aside(number + 1))
        self._path.replace(self._aside(1))


def _holds(row: AuditRow, words: list[str]) -> bool:
    text = f"{row.by} {row.act} {row.target} {row.detail} {row.why}".casefold()
    return all(word in text for word in words)
