"""The seam between engines and the network: a proven connection, and the way to get one.

Engines hold a `Link` and a `Network` and nothing else of this package's sockets, so that the tests
run whole swarms in memory. `connection`, `listener` and `dialer` are the real ones.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from p2ptui.base.ids import PeerId
from p2ptui.net.throttle import Throttles
from p2ptui.net.wire.frames import DataFrame
from p2ptui.net.wire.messages import Endpoint, GoodbyeCode

Buffer = bytes | bytearray | memoryview


class LinkClosed(Exception):  # noqa: N818  (an event in the life of a link, not always an error)
    """The connection is over. `code` says why; `theirs` whether the other side ended it.

    `until`: see `Goodbye`.
    """

    def __init__(
        self, code: GoodbyeCode | str, text: str = "", *, theirs: bool = False, until: int = 0
    ) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.theirs = theirs
        self.until = until

    def __str__(self) -> str:
        return f"{self.code}: {self.text}" if self.text else str(self.code)


class DataSink(Protocol):
    """Where the payload of data frames goes: straight into a buffer of the engine's own."""

    def data_buffer(self, request_id: int, offset: int, length: int) -> memoryview | None:
        """A writable buffer of exactly `length` bytes, or None to throw the payload away.

        Called once a frame's header is known. Raises `ProtocolViolation` when the frame does not
        belong to the request (wrong offset, beyond the end): the connection is closed for it.
        """
        ...

    def data_received(self, request_id: int, offset: int, length: int) -> None:
        """The frame's payload lies in the buffer that `data_buffer` gave."""
        ...


class Link(Protocol):
    """One authenticated, encrypted connection that carries messages and data frames."""

    @property
    def peer_id(self) -> PeerId | None:
        """Proven id of the other side; None for a stranger who has no certificate yet."""
        ...

    @property
    def remote(self) -> Endpoint:
        """Address of the other side's socket."""
        ...

    @property
    def closed(self) -> bool:
        """Whether the connection is over."""
        ...

    @property
    def under_way(self) -> DataFrame | None:
        """The data frame that is coming in, with the length that is here; None when there is none.

        A slow peer takes many seconds for one: whoever watches its pace looks here.
        """
        ...

    def post(self, message: object) -> None:
        """Send a message without waiting for room; does nothing on a closed link."""
        ...

    async def send(self, message: object) -> None:
        """Send a message and wait for room in the send buffer. Raises `LinkClosed`."""
        ...

    async def send_data(self, request_id: int, offset: int, payload: Buffer) -> None:
        """Send a payload as data frames; waits for room after each. Raises `LinkClosed`.

        The buffer must not change until the call returns. A taker that reads nothing for 30 s is
        disconnected.
        """
        ...

    async def receive(self) -> object:
        """The next message, in order. Raises `LinkClosed` at the end.

        Pings are answered by the link itself and not received; pongs are received. A silence ends
        the link with `idle`: 45 s between member and tracker, 120 s between peers. Data frames go
        to the sink as they come and may overtake messages that wait here.
        """
        ...

    def set_sink(self, sink: DataSink | None) -> None:
        """Say where data frames go; without a sink a data frame is a protocol violation."""
        ...

    def set_throttles(self, up: Throttles, down: Throttles) -> None:
        """Limit what is sent as payloads, and what is received in all."""
        ...

    async def close(self, code: GoodbyeCode = "done", text: str = "", until: int = 0) -> None:
        """Say goodbye, flush for at most 2 s, then close. Never raises."""
        ...

    def abort(self) -> None:
        """Close at once, unflushed."""
        ...


LinkHandler = Callable[[Link], Awaitable[None]]
"""Owns a link from its handshake on; the link is closed when the handler returns or raises."""


class Listening(Protocol):
    """A listening socket."""

    @property
    def endpoint(self) -> Endpoint:
        """The address that it is bound to."""
        ...

    async def close(self) -> None:
        """Stop accepting, close all links with `stopping` and wait for their handlers."""
        ...


class Network(Protocol):
    """How a node reaches others. Raises `P2PError` (unreachable or security stop)."""

    async def dial_tracker(self, host: str, port: int) -> Link:
        """A link to the swarm's tracker with our certificate, not yet greeted with `Hello`."""
        ...

    async def dial_peer(self, endpoint: Endpoint, expect: PeerId | None) -> Link:
        """A link to a peer, not yet greeted; `expect` None accepts any member of the swarm."""
        ...

    async def listen(self, host: str, port: int, handler: LinkHandler) -> Listening:
        """Accept peers. Port 0 takes any free one. Raises `P2PError` when it is in use."""
        ...
