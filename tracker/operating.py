"""What operators do from their own peers: kick, ban, unban, invite, speak to one or all.

An operator touches neither other operators nor roles and limits: that is the console's. Every act
is written to the audit log under the operator's name.
"""

import logging

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.wire import messages as m
from tracker import api
from tracker.certificates import DAY_S
from tracker.door_desk import DoorDesk
from tracker.member_desk import MemberDesk
from tracker.networks import Network, is_in
from tracker.parts import Parts
from tracker.registry import Member
from tracker.rows import row_text, who
from tracker.store import HostRecord

log = logging.getLogger(__name__)
MAX_TOLD = 1_000


class Operating:
    """Answers operators."""

    def __init__(self, parts: Parts, members: MemberDesk, door: DoorDesk) -> None:
        self._parts = parts
        self._members = members
        self._door = door

    async def answer(self, member: Member, request: m.Operate) -> m.Operated | m.Failure:
        """Carry out what a member asks for, if it is an operator; never raises."""
        if not self._parts.standings.is_operator(member.peer):
            return m.Failure(request.id, "denied", "you are no operator of this swarm")
        try:
            text = await self._act(request, who(member.nick, member.peer))
        except P2PError as error:
            found = error.exit_code is not ExitCode.NOT_FOUND
            told = f"{error}. {error.hint}" if error.hint else str(error)
            return m.Failure(request.id, "denied" if found else "not_found", told[:MAX_TOLD])
        except Exception:  # the border of a request: it fails, the member stays
            log.exception("%s of %s", request.act, member.peer)
            return m.Failure(request.id, "internal", "the tracker failed; its log says why")
        return m.Operated(request.id, text[:MAX_TOLD])

    async def _act(self, request: m.Operate, by: str) -> str:
        match request.act:
            case "kick" | "ban":
                return await self._put_out(request, by)
            case "unban":
                row = await self._members.unban(request.target, by)
                return f"{row_text(row)} may come back"
            case "invite":
                made = await self._door.invite(request.uses, request.for_s or DAY_S, by)
                return made.link
            case "message" | "broadcast":
                host = "all" if request.act == "broadcast" else request.target
                told = await self._members.message(api.Message(host=host, text=request.text), by)
                return f"{told} {'member was' if told == 1 else 'members were'} told"

    async def _put_out(self, request: m.Operate, by: str) -> str:
        target = await self._members.target(request.target)
        self._spare_operators(target)
        for_s = api.KICK_S if request.act == "kick" else request.for_s or None
        wanted = api.KickRequest(host=request.target, why=request.text, for_s=for_s)
        row = await self._members.put_out(target, wanted, by)
        return f"{row_text(row)} is out"

    def _spare_operators(self, target: HostRecord | Network) -> None:
        """Refuse a target that is an operator, or a network that one calls from."""
        standings = self._parts.standings
        if isinstance(target, HostRecord):
            if standings.is_operator(target.peer):
                raise P2PError("Not allowed", "an operator is put out at the tracker alone")
            return
        for member in self._parts.registry:
            if standings.is_operator(member.peer) and is_in(member.host, target):
                raise P2PError("Not allowed", f"an operator calls from {target}")
