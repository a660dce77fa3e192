"""What the other keys of the tracker's console do: coroutines `do_<key>` of one screen."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from p2ptui.base.text import format_bytes, format_count
from p2ptui.command_context import absolute_path
from p2ptui.screens.console_actions import ConsoleActions
from p2ptui.screens.export import Fields, check_path, export
from p2ptui.screens.invite import LinkDialog
from p2ptui.screens.notices import tell
from p2ptui.screens.prompt import Prompt
from p2ptui.screens.tracker_history import history_screen
from p2ptui.screens.tracker_lists import audit_screen, bans_screen, invites_screen, owners_screen
from p2ptui.screens.tracker_words import SURE, drain_question, invite_words
from tracker.api import Invite, Message, TrackerApi, TrackerStatus

if TYPE_CHECKING:
    from p2ptui.screens.panes.paged_pane import PagedPane
    from p2ptui.screens.tracker import TrackerScreen

DAY_S = 86400.0
EXPORT_PAGE = 1_000


class TrackerActs(ConsoleActions):
    """The actions that no pane does by itself."""

    def __init__(self, screen: "TrackerScreen") -> None:
        super().__init__(screen)
        self._screen = screen

    @property
    def _api(self) -> TrackerApi:
        return self._screen.api

    def _tell(self, text: str) -> None:
        tell(self._screen.app, text)

    # --- moving about -----------------------------------------------------------------------------

    async def do_files(self) -> None:
        """Go to the files."""
        self._screen.focus_pane("files")

    async def do_statistics(self) -> None:
        """Go to all figures."""
        self._screen.focus_pane("statistics")

    # --- the door ---------------------------------------------------------------------------------

    async def do_invite(self) -> None:
        """An invite for one peer and one day, shown at once."""
        self.show_invite(await self._api.invite(1, DAY_S))

    def show_invite(self, made: Invite) -> None:
        """The link and its code."""
        glyphs = self._screen.looks.glyphs
        self._screen.app.push_screen(LinkDialog("Invite", made.link, invite_words(made), glyphs))

    async def do_link(self) -> None:
        """The join link without an invite."""
        status = await self._api.status()
        said = (
            "Members of this network join with it; others need an invite: I makes one."
            if status.open
            else "For members: nobody joins with it alone. I makes an invite."
        )
        glyphs = self._screen.looks.glyphs
        self._screen.app.push_screen(LinkDialog("Join link", status.link, [said], glyphs))

    async def do_invites(self) -> None:
        """Invites that can still be used."""
        self._screen.app.push_screen(invites_screen(self._api, self._screen.looks.glyphs))

    async def do_bans(self) -> None:
        """Who is out."""
        self._screen.app.push_screen(bans_screen(self._api, self._screen.looks.glyphs))

    async def do_open(self) -> None:
        """Open mode, or by invite only."""
        status = await self._api.open(on=not (await self._api.status()).open)
        self._tell(
            "open: members of this network join without an invite"
            if status.open
            else "closed: nobody joins without an invite"
        )

    # --- telling ----------------------------------------------------------------------------------

    async def do_broadcast(self) -> None:
        """A sentence for all that are online."""
        text = await self._screen.ask_sentence("Message to all that are online")
        if text:
            told = await self._api.message(Message(host="all", text=text))
            self._tell(f"told {format_count(told)} {'host' if told == 1 else 'hosts'}")

    async def do_motd(self) -> None:
        """The message of the day."""
        now = (await self._api.status()).motd
        said = ["Every member is told it when it connects. Empty: none."]
        prompt = Prompt("Message of the day", said, value=now, give="Set")
        text = await self._screen.app.push_screen_wait(prompt)
        if text is not None:
            status = await self._api.motd(text.strip())
            self._tell("the message of the day is set" if status.motd else "no message of the day")

    # --- upkeep -----------------------------------------------------------------------------------

    async def do_drain(self) -> None:
        """Take nobody new before an upgrade, or end that."""
        status: TrackerStatus = await self._api.status()
        if status.draining:
            await self._api.drain(on=False)
            self._tell("not draining any more: all may connect")
        elif await self._screen.app.push_screen_wait(drain_question(status)) == SURE:
            await self._api.drain(on=True)
            self._tell("draining: no new connections; D ends it")

    async def do_audit(self) -> None:
        """What admins and operators did."""
        self._screen.app.push_screen(audit_screen(self._api, self._screen.looks.glyphs))

    async def do_history(self, text: str = "") -> None:
        """What members fetched, as far as it fits a filter."""
        self._screen.app.push_screen(history_screen(self._api, self._screen.looks.glyphs, text))

    async def do_backup(self) -> None:
        """Authority, index and settings in one file."""
        path = await self._ask_path(
            "Back up", "Authority, index and settings in one file. Keep it as you keep a key.",
            "tracker-backup.tar", "Back up",
        )  # fmt: skip
        if path is not None:
            made = await self._api.backup(str(path))
            self._tell(f"backed up to {made.path}, {format_bytes(made.bytes)}")

    async def do_reload(self) -> None:
        """Read the settings file again."""
        changed = await self._api.reload()
        self._tell(f"in force now: {', '.join(changed)}" if changed else "no setting has changed")

    # --- rows -------------------------------------------------------------------------------------

    async def do_owners(self) -> None:
        """Who has the content of the row."""
        row = self._screen.files.current
        if row is not None and row.content_id:
            self._screen.app.push_screen(
                owners_screen(self._api, row.content_id, row.name, self._screen.looks.glyphs)
            )

    async def do_copy(self) -> None:
        """Send the content id to the terminal's clipboard."""
        row = self._screen.files.current
        if row is not None:
            self._screen.copy(row.content_id)

    async def do_export(self) -> None:
        """Write the whole list of the pane to a file."""
        pane = self._screen.listed
        if pane is None:
            return
        said = "All rows that the filter lets through; .csv makes CSV, another name JSON lines."
        path = await self._ask_path("Export", said, f"{pane.NAME}.csv", "Write")
        if path is not None:
            self._tell(f"writing {path.name}")
            count = await export(path, pages_of(pane), _fields)
            self._tell(f"wrote {format_count(count)} rows to {path}")

    async def _ask_path(self, heading: str, said: str, name: str, give: str) -> Path | None:
        path = Path.cwd() / name
        prompt = Prompt(heading, [said], value=str(path), give=give, check=check_path)
        text = await self._screen.app.push_screen_wait(prompt)
        if text is None:
            return None
        return Path(absolute_path(text.strip()))


async def pages_of(pane: "PagedPane[object]") -> AsyncIterator[Sequence[object]]:
    """The list of a pane from its beginning to its end."""
    offset = 0
    while True:
        rows, total = await pane.fetch(offset, EXPORT_PAGE)
        if rows:
            yield rows
        offset += len(rows)
        if not rows or offset >= total:
            return


def _fields(row: object) -> Fields:
    found = cast("dict[str, object]", msgspec.to_builtins(row))
    return {
        key: "; ".join(map(str, value)) if isinstance(value, list) else value
        for key, value in found.items()
        if not isinstance(value, dict)
    }
