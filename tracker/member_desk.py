"""Acts on members (`MemberApi`): kicks and bans, roles and limits, messages.

A kick is a ban that ends after a minute. `by` says who acts.
"""

import msgspec

from p2ptui.base.errors import P2PError, not_found, usage_error
from p2ptui.base.ids import PeerId
from p2ptui.base.text import format_duration
from p2ptui.net.kicks import FOREVER
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from tracker import api, events
from tracker.acts import CONSOLE, Acts
from tracker.lookout import Lookout
from tracker.networks import Bar, Network, parse_network
from tracker.parts import Parts, index_error
from tracker.rows import change_text, pick_ban, row_text, who
from tracker.store import HostRecord, StoreError

MAX_MESSAGE = 1_000
MAX_WHY = 256


class MemberDesk:
    """Every method raises `P2PError` and nothing else that is expected."""

    def __init__(self, parts: Parts, lookout: Lookout, acts: Acts) -> None:
        self._parts = parts
        self._lookout = lookout
        self._acts = acts

    # --- in and out -----------------------------------------------------------------------------

    async def target(self, text: str) -> HostRecord | Network:
        """Whom or what a person means: a member; else an address or a network. Raises `P2PError`.

        Written with a mask it is a network, whoever is there.
        """
        network = parse_network(text)
        if network is not None and "/" in text:
            return network
        try:
            return await self._parts.find(text)
        except P2PError as error:
            if network is None or error.exit_code is not not_found("").exit_code:
                raise
            return network

    async def kick(self, request: api.KickRequest) -> api.KickRow:
        """Put a member or a network out, for a time or for good."""
        return await self.put_out(await self.target(request.host), request, CONSOLE)

    async def put_out(
        self, target: HostRecord | Network, request: api.KickRequest, by: str
    ) -> api.KickRow:
        """Put out whom `target` found."""
        if request.for_s is not None and not 0 < request.for_s <= api.MAX_BAN_S:
            raise usage_error("Cannot ban for this time", f"{request.for_s:g} s")
        request = msgspec.structs.replace(request, why=request.why.strip()[:MAX_WHY])
        if isinstance(target, HostRecord):
            row = await self._kick_member(target, request)
        else:
            row = await self._bar_network(target, request)
        is_kick = isinstance(target, HostRecord) and request.for_s == api.KICK_S
        held = "for good" if request.for_s is None else f"for {format_duration(request.for_s)}"
        await self._acts.note(
            by, "kick" if is_kick else "ban", row_text(row), detail=held, why=request.why
        )
        return row

    async def _kick_member(self, record: HostRecord, request: api.KickRequest) -> api.KickRow:
        """Its connection, its list, its certificate at everybody else's."""
        parts = self._parts
        kicks = await parts.offload(parts.authority.kick, record.peer, request.why, request.for_s)
        kick = parts.authority.kick_of(record.peer)
        until = kick.until if kick is not None else FOREVER
        member = parts.registry.get(record.peer)
        if member is not None:
            goodbye = member.link.close("kicked", request.why, until)
            spawn(goodbye, name=f"kick {record.peer}")
        self._broadcast(kicks)
        try:
            await parts.service.tell_left(record.peer)
            await parts.store.clear(record.peer)
        except StoreError as error:
            raise index_error(error) from None
        finally:
            parts.bus.publish(
                events.HostKicked(
                    time=parts.clock.wall(),
                    peer_id=record.peer,
                    nick=record.nick,
                    why=request.why,
                    until=_when(until),
                )
            )
        return api.KickRow(
            peer_id=record.peer, nick=record.nick, why=request.why, until=_when(until)
        )

    async def _bar_network(self, network: Network, request: api.KickRequest) -> api.KickRow:
        """Nobody calls from there any more, and who is there now is cut off."""
        parts = self._parts
        now = parts.clock.wall()
        until = FOREVER if request.for_s is None else max(1, int(now + request.for_s))
        bar = await parts.offload(parts.networks.bar, network, request.why, until)
        for member in parts.registry:
            if (held := parts.networks.bar_of(member.host, now)) is not None:
                goodbye = member.link.close("kicked", held.why, held.until)
                spawn(goodbye, name=f"ban {member.peer}")
        return _bar_row(bar)

    async def unban(self, host: str, by: str = CONSOLE) -> api.KickRow:
        """Let a member or a network in again."""
        parts = self._parts
        row = pick_ban(await self.bans(), host)
        if row.network:
            network = parse_network(row.network)
            assert network is not None, "it was one when it was barred"
            await parts.offload(parts.networks.lift, network)
        else:
            kicks = await parts.offload(parts.authority.unban, row.peer_id)
            if kicks is not None:
                self._broadcast(kicks)
        await self._acts.note(by, "unban", row_text(row))
        return row

    async def bans(self) -> tuple[api.KickRow, ...]:
        """All that are out: members, then networks."""
        members = [
            api.KickRow(
                peer_id=kick.peer,
                nick=await self._nick_of(kick.peer),
                why=kick.why,
                until=_when(kick.until),
            )
            for kick in self._parts.authority.kicked()
        ]
        networks = self._parts.networks.active(self._parts.clock.wall())
        return *members, *map(_bar_row, networks)

    async def _nick_of(self, peer: PeerId) -> str:
        try:
            known = await self._parts.store.find(peer)
        except StoreError as error:
            raise index_error(error) from None
        return known[0].nick if known else ""

    def _broadcast(self, message: m.KickList | m.Notice) -> int:
        told = 0
        for member in self._parts.registry:
            member.link.post(message)
            told += 1
        return told

    # --- standing -------------------------------------------------------------------------------

    async def change(self, change: api.MemberChange) -> api.HostRow:
        """Give a member a role or limits of its own; nothing named: its row as it is."""
        parts = self._parts
        _check_limits(change.limits)
        record = await parts.find(change.host)
        before = parts.standings.of(record.peer)
        standing = await parts.offload(
            parts.standings.change, record.peer, change.role, change.limits
        )
        if standing != before:
            self._tell_change(record.peer, change_text(before, standing))
            await self._acts.note(
                CONSOLE,
                "role" if standing.role != before.role else "limits",
                who(record.nick, record.peer),
                detail=change_text(before, standing),
                why=change.why,
            )
        return self._lookout.host_row(record)

    def _tell_change(self, peer: PeerId, text: str) -> None:
        parts = self._parts
        member = parts.registry.get(peer)
        if member is None:
            return
        member.limits.set_search_rate(parts.rules.search_rate(peer), parts.clock.monotonic())
        member.link.post(m.Notice("info", f"The tracker's admin changed what you may do: {text}"))

    # --- messages -------------------------------------------------------------------------------

    async def message(self, message: api.Message, by: str = CONSOLE) -> int:
        """Tell one member or all a sentence; how many were told."""
        text = message.text.strip()
        if not text or len(text) > MAX_MESSAGE:
            raise usage_error("Not a message", f"it has 1 to {MAX_MESSAGE} characters")
        notice = m.Notice("info", text)
        if message.host.strip().lower() == "all":
            told, target = self._broadcast(notice), "all"
        else:
            record = await self._parts.find(message.host)
            target = who(record.nick, record.peer)
            member = self._parts.registry.get(record.peer)
            if member is None:
                raise not_found("Not here", f"{target} is offline", "Messages are not kept.")
            member.link.post(notice)
            told = 1
        await self._acts.note(by, "message", target, detail=text)
        return told


def _check_limits(limits: api.Limits | None) -> None:
    if limits is None:
        return
    if limits.searches_s is not None and not 0 < limits.searches_s <= api.MAX_SEARCHES_S:
        raise usage_error(
            "Not a rate", f"{limits.searches_s:g}", f"Above 0, at most {api.MAX_SEARCHES_S:g}/s."
        )
    if limits.max_entries is not None and not 0 <= limits.max_entries <= api.MAX_ENTRIES:
        raise usage_error("Not a number of files", str(limits.max_entries))
    if limits.connections is not None and not 1 <= limits.connections <= api.MAX_CONNECTIONS:
        raise usage_error("Not a number of connections", str(limits.connections))


def _bar_row(bar: Bar) -> api.KickRow:
    return api.KickRow(
        peer_id=PeerId(""), nick="", why=bar.why, until=_when(bar.until), network=bar.network
    )


def _when(until: int) -> float | None:
    return None if until == FOREVER else float(until)
