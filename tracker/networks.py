"""Networks that nobody may call from: an append-only ledger beside the kick list.

Loopback is never locked out: whoever runs the tracker must reach it. Times are seconds since 1970,
given by the caller. Blocks when it writes; may be called from several threads.
"""

import ipaddress
import threading
from pathlib import Path

import msgspec
from msgspec import Struct

from p2ptui.base.addresses import is_loopback
from p2ptui.base.errors import usage_error
from p2ptui.net.kicks import FOREVER
from tracker.endpoints import parse
from tracker.ledger import Ledger

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NETWORKS = "networks.log"
"""Name of the ledger, beside the authority's own."""
MAX_WHY = 256
MAX_BARS = 10_000
"""Networks that are barred at a time; each is looked at when somebody calls."""


class Bar(Struct, frozen=True, tag="barred", tag_field="fact", forbid_unknown_fields=True):
    """A network that nobody may call from until a time (`FOREVER`: for good)."""

    network: str
    why: str
    until: int


class _Lifted(Struct, frozen=True, tag="lifted", tag_field="fact", forbid_unknown_fields=True):
    network: str


_DECODER: msgspec.json.Decoder[Bar | _Lifted] = msgspec.json.Decoder(Bar | _Lifted)


def parse_network(text: str) -> Network | None:
    """The network that a person means: an address stands for itself; None when it is neither.

    Bits beyond the mask are cut off, an IPv4 address that was mapped into IPv6 is IPv4.
    """
    host, slash, bits = text.strip().partition("/")
    address = parse(host)
    if address is None:
        return None
    try:
        return ipaddress.ip_network(f"{address}/{bits}" if slash else str(address), strict=False)
    except ValueError:
        return None


def is_in(host: str, network: Network) -> bool:
    """Whether an address lies in a network."""
    address = parse(host)
    return address is not None and address.version == network.version and address in network


class BarredNetworks:
    """The networks that are barred."""

    def __init__(self, path: Path) -> None:
        """Read the ledger (blocks). Raises a storage error when it is damaged."""
        self._ledger = Ledger(path, _DECODER)
        self._lock = threading.Lock()
        self._bars: dict[Network, Bar] = {}
        for record in self._ledger.read():
            self._note(record)

    def bar(self, network: Network, why: str, until: int) -> Bar:
        """Bar a network. Raises a usage error for one of this machine alone."""
        if network.is_loopback:
            raise usage_error(
                "Not this machine",
                f"{network} is the tracker's own machine",
                "Its own machine is never locked out.",
            )
        bar = Bar(network=str(network), why=why[:MAX_WHY], until=until)
        with self._lock:
            if len(self._bars) >= MAX_BARS and network not in self._bars:
                raise usage_error("Too many networks", f"{MAX_BARS} are out", "Ban larger ones.")
            self._append(bar)
        return bar

    def lift(self, network: Network) -> bool:
        """Let people call from there again; whether it was barred."""
        with self._lock:
            if network not in self._bars:
                return False
            self._append(_Lifted(network=str(network)))
            return True

    def bar_of(self, host: str, now: float) -> Bar | None:
        """The bar that an address falls under, the one that lasts longest; None: it may call."""
        if not self._bars or is_loopback(host):
            return None
        found = [
            bar
            for network, bar in tuple(self._bars.items())
            if is_in(host, network) and _holds(bar, now)
        ]
        return max(found, key=lambda bar: bar.until or float("inf"), default=None)

    def active(self, now: float) -> tuple[Bar, ...]:
        """All that hold at this time, the oldest first."""
        return tuple(bar for bar in tuple(self._bars.values()) if _holds(bar, now))

    def _append(self, record: Bar | _Lifted) -> None:
        self._ledger.append(record)
        self._note(record)

    def _note(self, record: Bar | _Lifted) -> None:
        network = ipaddress.ip_network(record.network)
        self._bars.pop(network, None)
        if isinstance(record, Bar):
            self._bars[network] = record


def _holds(bar: Bar, now: float) -> bool:
    return bar.until == FOREVER or now < bar.until
