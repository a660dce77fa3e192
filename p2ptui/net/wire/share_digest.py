"""Share digest: a sum over the entries of a share that does not depend on their order.

Pure. Kept by the node as it changes its share, and by the tracker as it applies the changes; when
both agree, nothing need be sent again (PROTOCOL.md 3, `Announce`).
"""

from collections.abc import Iterable

import msgspec
from blake3 import blake3

from p2ptui.net.wire.messages import Entry

DIGEST_BYTES = 16
_MODULUS = 1 << (8 * DIGEST_BYTES)
_encoder = msgspec.msgpack.Encoder()


def entry_digest(entry: Entry) -> int:
    """The first 16 bytes of BLAKE3(msgpack(entry)) as a little-endian number."""
    return int.from_bytes(blake3(_encoder.encode(entry)).digest(DIGEST_BYTES), "little")


class ShareDigest:
    """The sum of the digests of all entries, modulo 2^128. `bytes(digest)` is its 16-byte form."""

    __slots__ = ("_sum",)

    def __init__(self, value: bytes = bytes(DIGEST_BYTES)) -> None:
        if len(value) != DIGEST_BYTES:
            raise ValueError(f"a share digest has {DIGEST_BYTES} bytes")
        self._sum = int.from_bytes(value, "little")

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "ShareDigest":
        """The digest of these entries."""
        digest = cls()
        for entry in entries:
            digest.add(entry)
        return digest

    def add(self, entry: Entry) -> None:
        """Count an entry in."""
        self._sum = (self._sum + entry_digest(entry)) % _MODULUS

    def remove(self, entry: Entry) -> None:
        """Count an entry out that was counted in before."""
        self._sum = (self._sum - entry_digest(entry)) % _MODULUS

    def __bytes__(self) -> bytes:
        return self._sum.to_bytes(DIGEST_BYTES, "little")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShareDigest) and self._sum == other._sum

    def __hash__(self) -> int:
        return hash(self._sum)

    def __repr__(self) -> str:
        return f"ShareDigest({bytes(self).hex()})"
