"""Chunk maps: which chunks of a content are there. Pure; not locked, the owner sees to that.

On the wire and on screens one bit a chunk, bit 7 of byte 0 first; bits past the end are zero.
"""

from collections.abc import Iterable, Iterator
from typing import Self


class ChunkMap:
    """A set of chunk numbers below a fixed count, with the number of its members at hand."""

    __slots__ = ("_bits", "_size", "count")

    def __init__(self, size: int) -> None:
        if size < 0:
            raise ValueError(f"a chunk map of {size} chunks")
        self._size = size
        self._bits = bytearray((size + 7) // 8)
        self.count = 0
        """How many chunks are there."""

    @classmethod
    def full(cls, size: int) -> Self:
        """A map of a content that is all there."""
        made = cls(size)
        if size:
            made._bits = bytearray(b"\xff" * len(made._bits))
            made._bits[-1] = 0xFF << (-size % 8) & 0xFF
            made.count = size
        return made

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Self:
        """The map that another side sent. Raises `ValueError` when it is not of this size."""
        made = cls(size)
        if len(data) != len(made._bits):
            raise ValueError(f"{len(data)} bytes for a map of {size} chunks")
        if data and data[-1] & ~(0xFF << (-size % 8)) & 0xFF:
            raise ValueError("a chunk map with bits past its end")
        made._bits[:] = data
        made.count = int.from_bytes(data, "big").bit_count()
        return made

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ChunkMap) and self._size == other._size and self._bits == other._bits
        )

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"ChunkMap({self.count} of {self._size})"

    @property
    def complete(self) -> bool:
        """Whether every chunk is there."""
        return self.count == self._size

    def has(self, index: int) -> bool:
        """Whether a chunk is there. Raises `IndexError`."""
        self._check(index)
        return bool(self._bits[index >> 3] & 0x80 >> (index & 7))

    def set(self, index: int) -> bool:
        """Note that a chunk is there; False when it was before. Raises `IndexError`."""
        self._check(index)
        bit = 0x80 >> (index & 7)
        if self._bits[index >> 3] & bit:
            return False
        self._bits[index >> 3] |= bit
        self.count += 1
        return True

    def clear(self, index: int) -> bool:
        """Note that a chunk is no longer there; False when it was not. Raises `IndexError`."""
        self._check(index)
        bit = 0x80 >> (index & 7)
        if not self._bits[index >> 3] & bit:
            return False
        self._bits[index >> 3] &= ~bit & 0xFF
        self.count -= 1
        return True

    def present(self) -> Iterator[int]:
        """The chunks that are there, ascending."""
        return self._where(0)

    def missing(self) -> Iterator[int]:
        """The chunks that are not there, ascending."""
        return self._where(0xFF)

    def runs(self) -> Iterator[tuple[int, int]]:
        """The chunks that are there as (first, how many), ascending."""
        return runs_of(self.present())

    def to_bytes(self) -> bytes:
        """One bit a chunk, bit 7 of byte 0 first."""
        return bytes(self._bits)

    def copy(self) -> "ChunkMap":
        """A map of its own with the same chunks."""
        made = ChunkMap(self._size)
        made._bits[:] = self._bits
        made.count = self.count
        return made

    def _check(self, index: int) -> None:
        if not 0 <= index < self._size:
            raise IndexError(f"chunk {index} of {self._size}")

    def _where(self, flip: int) -> Iterator[int]:
        for place, byte in enumerate(self._bits):
            left = byte ^ flip
            base = place << 3
            while left:
                index = base + 8 - left.bit_length()
                if index >= self._size:
                    return
                yield index
                left &= ~(1 << (left.bit_length() - 1))


def runs_of(indices: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending numbers as (first, how many) of each unbroken run."""
    first = count = 0
    for index in indices:
        if count and index == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = index, 1
    if count:
        yield first, count
