"""Member limits: what may pass to and from a single member, within the limits of all.

There is a usual limit that holds for everybody, and limits of single members that take its place,
written as `anna up 1 MB/s` with a nick, an id or the beginning of one.
"""

from collections.abc import Sequence
from typing import NamedTuple

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.ids import PeerId
from p2ptui.base.text import display, elide_middle, format_rate, parse_rate
from p2ptui.net.throttle import Narrowed, Throttle
from p2ptui.node.api import Direction

MIN_ID_CHARACTERS = 4
"""Characters of a peer id that may stand for it."""


class MemberLimit(NamedTuple):
    """The limit of one member in one direction."""

    member: str
    direction: Direction
    rate_bps: int | None

    def fits(self, peer: PeerId, nick: str) -> bool:
        """Whether it is meant for this member."""
        starts = len(self.member) >= MIN_ID_CHARACTERS and peer.startswith(self.member.lower())
        return self.member == nick or starts

    def __str__(self) -> str:
        """As it is written in the settings."""
        rate = "off" if self.rate_bps is None else format_rate(self.rate_bps)
        return f"{self.member} {self.direction} {rate}"


def parse_member_limit(text: str) -> MemberLimit:
    """`anna up 1 MB/s`. Raises a usage error."""
    words = text.split()
    for at in range(len(words) - 2, 0, -1):
        if words[at] in {"up", "down"}:
            direction: Direction = "up" if words[at] == "up" else "down"
            rate_bps = parse_rate(" ".join(words[at + 1 :]))
            return MemberLimit(" ".join(words[:at]), direction, rate_bps)
    raise _bad(text)


class _Pair:
    """Both directions of one member."""

    def __init__(self, nick: str) -> None:
        self.nick = nick
        self.up = Throttle()
        self.down = Throttle()


class MemberLimits:
    """The throttles of all members that are met."""

    def __init__(self, usual: dict[Direction, int | None], limits: Sequence[str]) -> None:
        """Raises a usage error for a limit that is not written as one."""
        self._usual = dict(usual)
        self._limits = tuple(map(parse_member_limit, limits))
        self._pairs: dict[PeerId, _Pair] = {}

    def narrow(
        self, peer: PeerId, nick: str, common: tuple[Throttle, Throttle]
    ) -> tuple[Narrowed, Narrowed]:
        """The throttles, up and down, of the connections to a member."""
        pair = self._pairs.get(peer)
        if pair is None:
            pair = self._pairs[peer] = _Pair(nick)
        pair.nick = nick
        self._apply(peer, pair)
        return Narrowed(pair.up, common[0]), Narrowed(pair.down, common[1])

    def forget(self, peer: PeerId) -> None:
        """No connection to it is open any more."""
        self._pairs.pop(peer, None)

    def set_usual(self, direction: Direction, rate_bps: int | None) -> None:
        """Change what holds for every member that has no limit of its own."""
        self._usual[direction] = rate_bps
        self._apply_all()

    def set_limits(self, limits: Sequence[str]) -> None:
        """Change the limits of single members. Raises a usage error; nothing is changed then."""
        self._limits = tuple(map(parse_member_limit, limits))
        self._apply_all()

    def rate(self, peer: PeerId, nick: str, direction: Direction) -> int | None:
        """The limit of a member in bytes per second; None: none."""
        for limit in self._limits:
            if limit.direction == direction and limit.fits(peer, nick):
                return limit.rate_bps
        return self._usual[direction]

    def _apply_all(self) -> None:
        for peer, pair in self._pairs.items():
            self._apply(peer, pair)

    def _apply(self, peer: PeerId, pair: _Pair) -> None:
        for direction, throttle in (("up", pair.up), ("down", pair.down)):
            rate_bps = self.rate(peer, pair.nick, "up" if direction == "up" else "down")
            if throttle.rate_bps != rate_bps:
                throttle.set_rate(rate_bps)


def _bad(text: str) -> P2PError:
    return usage_error(
        "Not the limit of a member",
        repr(elide_middle(display(text), 40)),
        "Write it as: anna up 1 MB/s",
    )
