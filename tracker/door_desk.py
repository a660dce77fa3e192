"""Who may join (`DoorApi`): invites, and whether private addresses need one. `by` says who acts."""

from p2ptui.base.text import format_duration
from tracker import api
from tracker.acts import CONSOLE, Acts
from tracker.parts import Parts


def uses_text(uses: int) -> str:
    """So many uses of an invite."""
    return "1 use" if uses == 1 else f"{uses} uses"


class DoorDesk:
    """Every method raises `P2PError` and nothing else that is expected."""

    def __init__(self, parts: Parts, acts: Acts) -> None:
        self._parts = parts
        self._acts = acts

    async def invite(self, uses: int, for_s: float, by: str = CONSOLE) -> api.Invite:
        """Make an invite: so many uses, valid for so many seconds."""
        parts = self._parts
        made = await parts.offload(parts.authority.invite, uses, for_s)
        await self._acts.note(
            by, "invite", made.id, detail=f"{uses_text(made.uses)}, for {format_duration(for_s)}"
        )
        return api.Invite(
            link=parts.link(made.code), uses=made.uses, expires=made.expires, id=made.id
        )

    async def invites(self) -> tuple[api.InviteRow, ...]:
        """The invites that can still be used, the oldest first."""
        return self._parts.authority.invites()

    async def revoke(self, invite_id: str) -> api.InviteRow:
        """Make an invite worthless."""
        parts = self._parts
        row = await parts.offload(parts.authority.revoke, invite_id)
        left = f"{row.left} of {uses_text(row.uses)} left"
        await self._acts.note(CONSOLE, "revoke", row.id, detail=left)
        return row

    async def open(self, *, on: bool) -> None:
        """Let private addresses join without an invite, or nobody; kept for the next start."""
        await self._parts.kept.keep("open", on)
        self._parts.rules.open = on
        await self._acts.note(CONSOLE, "mode", "open" if on else "closed")
