"""Lists of the tracker that have a screen of their own: bans, invites, the audit log, owners."""

import time
from collections.abc import Sequence

from p2ptui.base.text import local_minute, local_second
from p2ptui.screens.notices import tell
from p2ptui.screens.panes.counted_pane import CountedPane, Row
from p2ptui.screens.row_list import RowListScreen
from p2ptui.screens.tracker_panes.host_rows import COLUMNS as HOST_COLUMNS
from p2ptui.screens.tracker_panes.host_rows import host_data
from p2ptui.screens.tracker_words import name_of_kick
from p2ptui.widgets.columns import Column
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.key_footer import KeyHint
from p2ptui.widgets.table_rows import RowData, Toned
from tracker.api import AuditRow, HostRow, InviteRow, KickRow, Page, TrackerApi


class ListPane(CountedPane[Row]):
    """A list of the tracker."""

    def __init__(self, api: TrackerApi, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(glyphs)
        self.api = api

    def matches(self, *texts: str) -> bool:
        """Whether a row of these texts holds all words of the filter."""
        text = " ".join(texts).casefold()
        return all(word in text for word in self.filter_text.casefold().split())


class BansPane(ListPane[KickRow]):
    """Who is out; `u` lets one in again."""

    NAME = "bans"
    TITLE = "Bans"
    NOUN = "ban"
    EMPTY = "Nobody is out. B on a host bans it."
    COLUMNS = (
        Column("who", "Who", 30, sortable=False),
        Column("until", "Until", 16, sortable=False, min_table_width=50),
        Column("why", "Why", sortable=False),
    )

    async def fetch(self, offset: int, limit: int) -> tuple[Sequence[KickRow], int]:
        """All that are out: there are never many."""
        bans = await self.api.bans()
        found = [row for row in bans if self.matches(name_of_kick(row), row.peer_id, row.why)]
        return found[offset : offset + limit], len(found)

    def data_of(self, row: KickRow) -> RowData:
        """One of them."""
        why = row.why or Toned("no reason given", "dim")
        until = local_minute(row.until) if row.until else "for good"
        return RowData(row.network or row.peer_id, (name_of_kick(row), until, why))

    async def do_unban(self) -> None:
        """Let it in again."""
        row = self.current
        if row is not None:
            await self.api.unban(row.network or row.peer_id)
            await self.done(f"{name_of_kick(row)} may come back")


class InvitesPane(ListPane[InviteRow]):
    """Invites that can still be used; `r` makes one worthless."""

    NAME = "invites"
    TITLE = "Invites"
    NOUN = "invite"
    EMPTY = "No invite can be used. I makes one."
    COLUMNS = (
        Column("id", "Invite", sortable=False),
        Column("left", "Left", 12, "right", sortable=False),
        Column("expires", "Until", 16, sortable=False),
    )

    async def fetch(self, offset: int, limit: int) -> tuple[Sequence[InviteRow], int]:
        """All of them."""
        found = [row for row in await self.api.invites() if self.matches(row.id)]
        return found[offset : offset + limit], len(found)

    def data_of(self, row: InviteRow) -> RowData:
        """One of them."""
        until = local_minute(row.expires)
        return RowData(row.id, (row.id, f"{row.left} of {row.uses}", until))

    async def do_revoke(self) -> None:
        """Make it worthless."""
        row = self.current
        if row is not None:
            await self.api.revoke(row.id)
            await self.done(f"nobody can join with invite {row.id} any more")


class AuditPane(ListPane[AuditRow]):
    """What admins and operators did, the newest first."""

    NAME = "audit"
    TITLE = "Audit log"
    NOUN = "act"
    EMPTY = "Nothing has been done yet."
    COLUMNS = (
        Column("time", "When", 19, sortable=False),
        Column("act", "Act", 8, sortable=False),
        Column("target", "To whom", sortable=False),
        Column("detail", "What", 22, sortable=False, min_table_width=70),
        Column("why", "Why", 22, sortable=False, min_table_width=96),
        Column("by", "By", 18, sortable=False, min_table_width=118),
    )

    async def fetch(self, offset: int, limit: int) -> tuple[Sequence[AuditRow], int]:
        """A page of the log."""
        page = await self.api.audit(Page(offset=offset, limit=limit, filter=self.filter_text))
        return page.rows, page.total

    def data_of(self, row: AuditRow) -> RowData:
        """One act; its key is all that is known of it."""
        when = local_second(row.time)
        return RowData(
            (row.time, row.act, row.target, row.detail),
            (Toned(when, "dim"), row.act, row.target, row.detail, row.why, Toned(row.by, "dim")),
        )


class OwnersPane(ListPane[HostRow]):
    """The members that have a content, those online first."""

    NAME = "owners"
    TITLE = "Owners"
    NOUN = "owner"
    EMPTY = "Nobody has it any more."
    COLUMNS = HOST_COLUMNS

    def __init__(
        self, api: TrackerApi, content_id: str, name: str, glyphs: Glyphs = UNICODE
    ) -> None:
        super().__init__(api, glyphs)
        self._content_id = content_id
        self.heading = f"Owners of {name}"

    async def fetch(self, offset: int, limit: int) -> tuple[Sequence[HostRow], int]:
        """A page of members."""
        page = Page(offset=offset, limit=limit, filter=self.filter_text)
        found = await self.api.owners(self._content_id, page)
        return found.rows, found.total

    def data_of(self, row: HostRow) -> RowData:
        """One member."""
        return host_data(row, time.time(), self.glyphs)

    async def do_copy(self) -> None:
        """Send the member's id to the terminal's clipboard."""
        row = self.current
        if row is not None:
            self.app.copy_to_clipboard(row.peer_id)
            tell(self.app, f"sent to the clipboard: {row.peer_id}")


def bans_screen(api: TrackerApi, glyphs: Glyphs) -> RowListScreen:
    """Who is out."""
    return RowListScreen(BansPane(api, glyphs), [KeyHint("u", "Let in again", "act('unban')")])


def invites_screen(api: TrackerApi, glyphs: Glyphs) -> RowListScreen:
    """Invites that can still be used."""
    return RowListScreen(InvitesPane(api, glyphs), [KeyHint("r", "Revoke", "act('revoke')")])


def audit_screen(api: TrackerApi, glyphs: Glyphs) -> RowListScreen:
    """What was done."""
    return RowListScreen(AuditPane(api, glyphs), [])


def owners_screen(api: TrackerApi, content_id: str, name: str, glyphs: Glyphs) -> RowListScreen:
    """Who has a content."""
    pane = OwnersPane(api, content_id, name, glyphs)
    return RowListScreen(pane, [KeyHint("y", "Copy id", "act('copy')")])
