"""Download: one job of the queue: its record, and its fetch while that runs."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from p2ptui.base.addresses import parse_address
from p2ptui.net.wire.messages import Endpoint
from p2ptui.node.api import PeerPart
from p2ptui.node.fetch import Fetch, FetchJob
from p2ptui.node.history import with_parts
from p2ptui.node.manifest import Manifest
from p2ptui.node.store_values import SEVERAL, TransferRecord

if TYPE_CHECKING:
    from p2ptui.node.bundle import Bundle


@dataclass(slots=True, eq=False)
class Download:
    """A job that is neither finished nor failed nor cancelled. Times are monotonic seconds."""

    record: TransferRecord
    patience_s: float | None = None
    manifest: Manifest | None = None
    fetch: Fetch | None = None
    """While it runs."""
    task: asyncio.Task[None] | None = None
    began: float = 0.0
    """This run's start."""
    held: bool = False
    """It is being paused or cancelled: nobody starts it meanwhile."""
    ending: bool = False
    """Its run is over and being told: it is not stopped any more."""
    twin: bool = False
    """Another one fetches the same content; this one has it from there when that is over."""
    bundle: "Bundle | None" = None
    """What it comes with, while it is a small file of a folder that comes so."""
    alone: bool = False
    """It is not to come in a bundle."""
    gives_way: bool = False
    """It was stopped for a more important one, and goes on when there is a place."""

    @property
    def waits(self) -> bool:
        """Whether it may be started."""
        idle = self.task is None and not self.held and not self.twin
        return idle and self.record.state != "paused"

    @property
    def leaves(self) -> bool:
        """Whether it runs and gives its place up in a moment."""
        finishes = self.fetch is not None and self.fetch.state == "finishing"
        return self.held or self.ending or self.gives_way or finishes

    def job(self) -> FetchJob:
        """What its fetch is to do."""
        record, endpoint = self.record, None
        if record.address:
            endpoint = Endpoint(*parse_address(record.address, 0))
        return FetchJob(
            id=record.id,
            content=record.content,
            name=record.name,
            # Once there is a manifest its size is a fact, and no claim is compared any more.
            size=0 if self.manifest else record.size,
            folder=Path(record.folder),
            endpoint=endpoint,
            mtime=record.mtime,
            patience_s=self.patience_s,
        )

    def note(self, **changes: object) -> None:
        """Change its record."""
        self.record = msgspec.structs.replace(self.record, **changes)

    def enter(self, swarm: str) -> None:
        """It is about to run in the swarm with this pin."""
        if self.record.swarm != swarm:
            self.note(swarm=SEVERAL if self.record.peers else swarm)

    def note_progress(self, now: float) -> None:
        """Add to its record what this run, which is over, has brought."""
        if self.fetch is not None:
            if self.fetch.manifest is not None:
                self.note(size=self.fetch.manifest.size)
            parts = [
                PeerPart(peer_id=source.peer, nick=source.nick, bytes=source.done)
                for source in self.fetch.sources.values()
            ]
            self.note(
                peers=with_parts(self.record.peers, parts),
                done=self.fetch.done,
                seconds=self.record.seconds + now - self.began - self.fetch.waited_s(now),
                sources=sum(source.done > 0 for source in self.fetch.sources.values()),
            )
