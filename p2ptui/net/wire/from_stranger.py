"""Messages of joining, before a client has a certificate: the tracker speaks first."""

from typing import Annotated

from msgspec import Meta

from p2ptui.net.wire.values import Der, Message, Nick, Seconds


class Challenge(Message, frozen=True, tag="challenge"):
    """The tracker's first words to a caller without a certificate."""

    ca: Der
    nonce: Annotated[bytes, Meta(min_length=32, max_length=32)]
    swarm: Nick
    open: bool
    """Whether this caller may join without an invite."""
    time: Seconds


class Join(Message, frozen=True, tag="join"):
    """A request for a certificate. `proof` as PROTOCOL.md 1 says; empty without an invite."""

    csr: Der
    nick: Nick
    proof: Annotated[bytes, Meta(max_length=32)] = b""


class Joined(Message, frozen=True, tag="joined"):
    """The issued leaf certificate."""

    certificate: Der
