"""The entrance: whoever has come through the handshake is let in, admitted or told why not.

Networks that are barred and more connections than an address may hold are refused by the listener
itself, which asks here. So that people behind a bar learn why, a few callers a second get as far as
a goodbye; the rest of a flood costs no handshake.
"""

from p2ptui.base.clock import Clock
from p2ptui.base.rates import TokenBucket
from p2ptui.net.link import Link
from p2ptui.net.listener import Door
from tracker import events
from tracker.admission import Admission, Turned
from tracker.networks import BarredNetworks
from tracker.rules import Rules
from tracker.service import Emit
from tracker.session import Sessions
from tracker.upkeep import DRAINING

REFUSALS_PER_MINUTE = 10
EXPLAINED_S = 2.0
EXPLAINED_BURST = 10.0


class Entrance:
    """What happens to callers before they are members at work."""

    def __init__(
        self,
        *,
        admission: Admission,
        sessions: Sessions,
        networks: BarredNetworks,
        rules: Rules,
        clock: Clock,
        emit: Emit,
    ) -> None:
        self._admission = admission
        self._sessions = sessions
        self._networks = networks
        self._rules = rules
        self._clock = clock
        self._emit = emit
        now = clock.monotonic()
        self._refusals = TokenBucket(
            rate=REFUSALS_PER_MINUTE / 60, burst=REFUSALS_PER_MINUTE, now=now
        )
        self._explained = TokenBucket(rate=EXPLAINED_S, burst=EXPLAINED_BURST, now=now)

    @property
    def door(self) -> Door:
        """What the listener asks."""
        return Door(refuses=self._drops, per_address=self._rules.max_connections)

    async def pass_in(self, link: Link) -> None:
        """Own a caller's link until it ends."""
        address = link.remote.host
        bar = self._networks.bar_of(address, self._clock.wall())
        if bar is not None:
            await link.close("kicked", bar.why, bar.until)
            self._refused(address, f"{bar.network} is banned")
        elif self._rules.draining:
            await link.close("stopping", DRAINING)
            self._refused(address, "the tracker is draining")
        elif link.peer_id is not None:
            await self._sessions.serve(link)
        else:
            await self._admit(link, address)

    async def _admit(self, link: Link, address: str) -> None:
        admitted = await self._admission.admit(link)
        if isinstance(admitted, Turned):
            self._refused(address, admitted.reason)
        elif admitted is not None and not admitted.again:
            self._emit(
                events.MemberJoined(
                    time=self._clock.wall(),
                    peer_id=admitted.peer_id,
                    nick=admitted.nick,
                    address=address,
                    invited=admitted.invited,
                )
            )

    def _drops(self, address: str) -> bool:
        if self._networks.bar_of(address, self._clock.wall()) is None:
            return False
        return not self._explained.try_take(amount=1, now=self._clock.monotonic())

    def _refused(self, address: str, reason: str) -> None:
        if self._refusals.try_take(amount=1, now=self._clock.monotonic()):
            self._emit(events.Refused(time=self._clock.wall(), address=address, reason=reason))
