"""Pipe: two transports joined end to end; what one receives the other sends, in order, unread.

Nothing is stored but what is under way: a transport that cannot send makes its other end stop
reading. An end may have a *head*, the first bytes that came, which go to its owner and no further.
"""

import asyncio
from collections.abc import Callable
from typing import cast

FREE_S = 0.0
MIN_HOLD_S = 0.001
HIGH_WATER_BYTES = 256 * 1024


def _free(_amount: int) -> float:
    return FREE_S


class PipeEnd(asyncio.Protocol):
    """One end. `join` it with another once both are there; then each lives as long as the other."""

    def __init__(
        self,
        *,
        head_bytes: int = 0,
        on_head: Callable[["PipeEnd", bytes], None] | None = None,
        on_lost: Callable[["PipeEnd"], None] | None = None,
        charge: Callable[[int], float] = _free,
    ) -> None:
        """`charge` is told of bytes that came and says for how many seconds to read no more."""
        self._head_bytes = head_bytes
        self._on_head = on_head
        self._on_lost = on_lost
        self._charge = charge
        self._transport: asyncio.Transport | None = None
        self.other: PipeEnd | None = None
        """Where what comes here goes."""
        self._early = bytearray()
        """What came before there was another end."""
        self.full = False
        """The other end cannot send any more for now."""
        self._held: asyncio.TimerHandle | None = None
        self._reading = True
        self.passed = 0
        """Bytes that went on from here."""
        self.lost = False

    # --- for its owner --------------------------------------------------------------------------

    def join(self, other: "PipeEnd") -> None:
        """Join both ends; a dead one takes the other with it."""
        self.other, other.other = other, self
        for end in (self, other):
            end.flow()
        for end, far in ((self, other), (other, self)):
            if far.lost:
                end.close()

    def write(self, data: bytes) -> None:
        """Send something of the owner's own."""
        if self._transport is not None and not self.lost:
            self._transport.write(data)

    def close(self) -> None:
        """End it, after what is under way was sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()

    # --- for its transport ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    def data_received(self, data: bytes) -> None:
        """Pass it on, or keep it until there is somebody to pass it to."""
        hold_s = self._charge(len(data))
        if hold_s > 0 and self._held is None:
            self._held = asyncio.get_running_loop().call_later(hold_s, self._release)
        if self.other is not None and not self._early:
            self._pass(data)
        else:
            self._early += data
            if self._on_head is not None and len(self._early) >= self._head_bytes:
                head = bytes(self._early[: self._head_bytes])
                del self._early[: self._head_bytes]
                on_head, self._on_head = self._on_head, None
                on_head(self, head)
        self.flow()

    def pause_writing(self) -> None:
        """The other end's bytes pile up here."""
        self._set_full(True)

    def resume_writing(self) -> None:
        """There is room again."""
        self._set_full(False)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio's name)
        """The other end goes too, after it has sent what it got."""
        self.lost = True
        if self._held is not None:
            self._held.cancel()
        if self.other is not None:
            self.other.close()
        if self._on_lost is not None:
            self._on_lost(self)

    # --- flow -----------------------------------------------------------------------------------

    def _pass(self, data: bytes | bytearray) -> None:
        assert self.other is not None
        self.passed += len(data)
        self.other.write(bytes(data))

    def _set_full(self, full: bool) -> None:
        self.full = full
        if self.other is not None:
            self.other.flow()

    def _release(self) -> None:
        self._held = None
        hold_s = self._charge(0)
        if hold_s > 0:
            # Never a busy loop for the last fraction of a byte.
            hold_s = max(hold_s, MIN_HOLD_S)
            self._held = asyncio.get_running_loop().call_later(hold_s, self._release)
        else:
            self.flow()

    def flow(self) -> None:
        """Hand on what waits, and read on or not, as there is room."""
        other, transport = self.other, self._transport
        if other is not None and self._early:
            early, self._early = self._early, bytearray()
            self._pass(early)
        if transport is None or self.lost or transport.is_closing():
            return
        room = not other.full if other is not None else self._on_head is not None
        reading = room and self._held is None
        if reading != self._reading:
            self._reading = reading
            if reading:
                transport.resume_reading()
            else:
                transport.pause_reading()
