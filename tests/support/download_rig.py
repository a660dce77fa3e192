"""The queue of downloads in memory: real `Downloads`, with the tools of a `FetchRig`."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import msgspec

from p2ptui.base.ids import ContentId, TransferId
from p2ptui.node.downloads import Downloads
from p2ptui.node.events import NodeEvent
from p2ptui.node.manifest import Manifest
from p2ptui.node.store_transfers import TransferTable
from p2ptui.node.store_values import TransferRecord
from tests.support.eventually import eventually
from tests.support.fetch_rig import FetchRig


class MemoryTable:
    """A `TransferTable` without a database."""

    def __init__(self) -> None:
        self.records: dict[TransferId, TransferRecord] = {}

    async def add(self, record: TransferRecord) -> TransferRecord:
        return (await self.add_all([record]))[0]

    async def add_all(self, records: list[TransferRecord]) -> list[TransferRecord]:
        made = []
        for record in records:
            number = TransferId(len(self.records) + 1)
            self.records[number] = msgspec.structs.replace(record, id=number)
            made.append(self.records[number])
        return made

    async def save(self, *records: TransferRecord) -> None:
        self.records.update({record.id: record for record in records})

    async def finish(self, records: list[TransferRecord]) -> None:
        await self.save(*records)

    async def get(self, number: TransferId) -> TransferRecord | None:
        return self.records.get(number)

    async def unfinished(self) -> list[TransferRecord]:
        return [record for record in self.records.values() if record.finished is None]


class DownloadRig:
    """Downloads of a node whose swarm is a `FetchRig`."""

    def __init__(self, folder: Path, data: bytes = b"") -> None:
        self.fetches = FetchRig(folder, data)
        self.folder = folder
        self.table = MemoryTable()
        self.events: list[NodeEvent] = []
        self.adopted: list[Path] = []
        self.downloads = self.run()

    def run(self) -> Downloads:
        """Downloads on the same table: those of the next run of the node."""
        return Downloads(
            table=cast("TransferTable", self.table),
            adopt=self._adopt,
            open_partial=self.fetches.open_partial,
            offload=self.fetches.offload,
            publish=self.events.append,
            clock=self.fetches.clock,
        )

    def connect(self) -> None:
        """There is a swarm."""
        downloads = self.downloads
        tools = dataclasses.replace(
            self.fetches.tools(),
            on_state=downloads.outcomes.state_changed,
            on_prepared=downloads.outcomes.prepared,
            on_placed=downloads.outcomes.placed,
            on_source_lost=downloads.outcomes.source_lost,
        )
        downloads.connect(tools)

    def record(self, name: str, folder: Path | None = None) -> TransferRecord:
        """A download of a content that nobody has."""
        content = ContentId(name.encode().ljust(32, b"\0"))
        return TransferRecord(
            direction="down", content=content, name=name, folder=str(folder or self.folder)
        )

    def of_data(self) -> TransferRecord:
        """A download of what the rig's peers have."""
        manifest = self.fetches.manifest
        return TransferRecord(
            direction="down",
            content=manifest.content_id,
            name="song.mp3",
            size=manifest.size,
            folder=str(self.folder),
        )

    async def add(self, *names: str) -> list[TransferId]:
        """Downloads of contents that nobody has."""
        return [(await self.downloads.add(self.record(name), None)).record.id for name in names]

    @property
    def order(self) -> list[str]:
        """Names in the order of the queue."""
        return [each.record.name for each in self.downloads.current]

    @property
    def running(self) -> set[str]:
        """Names of those that run."""
        return {each.record.name for each in self.downloads.current if each.fetch is not None}

    async def until_running(self, *names: str) -> None:
        """Wait until these run, and no others."""
        await eventually(lambda: self.running == set(names), 60.0)

    async def _adopt(self, path: Path, _manifest: Manifest) -> None:
        self.adopted.append(path)


@asynccontextmanager
async def downloading(
    folder: Path, data: bytes = b"", *, connected: bool = True
) -> AsyncIterator[DownloadRig]:
    """Downloads that are closed in the end."""
    rig = DownloadRig(folder, data)
    await rig.downloads.load()
    if connected:
        rig.connect()
    try:
        yield rig
    finally:
        await rig.downloads.close()
        for peer in rig.fetches.peers:
            await peer.stop()
        await rig.fetches.taker.close()
