"""Running a tracker (`UpkeepApi` but for its end): message of the day, drain, backup, audit log."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.settings import TrackerSettings
from p2ptui.net.wire import messages as m
from tracker import api, events
from tracker.acts import CONSOLE, Acts
from tracker.parts import Parts
from tracker.reload import Read, Reload

Level = Literal["info", "warning", "error"]
MAX_MOTD = 500
DRAINING = "the tracker is about to be upgraded and takes nobody new: come back in a few minutes"
"""What those are told who call while it drains."""


class Upkeep:
    """Every method raises `P2PError` and nothing else that is expected."""

    def __init__(self, parts: Parts, acts: Acts, settings: TrackerSettings, read: Read) -> None:
        """`settings`: those of the start; `read` reads them anew."""
        self._parts = parts
        self._acts = acts
        self._settings = settings
        self._reload = Reload(read, settings, self._effects(), parts.offload)

    async def motd(self, text: str) -> None:
        """Set the message of the day, empty: none; kept for the next start."""
        text = text.strip()
        if len(text) > MAX_MOTD:
            raise usage_error("Too long a message", f"it has at most {MAX_MOTD} characters")
        await self._parts.kept.keep("motd", text)
        self._parts.rules.motd = text
        await self._acts.note(CONSOLE, "motd", "all", detail=text)

    async def drain(self, *, on: bool) -> None:
        """Take nobody new and tell all why; or end that. Those connected stay until the stop."""
        rules = self._parts.rules
        if rules.draining == on:
            return
        rules.draining = on
        if on:
            text = "The tracker will stop soon for an upgrade; your peer comes back by itself."
        else:
            text = "The tracker stays after all: no upgrade now."
        for member in self._parts.registry:
            member.link.post(m.Notice("warning" if on else "info", text))
        await self._acts.note(CONSOLE, "drain", "on" if on else "off")

    async def backup(self, path: str) -> api.Backup:
        """Write authority, index and settings to one file; refuses an existing one."""
        written = await self._parts.backups.write(path)
        await self._acts.note(CONSOLE, "backup", written.path, detail=f"{written.bytes} bytes")
        return written

    async def reload(self) -> tuple[str, ...]:
        """Read the settings again; the keys that changed and are in force now."""
        try:
            reloaded = await self._reload()
        except P2PError as error:
            self._notice("error", f"The settings stay as they are: {error}", error.hint)
            raise
        self._parts.kept.at_restart = reloaded.at_restart
        if reloaded.at_restart:
            keys = ", ".join(reloaded.at_restart)
            self._notice("warning", f"Of no effect before the tracker is started again: {keys}")
        if reloaded.in_force:
            self._notice("info", f"Changed and in force now: {', '.join(reloaded.in_force)}")
            await self._acts.note(CONSOLE, "reload", ", ".join(reloaded.in_force))
        return reloaded.in_force

    async def audit(self, page: api.Page) -> api.AuditPage:
        """A page of the audit log, the newest first."""
        return await self._parts.offload(self._parts.audit.page, page)

    def _notice(self, level: Level, text: str, hint: str = "") -> None:
        now = self._parts.clock.wall()
        notice = events.TrackerNotice(time=now, level=level, text=text, hint=hint)
        self._parts.bus.publish(notice)

    # --- what a changed setting does ------------------------------------------------------------

    def _effects(self) -> Mapping[str, Callable[[Any], Awaitable[None]]]:
        rules = self._parts.rules

        def sets(name: str) -> Callable[[Any], Awaitable[None]]:
            async def set_rule(value: object) -> None:
                setattr(rules, name, value)
                self._pace_searches()

            return set_rule

        async def move_stats(listen: str) -> None:
            await self._parts.stats.change(listen, public=self._settings.metrics_public)

        async def switch_relay(on: bool) -> None:
            self._parts.relay.switch(on=on)

        async def keep_history(count: int) -> None:
            await self._parts.history.keep(count)

        async def limit_relay(rate_bps: int | None) -> None:
            self._parts.relay.set_limit(rate_bps)

        return {
            "metrics": move_stats,
            "history": keep_history,
            "relay": switch_relay,
            "relay_limit": limit_relay,
            "open": sets("open"),
            "motd": sets("motd"),
            "max_entries": sets("entries"),
            "search_rate": sets("searches_s"),
            "max_connections": sets("connections"),
        }

    def _pace_searches(self) -> None:
        now = self._parts.clock.monotonic()
        for member in self._parts.registry:
            member.limits.set_search_rate(self._parts.rules.search_rate(member.peer), now)
