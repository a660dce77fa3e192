"""Which addresses of a member are told to others: nobody is made to attack a third party. Pure.

PROTOCOL.md 3: a source is listed at the address that the tracker itself observed, with the declared
port; at any other only after the tracker's dial-back met the member's own certificate there. An
address that has a meaning on one machine or link alone is told to those who are there too.
"""

import ipaddress

from p2ptui.base.addresses import plain_address
from p2ptui.net.wire.messages import Endpoint

FIRST_OPEN_PORT = 1024
"""Ports below are other services' (ssh, mail): listed only once the dial-back has succeeded."""
MAX_ENDPOINTS = 8

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse(host: str) -> Address | None:
    """The address that the text is, without its scope; None when it is a name or nonsense."""
    try:
        return ipaddress.ip_address(plain_address(host).partition("%")[0])
    except ValueError:
        return None


def may_dial(host: str) -> bool:
    """Whether a declared address may be probed at all: that of one machine on some network."""
    address = parse(host)
    return address is not None and not (
        address.is_loopback
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address.is_link_local
        or (address.version == 4 and int(address) >> 24 == 0)
    )


def is_told_to(host: str, asker: str) -> bool:
    """Whether a member's address means anything to a member that was seen at `asker`."""
    address, other = parse(host), parse(asker)
    if address is None or address.is_multicast or address.is_unspecified:
        return False
    if address.is_loopback:
        return other is not None and other.is_loopback
    if address.is_link_local:
        return other is not None and other.is_link_local and other.version == address.version
    return True


def choose_endpoints(
    observed: str,
    port: int,
    proven: tuple[Endpoint, ...],
    *,
    reachable: bool | None,
    asker: str,
) -> tuple[Endpoint, ...]:
    """Where `asker` may dial a member, best first; empty when it does not listen.

    `reachable`: what the dial-back to the observed address found; None: not tried yet.
    """
    if port == 0:
        return ()
    endpoints = []
    if port >= FIRST_OPEN_PORT or reachable:
        endpoints.append(Endpoint(observed, port))
    endpoints += proven
    told = [endpoint for endpoint in endpoints if is_told_to(endpoint.host, asker)]
    return tuple(told[:MAX_ENDPOINTS])
