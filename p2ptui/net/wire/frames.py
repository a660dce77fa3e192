"""Frames: `u32be length · u8 type · body`, taken apart without reading a socket (PROTOCOL.md 2).

The length counts the type and the body, so it is never 0. It is compared with the limit of state
and type before anything is allocated. Of a frame that is not complete nothing is handed out.

Where bytes go: while a header is awaited, into a scratch buffer, so that a small frame costs one
read. A control body that is too large for it gets a buffer of its own. Of a data frame the overlap
is copied, and the rest is read straight into the buffer that the owner gave.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from p2ptui.net.wire.errors import ProtocolViolation

_HEADER = Struct(">IB")
_DATA_HEADER = Struct(">IBII")
_LENGTH_BYTES = 4

MAX_CONTROL_BYTES = 256 * 1024
"""Largest control body after the greeting."""
MAX_PAYLOAD_BYTES = 256 * 1024
"""Largest payload of one data frame."""
_DATA_PREFIX_BYTES = _DATA_HEADER.size - _HEADER.size
_MAX_LENGTH = 1 + _DATA_PREFIX_BYTES + max(MAX_CONTROL_BYTES, MAX_PAYLOAD_BYTES)


class FrameType(IntEnum):
    """What a frame holds."""

    CONTROL = 1
    DATA = 2


@dataclass(frozen=True, slots=True)
class ControlFrame:
    """A message's body; valid until the reader is given more bytes."""

    body: memoryview


@dataclass(frozen=True, slots=True)
class DataFrame:
    """A payload that lies in the buffer that was given for it; `dropped` when none was."""

    request_id: int
    offset: int
    length: int
    dropped: bool


Frame = ControlFrame | DataFrame
Admit = Callable[[FrameType, int], None]
"""Told the type and the size of the body (of the payload for data) of each frame that begins.

Raises `ProtocolViolation` to refuse it.
"""
Place = Callable[[int, int, int], memoryview | None]
"""Asked with request id, offset and length where a payload goes; None throws it away."""


def control_frame(body: bytes) -> bytes:
    """A whole control frame around a message's body. Too large a body is a mistake of ours."""
    if not 0 < len(body) <= MAX_CONTROL_BYTES:
        raise ValueError(f"a control body of {len(body)} bytes")
    return _HEADER.pack(1 + len(body), FrameType.CONTROL) + body


def data_header(request_id: int, offset: int, length: int) -> bytes:
    """What goes before a payload of `length` bytes in a data frame."""
    if not 0 < length <= MAX_PAYLOAD_BYTES:
        raise ValueError(f"a data payload of {length} bytes")
    return _DATA_HEADER.pack(1 + _DATA_PREFIX_BYTES + length, FrameType.DATA, request_id, offset)


class FrameReader:
    """Takes frames apart: `get_buffer`, fill it, `received`, then `next_frame` until it is None.

    After `next_frame` raised `ProtocolViolation` the reader is of no further use.
    """

    __slots__ = (
        "_admit", "_body", "_data", "_end", "_filled", "_length", "_place", "_scratch", "_start",
        "completed",
    )  # fmt: skip

    def __init__(self, admit: Admit, place: Place, *, scratch_bytes: int) -> None:
        if scratch_bytes < _DATA_HEADER.size:
            raise ValueError("the scratch buffer must hold a header")
        self._admit = admit
        self._place = place
        self._scratch = memoryview(bytearray(scratch_bytes))
        self._start = 0
        self._end = 0
        self._length = 0
        """Bytes of the body or payload that does not go through the scratch buffer; 0: none."""
        self._filled = 0
        self._body: memoryview | None = None
        """Where it goes; None throws it away."""
        self._data: DataFrame | None = None
        """The data frame it belongs to; None for a control frame."""
        self.completed = 0
        """Number of frames that were taken apart."""

    @property
    def is_mid_frame(self) -> bool:
        """Whether a frame has begun and is not complete."""
        return self._length > 0 or self._end > self._start

    @property
    def under_way(self) -> DataFrame | None:
        """The data frame that is coming in, with the length that is here; None when there is none.

        A slow sender takes many seconds for one: whoever watches its pace looks here.
        """
        data = self._data
        if data is None or data.dropped:
            return None
        return DataFrame(data.request_id, data.offset, self._filled, dropped=False)

    def get_buffer(self) -> memoryview:
        """Where the next bytes are to be written; never empty once `next_frame` gave None."""
        if not self._length:
            self._move_to_front()
            return self._scratch[self._end :]
        if self._body is not None:
            return self._body[self._filled :]
        return self._scratch[: self._length - self._filled]

    def received(self, count: int) -> None:
        """That many bytes were written into the buffer."""
        if self._length:
            self._filled += count
        else:
            self._end += count

    def next_frame(self) -> Frame | None:
        """The next complete frame; None when more bytes are needed. Raises `ProtocolViolation`."""
        if self._length:
            return self._finish() if self._filled == self._length else None
        available = self._end - self._start
        if available < _LENGTH_BYTES:
            return None
        length = int.from_bytes(self._scratch[self._start : self._start + _LENGTH_BYTES], "big")
        if length == 0:
            raise ProtocolViolation("a frame of no length")
        if length > _MAX_LENGTH:
            raise ProtocolViolation("a frame that is too long")
        if available < _HEADER.size:
            return None
        kind = self._scratch[self._start + _LENGTH_BYTES]
        if kind == FrameType.CONTROL:
            return self._begin_control(length - 1)
        if kind == FrameType.DATA:
            return self._begin_data(length - 1 - _DATA_PREFIX_BYTES)
        raise ProtocolViolation("a frame of an unknown type")

    def _begin_control(self, size: int) -> Frame | None:
        if size == 0:
            raise ProtocolViolation("a frame without a body")
        self._admit(FrameType.CONTROL, size)
        begin = self._start + _HEADER.size
        if self._end - begin >= size:
            self._start = begin + size
            self.completed += 1
            return ControlFrame(self._scratch[begin : self._start])
        if _HEADER.size + size <= len(self._scratch):
            return None
        self._data = None
        self._divert(begin, size, memoryview(bytearray(size)))
        return None

    def _begin_data(self, size: int) -> Frame | None:
        if size <= 0:
            raise ProtocolViolation("a data frame without a payload")
        self._admit(FrameType.DATA, size)
        begin = self._start + _DATA_HEADER.size
        if self._end < begin:
            return None
        _, _, request_id, offset = _DATA_HEADER.unpack_from(self._scratch, self._start)
        target = self._place(request_id, offset, size)
        if target is not None and len(target) != size:
            raise ValueError(f"a buffer of {len(target)} bytes for a payload of {size}")
        self._data = DataFrame(request_id, offset, size, target is None)
        self._divert(begin, size, target)
        return self._finish() if self._filled == self._length else None

    def _divert(self, begin: int, size: int, target: memoryview | None) -> None:
        """Copy what the scratch buffer has of a body; the rest of it goes straight to `target`."""
        overlap = min(size, self._end - begin)
        if target is not None:
            target[:overlap] = self._scratch[begin : begin + overlap]
        self._start = begin + overlap
        self._body, self._length, self._filled = target, size, overlap

    def _finish(self) -> Frame:
        body, data = self._body, self._data
        self._body, self._data, self._length, self._filled = None, None, 0, 0
        self.completed += 1
        if data is not None:
            return data
        assert body is not None
        return ControlFrame(body)

    def _move_to_front(self) -> None:
        if self._start:
            rest = self._end - self._start
            self._scratch[:rest] = self._scratch[self._start : self._end]
            self._start, self._end = 0, rest
