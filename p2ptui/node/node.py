"""Node: the running peer: library, downloads, uploads and swarm together; implements `NodeApi`.

Lives without a swarm too: then it scans and hashes, and waits to be told which one to join.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from p2ptui import __version__
from p2ptui.base.addresses import format_address
from p2ptui.base.ids import TransferId
from p2ptui.base.rates import RateMeter
from p2ptui.net.credentials import Membership
from p2ptui.net.feed import Reader, follow
from p2ptui.net.tasks import TaskSet
from p2ptui.node import api, events
from p2ptui.node.buffers import ChunkBuffers
from p2ptui.node.directory import Directory, no_tracker
from p2ptui.node.downloads import Downloads
from p2ptui.node.fetch import FetchTools
from p2ptui.node.fetch_reports import tell_fetches
from p2ptui.node.fetching import Fetching
from p2ptui.node.folder_fetch import FolderFetching
from p2ptui.node.folder_jobs import FolderJobs
from p2ptui.node.live_settings import LiveSettings, queue_effects
from p2ptui.node.node_parts import NodeParts
from p2ptui.node.offers import NodeOffers
from p2ptui.node.operating import operate
from p2ptui.node.owners_elsewhere import OwnersElsewhere
from p2ptui.node.ownerships import NodeOwnerships
from p2ptui.node.partials import Partials, free_space
from p2ptui.node.settings_desk import SettingsDesk
from p2ptui.node.store_transfers import TransferTable
from p2ptui.node.swarm import Swarm, trackers_around
from p2ptui.node.swarms import Swarms
from p2ptui.node.transfers import Transfers
from p2ptui.node.undoing import Undoing
from p2ptui.node.uploads import Upload, UploadLedger

__all__ = ["Node", "NodeParts"]

SWEEP_S = 1.0


class Node:
    """A peer at work. `start` it, `close` it; in between it is a `NodeApi`."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._library = parts.library
        self._began = parts.clock.monotonic()
        self._front_ends = 0
        self._stopping = asyncio.Event()
        self._tasks = TaskSet()
        self._table = TransferTable(parts.store, parts.settings.peer.history)
        self._ledger = UploadLedger(
            parts.clock, self._upload_ended, slots=parts.settings.peer.upload_slots
        )
        self._live = LiveSettings(parts, parts.library, lambda: self._swarms.current)
        self._limits = self._live.limits
        self._partials = Partials(parts.clock, self._live)
        self._down_meter = RateMeter(self._began)
        self._buffers = ChunkBuffers()
        self._downloads = Downloads(
            table=self._table,
            adopt=parts.library.adopt,
            open_partial=self._partials.open,
            offload=parts.offload,
            publish=parts.bus.publish,
            clock=parts.clock,
            max_running=parts.settings.peer.max_downloads,
        )
        self._settings = SettingsDesk(
            parts.home.settings,
            parts.settings,
            {**self._live.effects, **queue_effects(self._ledger, self._downloads, self._table)},
            parts.offload,
        )
        self._jobs = FolderJobs(
            self._table, self._downloads, parts.offload, parts.bus.publish, parts.clock
        )
        self._swarms = Swarms(
            credentials=parts.credentials,
            store=parts.store,
            join=parts.join,
            enter=self._enter,
            leave=self._downloads.disconnect,
            offload=parts.offload,
            clock=parts.clock,
            publish=parts.bus.publish,
            look_around=lambda: trackers_around(parts.find_ground, parts.settings.peer.listen),
        )
        self._undoing = Undoing(parts.library, self._downloads, parts.store, self._jobs)
        tell_fetches(self._downloads.outcomes, self._swarms, self._live)
        self._transfers = Transfers(
            table=self._table,
            downloads=self._downloads,
            ledger=self._ledger,
            undoing=self._undoing,
            jobs=self._jobs,
            clock=parts.clock,
            path=self._swarms.path,
        )
        self._offers = NodeOffers(parts.library, self._downloads.running)
        self._directory = Directory(
            lambda: self._swarm().company.answerer,
            NodeOwnerships(parts.library, self._downloads),
            self._swarms.path,
        )
        self._owners = OwnersElsewhere(self._swarms.tracker, parts.clock)
        self._fetching = Fetching(
            self._directory, self._downloads, parts.library, self._swarm, parts.clock
        )
        self._folders = FolderFetching(
            self._directory,
            self._jobs,
            parts.library,
            self._swarm,
            offload=parts.offload,
            place_small=self._partials.place_small,
        )

    # --- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to scan, to serve and to connect. Raises `P2PError`."""
        await self._library.start()
        await self._downloads.load()
        await self._jobs.load()
        await self._undoing.start()
        for path in self._parts.shares:
            await self._library.add_share(path)
        await self._swarms.start(self._parts.settings.peer.tracker, self._parts.trust)
        self._tasks.spawn(self._sweep(), name="sweep")

    async def wait_stopped(self) -> None:
        """Return once a front-end asked the node to stop."""
        await self._stopping.wait()

    async def close(self) -> None:
        """End everything in an orderly way; what was under way can be taken up again."""
        self._stopping.set()
        async with AsyncExitStack() as last_first:  # one that fails keeps no other one open
            last_first.push_async_callback(self._parts.store.close)
            last_first.callback(self._tell_stopped)
            last_first.push_async_callback(self._library.close)
            last_first.push_async_callback(self._undoing.close)
            last_first.push_async_callback(self._jobs.close)
            last_first.push_async_callback(self._downloads.close)
            last_first.push_async_callback(self._swarms.close)
            last_first.push_async_callback(self._owners.close)
            last_first.push_async_callback(self._tasks.cancel_all)

    def front_ends_changed(self, count: int) -> None:
        """Hear how many front-ends follow the feed."""
        self._front_ends = count

    async def _enter(self, membership: Membership) -> Swarm:
        parts = self._parts
        swarm = Swarm(
            peer_id=parts.credentials.peer_id,
            nick=self._live.nick,
            listen=parts.settings.peer.listen,
            network=await parts.make_network(membership),
            library=self._library,
            offers=self._offers,
            ledger=self._ledger,
            throttles=(self._limits.up, self._limits.down),
            members=self._limits.members,
            offload=parts.offload,
            clock=parts.clock,
            publish=parts.bus.publish,
            store=parts.store,
            find_ground=parts.find_ground,
        )
        try:
            await swarm.start()
        except BaseException:
            await swarm.close()
            raise
        self._downloads.connect(
            FetchTools(
                peers=swarm.peers,
                tracker=swarm.tracker,
                buffers=self._buffers,
                offload=parts.offload,
                clock=parts.clock,
                meter=self._down_meter,
                open_partial=self._partials.open,
                free_space=free_space,
                on_state=self._downloads.outcomes.state_changed,
                on_prepared=self._downloads.outcomes.prepared,
                on_placed=self._downloads.outcomes.placed,
                on_source_lost=self._downloads.outcomes.source_lost,
                open_local=parts.library.open_content,
                fair_bps=lambda: self._limits.fair_bps(self._downloads.sources_at_work),
                swarm=swarm.network.membership.pin,
            )
        )
        return swarm

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._live.keep_schedule(self._clock.wall())
            await self._ledger.sweep()

    async def _upload_ended(self, upload: Upload) -> None:
        self._parts.bus.publish(await self._transfers.add_upload(upload))

    def _tell_stopped(self) -> None:
        self._parts.bus.publish(events.Stopped(time=self._clock.wall()))

    # --- NodeApi: the node and its swarm ----------------------------------------------------------

    async def status(self) -> api.NodeStatus:
        """The node at a glance."""
        parts, now = self._parts, self._clock.monotonic()
        swarm = self._swarms.current
        endpoint = swarm.listening.endpoint if swarm is not None and swarm.listening else None
        counts = self._library.counts()
        return api.NodeStatus(
            version=__version__,
            peer_id=parts.credentials.peer_id,
            nick=self._live.nick,
            listen=format_address(endpoint.host, endpoint.port) if endpoint else "",
            home=str(parts.home.folder),
            downloads=str(self._library.repository),
            tracker=self._swarms.status,
            files=counts.files,
            bytes=counts.bytes,
            hashing=counts.hashing,
            skipped=counts.skipped,
            down_bps=round(self._down_meter.rate(now)),
            up_bps=round(self._ledger.meter.rate(now)),
            down_limit_bps=self._limits.rate("down"),
            up_limit_bps=self._limits.rate("up"),
            active=len(self._downloads.current),
            uploads=len(self._ledger.current),
            front_ends=self._front_ends,
            uptime_s=round(now - self._began, 1),
            slow=self._limits.slow,
        )

    async def join(self, target: str, trust: str) -> api.TrackerStatus:
        """Join a swarm by link or address, and enter it."""
        await self._swarms.join(target, trust)
        return self._swarms.status

    async def trackers(self) -> tuple[api.TrackerFound, ...]:
        """Trackers on the local network."""
        return await self._swarms.trackers()

    async def forget(self, swarm: str) -> None:
        """Forget a swarm."""
        await self._swarms.forget(swarm)

    async def limit(self, direction: api.Direction, rate_bps: int | None) -> api.NodeStatus:
        """Set the global rate limit of a direction."""
        self._limits.set(direction, rate_bps)
        return await self.status()

    async def slow(self, on: bool) -> api.NodeStatus:
        """Switch slow mode."""
        self._limits.switch(slow=on)
        return await self.status()

    async def settings(self) -> tuple[api.SettingRow, ...]:
        """All settings."""
        return self._settings.rows()

    async def configure(self, key: str, text: str) -> api.SettingRow:
        """Change a setting."""
        return await self._settings.configure(key, text)

    async def stop(self) -> None:
        """End the node."""
        self._stopping.set()

    def feed(
        self, sections: tuple[api.SectionName, ...], interval_s: float
    ) -> AsyncIterator[events.FeedItem]:
        """Events in order, and sections when they changed."""
        readers: dict[str, Reader] = {
            "status": self.status,
            "transfers": self._transfers.live,
            "hashing": self._hashing,
        }
        return follow(
            self._parts.bus,
            {name: readers[name] for name in sections},
            interval_s,
            section=lambda name, value: events.Section(name=name, value=value),
            resync=lambda dropped: events.Resync(dropped=dropped),
            last=lambda item: isinstance(item, events.Stopped),
        )

    # --- NodeApi: the library ---------------------------------------------------------------------

    async def shares(self) -> tuple[api.Share, ...]:
        """All shares, the repository folder first."""
        return await self._library.shares()

    async def share(self, path: str, on: bool) -> api.Share:
        """Offer a folder, or stop offering it."""
        return await self._library.share(path, on)

    async def publish(self, path: str, name: str) -> api.FileRow:
        """Offer a single file under a name."""
        return await self._library.publish_file(Path(path), name)

    async def remove(self, name: str) -> api.Removal:
        """Withdraw a file."""
        return await self._undoing.remove(name)

    async def undo(self) -> api.Undone:
        """Take the last removal or cancelled download back."""
        return await self._undoing.undo()

    async def rescan(self) -> int:
        """Look for changed files now."""
        return await self._library.rescan()

    async def library(self, page: api.Page) -> api.FilePage:
        """A page of our own files."""
        found = await self._library.library(page)
        return msgspec.structs.replace(found, rows=self._owners.fill(found.rows))

    async def folder(self, name: str, page: api.Page) -> api.FolderPage:
        """What lies directly in a folder of the library."""
        found = await self._library.folder(name, page)
        return msgspec.structs.replace(found, rows=self._owners.fill(found.rows))

    # --- NodeApi: what others have ----------------------------------------------------------------

    async def search(self, text: str, page: api.Page) -> api.HitPage:
        """A page of what the tracker finds."""
        return await self._directory.search(text, page)

    async def operate(self, request: api.OperateRequest) -> str:
        """As an operator of the swarm."""
        return await operate(self._swarm().tracker, request)

    async def sources(self, target: str) -> api.ContentSources:
        """Who has a content."""
        return await self._directory.sources(target)

    async def peers(self, page: api.Page) -> api.HostPage:
        """A page of the swarm's members."""
        return await self._directory.members(page)

    async def browse(self, request: api.BrowseRequest) -> api.RemotePage:
        """A page of a member's list."""
        return await self._directory.browse(request.host, request.page)

    # --- NodeApi: transfers -----------------------------------------------------------------------

    async def fetch(self, request: api.FetchRequest) -> api.TransferRow:
        """Start a download, or attach to the one that runs for the same content."""
        return await self._fetching.fetch(request)

    async def fetch_folder(
        self, host: str, folder: str, to: str, patience_s: float | None = None
    ) -> api.TransferRow:
        """Fetch what a member has in a folder as one job."""
        return await self._folders.fetch(host, folder, to, patience_s)

    async def transfers(self, page: api.Page) -> api.TransferPage:
        """A page of uploads and downloads, history included; uploads in progress first."""
        return await self._transfers.page(page)

    async def history(self, page: api.Page) -> api.TransferPage:
        """A page of what is over, the last first."""
        return await self._transfers.past(page)

    async def transfer(self, transfer_id: TransferId) -> api.TransferDetail:
        """One transfer with its sources and chunk map."""
        return await self._transfers.detail(transfer_id)

    async def steer(self, transfer_id: TransferId, act: api.TransferAct) -> api.TransferRow:
        """Do something with a download."""
        return await self._transfers.steer(transfer_id, act)

    # --- inside -----------------------------------------------------------------------------------

    def _swarm(self) -> Swarm:
        swarm = self._swarms.current
        if swarm is None:
            raise no_tracker(self._swarms.status)
        return swarm

    async def _hashing(self) -> api.Hashing:
        return self._library.hashing()
