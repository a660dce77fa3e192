"""The tracker's side of `TrackerApi`: every method goes to the desk that answers it."""

from p2ptui.base.errors import unreachable
from tracker import api
from tracker.console import Console


class Front:
    """A `TrackerApi` but for feed and stop; before the start and after the end it refuses."""

    _console_or_none: Console | None = None
    _front_ends: int = 0

    @property
    def _console(self) -> Console:
        if self._console_or_none is None:
            raise unreachable("The tracker is not running", "it is starting or has stopped")
        return self._console_or_none

    # --- looking --------------------------------------------------------------------------------

    async def status(self) -> api.TrackerStatus:
        """See `TrackerApi`, as for all that follow."""
        return await self._console.lookout.status(self._front_ends)

    async def series(self) -> api.Series:
        """Figures of the last minutes."""
        return await self._console.lookout.series()

    async def hosts(self, page: api.Page) -> api.HostPage:
        """A page of members."""
        return await self._console.lookout.hosts(page)

    async def discover(self, request: api.DiscoverRequest) -> api.FilePage:
        """Ask a live host for its list."""
        return await self._console.lookout.discover(request)

    async def ping(self, host: str) -> tuple[api.PingRow, ...]:
        """Ping one host, or `all`."""
        return await self._console.lookout.ping(host)

    async def search(self, text: str, page: api.Page) -> api.HitPage:
        """A page of what the index holds, as members find it."""
        return await self._console.lookout.search(text, page)

    async def index(self, request: api.IndexRequest) -> api.HitPage:
        """A page of the index as the admin looks at it."""
        return await self._console.lookout.index(request)

    async def owners(self, content_id: str, page: api.Page) -> api.HostPage:
        """A page of the members that have a content."""
        return await self._console.lookout.owners(content_id, page)

    async def history(self, page: api.Page) -> api.FetchPage:
        """A page of what members fetched."""
        return await self._console.lookout.history(page)

    # --- acts on members ------------------------------------------------------------------------

    async def kick(self, request: api.KickRequest) -> api.KickRow:
        """Put a member or a network out."""
        return await self._console.members.kick(request)

    async def unban(self, host: str) -> api.KickRow:
        """Let it in again."""
        return await self._console.members.unban(host)

    async def bans(self) -> tuple[api.KickRow, ...]:
        """All that are out."""
        return await self._console.members.bans()

    async def change(self, change: api.MemberChange) -> api.HostRow:
        """Give a member a role or limits of its own."""
        return await self._console.members.change(change)

    async def message(self, message: api.Message) -> int:
        """Tell one member or all a sentence."""
        return await self._console.members.message(message)

    # --- who may join ---------------------------------------------------------------------------

    async def invite(self, uses: int, for_s: float) -> api.Invite:
        """Make an invite."""
        return await self._console.door.invite(uses, for_s)

    async def invites(self) -> tuple[api.InviteRow, ...]:
        """The invites that can still be used."""
        return await self._console.door.invites()

    async def revoke(self, invite_id: str) -> api.InviteRow:
        """Make an invite worthless."""
        return await self._console.door.revoke(invite_id)

    async def open(self, *, on: bool) -> api.TrackerStatus:
        """Let private addresses join without an invite, or nobody."""
        await self._console.door.open(on=on)
        return await self.status()

    # --- running it -----------------------------------------------------------------------------

    async def motd(self, text: str) -> api.TrackerStatus:
        """Set the message of the day."""
        await self._console.upkeep.motd(text)
        return await self.status()

    async def drain(self, *, on: bool) -> api.TrackerStatus:
        """Take nobody new before an upgrade, or end that."""
        await self._console.upkeep.drain(on=on)
        return await self.status()

    async def backup(self, path: str) -> api.Backup:
        """Write authority, index and settings to one file."""
        return await self._console.upkeep.backup(path)

    async def reload(self) -> tuple[str, ...]:
        """Read the settings again."""
        return await self._console.upkeep.reload()

    async def audit(self, page: api.Page) -> api.AuditPage:
        """A page of the audit log."""
        return await self._console.upkeep.audit(page)
