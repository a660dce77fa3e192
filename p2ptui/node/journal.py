"""The journal of a partial: which chunks are on the disk for certain. Opens nothing itself.

A file of records of 16 bytes: `u32be first · u32be count · 8 bytes of check`. The check is a hash
over the content id and the record, so a torn record, a flipped bit and the journal of another
content count for nothing (F97). A last record of a special form says that the partial was closed
in an orderly way and what its file looked like then; only with it are claims believed unchecked.
The highest bit of `count` makes a claim a withdrawal: those chunks are not there after all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Final

from blake3 import blake3

from p2ptui.base.ids import ContentId
from p2ptui.node.chunkmap import ChunkMap, runs_of
from p2ptui.node.disk import FileStat

RECORD_BYTES: Final = 16

_BODY = Struct(">II")
_SHAPE = Struct(">QqQ")
_WITHDRAWN = 1 << 31
_CLEAN = _BODY.pack(0xFFFFFFFF, 0xFFFFFFFF)
_HASHER = blake3(derive_key_context="p2ptui 2026 journal v1")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a journal says."""

    chunks: ChunkMap
    """Chunks that it claims to be on the disk."""
    clean: bool
    """Whether it was closed in an orderly way and the file is still as it was then."""


def claim_records(content: ContentId, chunks: Iterable[int]) -> bytes:
    """Records that chunks, given in ascending order, are on the disk."""
    return b"".join(_record(content, first, count) for first, count in runs_of(chunks))


def withdrawal_records(content: ContentId, chunks: Iterable[int]) -> bytes:
    """Records that chunks, given in ascending order, are not on the disk, whatever was claimed."""
    return b"".join(_record(content, first, count | _WITHDRAWN) for first, count in runs_of(chunks))


def clean_record(content: ContentId, part: FileStat) -> bytes:
    """The record of an orderly end, good for exactly this state of the part file."""
    return _CLEAN + _check(content, _CLEAN + _shape(part))


def read_journal(content: ContentId, chunks: int, data: bytes, part: FileStat) -> Claims:
    """What is believed of a journal's bytes, for a content of so many chunks."""
    claimed = ChunkMap(chunks)
    clean = False
    for start in range(0, len(data) - RECORD_BYTES + 1, RECORD_BYTES):
        record = data[start : start + RECORD_BYTES]
        body, check = record[: _BODY.size], record[_BODY.size :]
        if body == _CLEAN:
            clean = check == _check(content, body + _shape(part))
            continue
        # Whatever follows an orderly end was written by a run that had no such end.
        clean = False
        first, count = _BODY.unpack(body)
        note = claimed.clear if count & _WITHDRAWN else claimed.set
        count &= ~_WITHDRAWN
        if check != _check(content, body) or first + count > chunks:
            continue
        for index in range(first, first + count):
            note(index)
    return Claims(claimed, clean and len(data) % RECORD_BYTES == 0)


def _record(content: ContentId, first: int, count: int) -> bytes:
    body = _BODY.pack(first, count)
    return body + _check(content, body)


def _check(content: ContentId, said: bytes) -> bytes:
    return _HASHER.copy().update(content).update(said).digest(8)


def _shape(part: FileStat) -> bytes:
    return _SHAPE.pack(part.size, part.mtime_ns, part.inode)
