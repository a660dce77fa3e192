"""Network addresses as text: which are private, how they are written. Pure; resolves nothing."""

import ipaddress
from collections.abc import Iterable
from itertools import zip_longest

from p2ptui.base.errors import usage_error

MAX_HOST_CHARACTERS = 255

_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
        "100.64.0.0/10", "fc00::/7", "fe80::/10", "::1/128",
    )
)  # fmt: skip
"""The ranges of PROTOCOL.md 1, *Open mode*: listed there, not what `ipaddress` calls private."""


def plain_address(text: str) -> str:
    """An address without scope, an IPv4 address that was mapped into IPv6 as IPv4."""
    bare = text.partition("%")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    # A link-local address is of no use without its scope.
    return text


def is_address(text: str) -> bool:
    """Whether the text is an IP address (with or without scope) rather than a name."""
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def is_private(text: str) -> bool:
    """Whether an address lies in the ranges from which open mode admits (PROTOCOL.md 1)."""
    try:
        address = ipaddress.ip_address(plain_address(text).partition("%")[0])
    except ValueError:
        return False
    return any(address in network for network in _PRIVATE)


def is_loopback(text: str) -> bool:
    """Whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(plain_address(text).partition("%")[0]).is_loopback
    except ValueError:
        return False


def is_unspecified(text: str) -> bool:
    """Whether an address to listen on stands for all of this machine's."""
    try:
        return not text or ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False


def is_link_local(text: str) -> bool:
    """Whether an address means something on one network interface alone."""
    try:
        return ipaddress.ip_address(plain_address(text).partition("%")[0]).is_link_local
    except ValueError:
        return False


def alternating(hosts: Iterable[str]) -> list[str]:
    """Addresses with IPv6 and IPv4 in turn, in their order otherwise (RFC 8305, 4).

    A family that does not work here then costs one attempt before the other has its turn.
    """
    six: list[str] = []
    four: list[str] = []
    order: list[list[str]] = []
    for host in hosts:
        family = six if ":" in host else four
        if family not in order:
            order.append(family)
        family.append(host)
    return [host for pair in zip_longest(*order) for host in pair if host is not None]


def counting_key(text: str) -> str:
    """What stands for one caller where callers are counted: an IPv4 address, an IPv6 /64."""
    try:
        address = ipaddress.ip_address(plain_address(text).partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def format_address(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_address(text: str, default_port: int) -> tuple[str, int]:
    """Host and port of `host[:port]`, an IPv6 address in brackets (or bare, without a port).

    Raises a usage error.
    """
    text = text.strip()

    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or not is_address(host):
            raise _not_an_address(text)
        rest = rest[1:] if rest else ""
        has_port = not text.endswith("]")
    elif text.count(":") > 1:
        if not is_address(text):
            raise _not_an_address(text)
        return text, default_port
    else:
        host, colon, rest = text.partition(":")
        has_port = bool(colon)
    _check_host(host, text)
    return host, _port(rest, text) if has_port else default_port


def _check_host(host: str, text: str) -> None:
    if not 1 <= len(host) <= MAX_HOST_CHARACTERS:
        raise _not_an_address(text)
    if not all(character.isalnum() or character in ".-_:%" for character in host):
        raise _not_an_address(text)
    if host.startswith("-"):
        raise _not_an_address(text)


def _port(digits: str, text: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5):
        raise _not_an_address(text)
    port = int(digits)
    if not 0 <= port <= 65535:
        raise usage_error("No such port", f"{port} is above 65535", "Ports are 1 to 65535.")
    return port


def _not_an_address(text: str) -> Exception:
    return usage_error(
        "Not an address", repr(text), "Write host, host:port, or [IPv6 address]:port."
    )
