"""A whole tracker in memory with its desks and its entrance: what an admin does to real members.

async with admin_in(tmp_path) as rig:
    anna = await rig.connect("anna")
    await rig.console.members.kick(api.KickRequest(host="anna"))
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from p2ptui.base.bus import Bus
from p2ptui.base.paths import TrackerHome
from p2ptui.base.settings import TrackerSettings
from p2ptui.net.link import Link
from p2ptui.net.loop import Inline
from p2ptui.net.wire import messages as m
from tests.support.fake_time import FakeClock
from tests.support.memory_net import TRACKER_HOST, TRACKER_PORT
from tests.support.tracker_rig import TrackerRig
from tracker import api, events
from tracker.admission import Admission
from tracker.audit import AuditLog
from tracker.backup import Backups
from tracker.console import Console
from tracker.entrance import Entrance
from tracker.kept_settings import KeptSettings
from tracker.networks import BarredNetworks
from tracker.parts import Parts
from tracker.registry import Member
from tracker.stats_door import StatsDoor


class AdminRig(TrackerRig):
    """Made by `admin_in`. May be `stop`ped and begun again, as a tracker that is restarted."""

    console: Console
    entrance: Entrance
    networks: BarredNetworks

    async def begin(self, *, max_entries: int = 1000) -> None:
        await super().begin(max_entries=max_entries)
        home, clock = TrackerHome.under(self.folder), self.clock
        self.networks = BarredNetworks(home.authority / "networks.log")
        self.bus: Bus[events.FeedItem] = Bus()
        parts = Parts(
            authority=self.authority,
            store=self.store,
            registry=self.registry,
            service=self.service,
            figures=self.figures,
            rules=self.rules,
            standings=self.standings,
            networks=self.networks,
            kept=KeptSettings(home.settings, Inline()),
            audit=AuditLog(home.audit),
            history=self.history,
            backups=Backups(
                home=home, authority=self.authority, index=self.store.path, clock=clock
            ),
            stats=StatsDoor(self._status),
            bus=self.bus,
            clock=clock,
            offload=Inline(),
            listen=(TRACKER_HOST, TRACKER_PORT),
            hosts=((TRACKER_HOST, TRACKER_PORT),),
            dropped=lambda: 0,
        )
        settings = TrackerSettings(max_entries=max_entries, motd="hello")
        self.settings = settings
        """What a reload reads."""
        self.console = Console(parts, settings, lambda: self.settings)
        self.entrance = Entrance(
            admission=Admission(
                self.authority, is_open=lambda: self.rules.open, clock=clock, offload=Inline()
            ),
            sessions=self.sessions,
            networks=self.networks,
            rules=self.rules,
            clock=clock,
            emit=self.events.append,
        )

    async def acts(self) -> list[tuple[str, str, str]]:
        """Who did what to whom, the oldest first."""
        page = await self.console.upkeep.audit(api.Page())
        return [(row.by, row.act, row.target) for row in reversed(page.rows)]

    async def _status(self) -> api.TrackerStatus:
        return await self.console.lookout.status(0)

    async def _pass_in(self, link: Link) -> None:
        await self.entrance.pass_in(link)

    async def _operate(self, member: Member, request: m.Operate) -> m.Operated | m.Failure:
        return await self.console.operating.answer(member, request)


@asynccontextmanager
async def admin_in(folder: Path, *, max_entries: int = 1000) -> AsyncIterator[AdminRig]:
    """A rig that is stopped at the end."""
    rig = AdminRig(folder, FakeClock())
    await rig.begin(max_entries=max_entries)
    try:
        yield rig
    finally:
        await rig.stop()


def host_of(rig: AdminRig, name: str) -> str:
    """The address that a member is seen at."""
    return rig.network.host(name).address
