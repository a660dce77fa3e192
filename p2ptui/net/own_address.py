"""The addresses of this machine: those that others may reach it at, and the likeliest one."""

import socket

import ifaddr

from p2ptui.base.addresses import alternating, is_link_local, is_loopback

_OUTSIDE = (
    (socket.AF_INET, "192.0.2.1"),
    (socket.AF_INET6, "2001:db8::1"),
)
"""Addresses for documentation: nothing is sent there, only the route is asked for."""


MAX_ADDRESSES = 8


def own_addresses() -> tuple[str, ...]:
    """Addresses that mean something on other machines, at most 8 (asks the system)."""
    found = dict.fromkeys(
        each.ip if isinstance(each.ip, str) else each.ip[0]
        for adapter in ifaddr.get_adapters()
        for each in adapter.ips
    )
    told = [host for host in found if not is_loopback(host) and not is_link_local(host)]
    return tuple(alternating(told)[:MAX_ADDRESSES])


def likely_address() -> str:
    """Our address on the route to the outside; `127.0.0.1` when there is none."""
    for family, outside in _OUTSIDE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                # Connecting a datagram socket sends nothing.
                probe.connect((outside, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return "127.0.0.1"
