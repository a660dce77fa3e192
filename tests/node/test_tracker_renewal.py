"""F9: the tracker finds our certificate expired though our own clock does not."""

import ssl
from collections.abc import Awaitable, Callable

import pytest

from p2ptui.base.clock import SystemClock
from p2ptui.base.ids import ContentId
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.wire import messages as m
from p2ptui.node.announcer import Announcer
from p2ptui.node.tracker_link import Pushed, TrackerLink


def refused(reason: str) -> LinkClosed:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    closed = LinkClosed("gone", "the connection was lost", theirs=True)
    closed.__cause__ = error
    return closed


class RefusedLink:
    """A link whose other side did not like our certificate."""

    closed = True

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def send(self, _message: object) -> None:
        raise refused(self._reason)

    def abort(self) -> None:
        """Is over already."""


class Handler:
    """Notes how the link dials, and what it tells."""

    def __init__(self, reason: str) -> None:
        self.dialled: list[bool] = []
        self.told: list[tuple[str, float | None]] = []
        self._reason = reason

    async def dial(self, *, renew: bool = False) -> tuple[Link, str]:
        self.dialled.append(renew)
        if len(self.dialled) > 2:
            raise LinkClosed("kicked", "enough")
        link: Link = RefusedLink(self._reason)  # type: ignore[assignment]  # as much as is used
        return link, "127.0.0.1:7070"

    async def hello(self) -> m.Hello:
        return m.Hello(0, (), "test", "anna", 0, (), 0, 0, 0, bytes(16))

    def connected(self, welcome: m.Welcome, address: str) -> None:
        raise AssertionError("nobody welcomed us")

    def disconnected(self, reason: str, retry_s: float | None) -> None:
        self.told.append((reason, retry_s))

    def heard(self, message: Pushed) -> None:
        """Hears nothing."""

    async def list_files(self, request: m.ListFiles) -> m.Listing:
        return m.Listing(request.id, (), 0)

    async def holds(self, content: ContentId) -> bool:
        return False

    async def renew(self, ask: Callable[[bytes], Awaitable[bytes]]) -> None:
        """Has nothing to renew."""


@pytest.mark.parametrize(
    ("reason", "dialled"),
    [
        ("TLSV13_ALERT_CERTIFICATE_EXPIRED", [False, True]),
        ("TLSV1_ALERT_UNKNOWN_CA", [False]),
    ],
)
async def test_f9_an_expired_certificate_is_renewed_and_tried_once_more(
    reason: str, dialled: list[bool]
) -> None:
    handler = Handler(reason)
    announcer: Announcer = None  # type: ignore[assignment]  # nothing is announced before a welcome
    link = TrackerLink(handler, announcer, SystemClock())

    end = await link._connect()

    assert handler.dialled == dialled
    assert not end.was_up
