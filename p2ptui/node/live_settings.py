"""Live settings: those that a running node takes over without being started again."""

import getpass
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from p2ptui.base.schedule import parse_schedule
from p2ptui.node.api import Direction
from p2ptui.node.downloads import Downloads
from p2ptui.node.library import Library
from p2ptui.node.node_parts import NodeParts
from p2ptui.node.rate_limits import RateLimits
from p2ptui.node.settings_desk import Effect, change_shares
from p2ptui.node.store_transfers import TransferTable
from p2ptui.node.swarm import Swarm
from p2ptui.node.uploads import UploadLedger


class LiveSettings:
    """What these settings are now."""

    def __init__(
        self, parts: NodeParts, library: Library, swarm: Callable[[], Swarm | None]
    ) -> None:
        """`swarm` gives the one at work."""
        self.nick = parts.nick
        self.reserve_bytes = parts.settings.peer.reserve_bytes
        self.tell_history = parts.settings.peer.tell_history
        self.limits = RateLimits(parts.settings.peer)
        self._schedule = parse_schedule(parts.settings.peer.slow_schedule)
        self._scheduled = False
        """What the schedule said last."""
        self._shares = parts.shares
        self._library = library
        self._swarm = swarm

    @property
    def effects(self) -> Mapping[str, Effect]:
        """What makes a change felt, by the setting's key."""
        return {
            "peer.up_limit": self._limit("up", slow=False),
            "peer.down_limit": self._limit("down", slow=False),
            "peer.slow_up_limit": self._limit("up", slow=True),
            "peer.slow_down_limit": self._limit("down", slow=True),
            "peer.slow_schedule": self._set_schedule,
            "peer.member_up_limit": self._member_limit("up"),
            "peer.member_down_limit": self._member_limit("down"),
            "peer.member_limits": self._set_member_limits,
            "peer.nick": self._set_nick,
            "peer.shares": self._set_shares,
            "peer.rescan_s": self._set_rescan,
            "peer.reserve_bytes": self._set_reserve,
            "peer.tell_history": self._set_tell_history,
        }

    def _limit(self, direction: Direction, *, slow: bool) -> Effect:
        async def change(rate_bps: int | None) -> None:
            self.limits.change(direction, rate_bps, slow=slow)

        return change

    def _member_limit(self, direction: Direction) -> Effect:
        async def change(rate_bps: int | None) -> None:
            self.limits.members.set_usual(direction, rate_bps)

        return change

    async def _set_member_limits(self, limits: tuple[str, ...]) -> None:
        self.limits.members.set_limits(limits)

    async def _set_schedule(self, text: str) -> None:
        self._schedule = parse_schedule(text)

    def keep_schedule(self, wall: float) -> None:
        """Slow mode on or off when the schedule says so; by hand it holds until then."""
        due = self._schedule.covers(datetime.fromtimestamp(wall).astimezone())
        if due != self._scheduled:
            self._scheduled = due
            self.limits.switch(slow=due)

    async def _set_nick(self, nick: str) -> None:
        self.nick = nick or login_name()
        swarm = self._swarm()
        if swarm is not None:
            await swarm.set_nick(self.nick)

    async def _set_shares(self, named: tuple[str, ...]) -> None:
        shares = tuple(map(absolute, named))
        add, remove = self._library.add_share, self._library.remove_share
        await change_shares(self._shares, shares, add, remove)
        self._shares = shares

    async def _set_rescan(self, every_s: float) -> None:
        self._library.rescans.set_every(every_s)

    async def _set_tell_history(self, tell: bool) -> None:
        self.tell_history = tell

    async def _set_reserve(self, reserve_bytes: int) -> None:
        self.reserve_bytes = reserve_bytes


def queue_effects(
    ledger: UploadLedger, downloads: Downloads, table: TransferTable
) -> Mapping[str, Effect]:
    """What makes changes of the queues and of the history felt, by the setting's key."""

    async def set_slots(count: int) -> None:
        ledger.slots.set_count(count)

    async def set_running(count: int) -> None:
        downloads.set_max_running(count)

    return {
        "peer.upload_slots": set_slots,
        "peer.max_downloads": set_running,
        "peer.history": table.keep,
    }


def absolute(path: str) -> Path:
    """The folder that a setting names."""
    return Path(path).expanduser().absolute()


def login_name() -> str:
    """The nick of whoever chose none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "peer"
