"""Join links: `p2ptui://host:port[,host:port…]/#<pin>[.<invite>]` (PROTOCOL.md 1). Pure.

The pin names the swarm's key and the invite admits; both stand behind `#`, which programs that
follow links do not send anywhere.
"""

import re

from msgspec import Struct

from p2ptui.base.addresses import format_address, parse_address
from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.ids import Pin, is_key_digest

SCHEME = "p2ptui://"
DEFAULT_TRACKER_PORT = 7070
MAX_HOSTS = 8
INVITE_CHARACTERS = 16
_INVITE = re.compile(r"[a-z2-7]{16}\Z")


class JoinLink(Struct, frozen=True):
    """Where a swarm's tracker is, what proves it, and what admits us.

    `pin` None: first contact, the user must trust the key. `invite` empty: none.
    """

    hosts: tuple[tuple[str, int], ...]
    pin: Pin | None = None
    invite: str = ""


def is_invite(text: str) -> bool:
    """Whether the text has the form of an invite: 80 bits as lowercase base32."""
    return _INVITE.match(text) is not None


def parse_join_target(text: str, default_port: int = DEFAULT_TRACKER_PORT) -> JoinLink:
    """What a user typed: a join link or `host[:port]`. Raises a usage error that says why not."""
    text = text.strip()
    if not text:
        raise _wrong("it is empty")
    if text.lower().startswith(SCHEME):
        return _parse_link(text[len(SCHEME) :], default_port)
    if "://" in text:
        raise _wrong(f"it does not begin with {SCHEME}")
    if "/" in text or "#" in text:
        raise _wrong(f"a link begins with {SCHEME}, an address holds no / and no #")
    return JoinLink(hosts=(_tracker_address(text, default_port),))


def format_join_link(link: JoinLink) -> str:
    """The link as text; without a pin it is of use for its addresses alone."""
    hosts = ",".join(format_address(host, port) for host, port in link.hosts)
    if link.pin is None:
        return f"{SCHEME}{hosts}/"
    proof = f"{link.pin}.{link.invite}" if link.invite else link.pin
    return f"{SCHEME}{hosts}/#{proof}"


def _parse_link(rest: str, default_port: int) -> JoinLink:
    where, mark, proof = rest.partition("#")
    where = where.removesuffix("/")
    if "/" in where:
        raise _wrong("it has a path between the address and the #")
    parts = where.split(",")
    if len(parts) > MAX_HOSTS:
        raise _wrong(f"it names more than {MAX_HOSTS} addresses")
    hosts = tuple(_tracker_address(part, default_port) for part in parts)
    if not mark:
        return JoinLink(hosts=hosts)
    pin, dot, invite = proof.strip().lower().partition(".")
    if not is_key_digest(pin):
        raise _wrong("the part behind # must begin with the 32 characters of the fingerprint")
    if dot and not is_invite(invite):
        raise _wrong(f"the invite behind the dot must have {INVITE_CHARACTERS} characters")
    return JoinLink(hosts=hosts, pin=Pin(pin), invite=invite)


def _tracker_address(text: str, default_port: int) -> tuple[str, int]:
    host, port = parse_address(text, default_port)
    if port == 0:
        raise _wrong("a tracker has no port 0")
    return host, port


def _wrong(why: str) -> P2PError:
    return usage_error(
        "Not a join link",
        why,
        "Copy the whole link that the tracker printed, or write host:port.",
    )
