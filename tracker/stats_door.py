"""The pages for machines that watch: /metrics, /stats.json and /health, off unless asked for.

They show what the console shows, to everybody who can call the address: so it is this machine's
own unless the admin says in as many words that it may be another.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from msgspec import Struct

from p2ptui.base.addresses import format_address, is_address, parse_address
from p2ptui.base.errors import P2PError, usage_error
from tracker.api_values import TrackerStatus
from tracker.http import Answer, HttpServer, Page

DEFAULT_PORT = 9071
JSON = "application/json"
GetStatus = Callable[[], Awaitable[TrackerStatus]]


class Health(Struct, frozen=True):
    """What `/health` says: 200 when `ok`, else 503."""

    ok: bool
    reasons: tuple[str, ...] = ()


class StatsDoor:
    """Opened, moved and closed while the tracker runs."""

    def __init__(self, status: GetStatus) -> None:
        self._status = status
        self._server: HttpServer | None = None
        self._wanted = ("", False)

    @property
    def address(self) -> str:
        """`host:port` that it is bound to; empty: it is closed."""
        return "" if self._server is None else self._server.address

    async def change(self, listen: str, *, public: bool) -> None:
        """Serve at another address, or at none. Raises `P2PError`; then all is as it was."""
        if (listen, public) == self._wanted:
            return
        if not listen:
            await self.close()
            return
        host, port = stats_address(listen, public=public)
        opened = await HttpServer.open(host, port, self._pages(), any_name=not is_loopback(host))
        await self.close()
        self._server, self._wanted = opened, (listen, public)

    async def close(self) -> None:
        """Serve no more."""
        server, self._server, self._wanted = self._server, None, ("", False)
        if server is not None:
            await server.close()

    def _pages(self) -> dict[str, Page]:
        return {"/metrics": self._metrics, "/stats.json": self._stats, "/health": self._health}

    async def _metrics(self) -> Answer:
        # Who does not ask for metrics does not wait for the library at the start either.
        from tracker.metrics import CONTENT_TYPE, metrics_text  # noqa: PLC0415

        return Answer(HTTPStatus.OK, CONTENT_TYPE, metrics_text(await self._status()))

    async def _stats(self) -> Answer:
        return _json(HTTPStatus.OK, await self._status())

    async def _health(self) -> Answer:
        try:
            health = health_of(await self._status())
        except P2PError as error:
            health = Health(ok=False, reasons=(str(error),))
        return _json(HTTPStatus.OK if health.ok else HTTPStatus.SERVICE_UNAVAILABLE, health)


def health_of(status: TrackerStatus) -> Health:
    """Whether a balancer should send peers here, and why not."""
    reasons = []
    if status.draining:
        reasons.append("draining: nobody new is let in")
    if status.index_notice:
        reasons.append(status.index_notice)
    return Health(ok=not reasons, reasons=tuple(reasons))


def stats_address(listen: str, *, public: bool) -> tuple[str, int]:
    """Host and port of the setting `metrics`; without a host: 127.0.0.1.

    Raises a usage error for an address that others can call, unless `public`.
    """
    text = f"127.0.0.1{listen}" if listen.startswith(":") else listen
    host, port = parse_address(text, DEFAULT_PORT)
    if not public and not is_loopback(host):
        raise usage_error(
            "Metrics would be readable by others",
            f"{format_address(host, port)} is not an address of this machine alone",
            "Listen on 127.0.0.1. If others are to read them, say so in the settings: "
            "tracker.metrics_public = true.",
        )
    return host, port


def stats_warning(address: str) -> tuple[str, str] | None:
    """What is told of an address that others can call, and what to do; None for any other."""
    if not address or is_loopback(parse_address(address, DEFAULT_PORT)[0]):
        return None
    return (
        f"Metrics at {address} are readable by everybody who can call that address",
        "See that a firewall lets only those call who are to read them.",
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can call that address."""
    if is_address(host):
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    return host.lower() == "localhost"


def _json(status: HTTPStatus, value: Struct) -> Answer:
    return Answer(status, JSON, msgspec.json.encode(value) + b"\n")
