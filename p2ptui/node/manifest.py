"""Manifests: chunk sizes, chunk hashes and content ids (PROTOCOL.md 4). Pure.

The chunk size is a function of the size alone, so the same bytes have the same id everywhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from blake3 import blake3

from p2ptui.base.ids import CONTENT_ID_BYTES, ContentId

HASH_BYTES = 32
MIN_CHUNK_LOG2 = 20
MAX_CHUNKS = 65_536
MAX_SIZE = 2**63 - 1

_CHUNK_CONTEXT = "p2ptui 2026 chunk v1"
_MANIFEST_CONTEXT = "p2ptui 2026 manifest v1"
# Copies of these are cheaper than deriving the key anew for each of many small files.
_CHUNK_HASHER = blake3(derive_key_context=_CHUNK_CONTEXT)
_MANIFEST_HASHER = blake3(derive_key_context=_MANIFEST_CONTEXT)


class ManifestMismatch(Exception):  # noqa: N818  (the condition, named as in PROTOCOL.md 5)
    """What was given as a content's manifest is not the one that its id names."""


def chunk_size_log2(size: int) -> int:
    """Binary logarithm of the chunk size: 20 (1 MiB) up to 64 GiB, then as much as is needed.

    `size` in bytes, 0 to 2^63 - 1; anything else is a `ValueError`.
    """
    if not 0 <= size <= MAX_SIZE:
        raise ValueError(f"no size of a content: {size}")
    return max(MIN_CHUNK_LOG2, (max(size, 1) - 1).bit_length() - MAX_CHUNKS.bit_length() + 1)


def chunk_count(size: int) -> int:
    """Number of chunks of a content of this size; 0 for an empty one."""
    return -(-size >> chunk_size_log2(size)) if size else 0


def chunk_hasher() -> blake3:
    """A fresh hasher for one chunk that is read in pieces."""
    return _CHUNK_HASHER.copy()


def chunk_hash(data: bytes | bytearray | memoryview) -> bytes:
    """Hash of one whole chunk, 32 bytes."""
    return _CHUNK_HASHER.copy().update(data).digest()


def content_id_of(size: int, hashes: bytes | Iterable[bytes]) -> ContentId:
    """Content id of a size in bytes and its chunk hashes, in order (or joined)."""
    joined = hashes if isinstance(hashes, bytes) else b"".join(hashes)
    if len(joined) != chunk_count(size) * HASH_BYTES:
        raise ValueError(f"{len(joined)} bytes of hashes for {size} bytes of content")
    head = size.to_bytes(8, "big") + bytes([chunk_size_log2(size)])
    return ContentId(_MANIFEST_HASHER.copy().update(head).update(joined).digest())


@dataclass(frozen=True, slots=True)
class Manifest:
    """Size and chunk hashes of a content, proven to be those that its id names."""

    content_id: ContentId
    size: int
    hashes: bytes = field(repr=False)
    """All chunk hashes joined, 32 bytes each."""

    @classmethod
    def of(cls, size: int, hashes: bytes | Iterable[bytes]) -> Self:
        """The manifest of a content that was hashed here."""
        joined = hashes if isinstance(hashes, bytes) else b"".join(hashes)
        return cls(content_id_of(size, joined), size, joined)

    @classmethod
    def verified(cls, content_id: ContentId, size: int, hashes: bytes) -> Self:
        """The manifest that somebody gave for an id. Raises `ManifestMismatch` (F53, F76)."""
        if len(content_id) != CONTENT_ID_BYTES:
            raise ManifestMismatch("not a content id")
        try:
            found = content_id_of(size, bytes(hashes))
        except ValueError as error:
            raise ManifestMismatch(str(error)) from None
        if found != content_id:
            raise ManifestMismatch("size and hashes do not give this content id")
        return cls(content_id, size, bytes(hashes))

    @property
    def chunk_size(self) -> int:
        """Bytes of every chunk but the last."""
        return 1 << chunk_size_log2(self.size)

    @property
    def chunk_count(self) -> int:
        """Number of chunks; 0 for an empty content."""
        return len(self.hashes) // HASH_BYTES

    def chunk_length(self, index: int) -> int:
        """Bytes of one chunk. Raises `IndexError` (F89)."""
        return min(self.chunk_size, self.size - self.chunk_offset(index))

    def chunk_offset(self, index: int) -> int:
        """Where a chunk begins, in bytes. Raises `IndexError` (F89)."""
        if not 0 <= index < self.chunk_count:
            raise IndexError(f"chunk {index} of {self.chunk_count}")
        return index * self.chunk_size

    def chunk_hash(self, index: int) -> bytes:
        """Hash that a chunk must have. Raises `IndexError` (F89)."""
        if not 0 <= index < self.chunk_count:
            raise IndexError(f"chunk {index} of {self.chunk_count}")
        return self.hashes[index * HASH_BYTES : (index + 1) * HASH_BYTES]

    def holds(self, index: int, data: bytes | bytearray | memoryview) -> bool:
        """Whether these bytes are the chunk of that index. Raises `IndexError`."""
        return len(data) == self.chunk_length(index) and chunk_hash(data) == self.chunk_hash(index)
