"""An append-only file of facts that a crash must not undo: kicks, invites, members.

One JSON object a line. `append` returns when the line is on disk. A last line without its end was
cut off by a crash before anybody was told of it: it is cut away. A damaged line within is an error,
never skipped, for it may be a kick. Everything here blocks.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from p2ptui.base.errors import storage_error
from p2ptui.base.private_files import append_private, read_private, replace_private

T = TypeVar("T")


class Ledger(Generic[T]):
    """A ledger of records of one type, or one union of tagged types."""

    def __init__(self, path: Path, decoder: "msgspec.json.Decoder[T]") -> None:
        self._path = path
        self._decoder = decoder

    @property
    def exists(self) -> bool:
        """Whether anything was ever written down."""
        return self._path.exists()

    def read(self) -> list[T]:
        """All records, the oldest first; repairs a last line that a crash cut off.

        Raises a storage error for a line that cannot be read.
        """
        try:
            data = read_private(self._path)
        except FileNotFoundError:
            return []
        whole, _, torn = data.rpartition(b"\n")
        if torn:
            self._replace(whole + b"\n" if whole else b"")
        records = []
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                records.append(self._decoder.decode(line))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise storage_error(
                    "A list of the tracker is damaged",
                    f"{self._path}, line {number}: {error}",
                    "Restore the file from a backup, or remove that line if you know what it said.",
                ) from None
        return records

    def append(self, record: T) -> None:
        """Add a record and wait until it is on disk. Raises a storage error."""
        append_private(self._path, msgspec.json.encode(record) + b"\n")

    def rewrite(self, records: Iterable[T]) -> None:
        """Replace all records at once: after a crash there are the old ones or the new."""
        self._replace(b"".join(msgspec.json.encode(record) + b"\n" for record in records))

    def _replace(self, data: bytes) -> None:
        replace_private(self._path, data)
