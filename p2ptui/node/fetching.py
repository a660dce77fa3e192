"""Fetching: from what a user means to the download of a file."""

from collections.abc import Callable
from pathlib import Path

from p2ptui.base.addresses import format_address, parse_address
from p2ptui.base.clock import Clock
from p2ptui.base.ids import parse_content_id
from p2ptui.net.wire import messages as m
from p2ptui.node import api, rows
from p2ptui.node.directory import Directory, Target, find_at
from p2ptui.node.downloads import Downloads
from p2ptui.node.library import Library
from p2ptui.node.store_values import TransferRecord
from p2ptui.node.swarm import DEFAULT_PORT, Swarm


class Fetching:
    """Begins downloads."""

    def __init__(
        self,
        directory: Directory,
        downloads: Downloads,
        library: Library,
        swarm: Callable[[], Swarm],
        clock: Clock,
    ) -> None:
        """`swarm` gives the one at work, or raises what to tell when there is none."""
        self._directory = directory
        self._downloads = downloads
        self._library = library
        self._swarm = swarm
        self._clock = clock

    async def fetch(self, request: api.FetchRequest) -> api.TransferRow:
        """Start a download, or attach to the one that runs for the same content."""
        swarm = self._swarm()
        address = ""
        if request.address:
            endpoint = m.Endpoint(*parse_address(request.address, DEFAULT_PORT))
            address = format_address(endpoint.host, endpoint.port)
            target = await _find_at(swarm, endpoint, request.target)
        else:
            target = await self._directory.find(request.target)
        here = await self._library.paths_of(target.content)
        if here and not request.folder:
            return self._present(target, here[0])
        download = await self._downloads.add(
            TransferRecord(
                direction="down",
                content=target.content,
                name=target.name,
                size=target.size or 0,
                folder=request.folder or str(self._library.repository),
                address=address,
                started=self._clock.wall(),
            ),
            request.patience_s,
            only_there=bool(request.folder),
        )
        return rows.download_row(download, self._clock.monotonic())

    def _present(self, target: Target, path: Path) -> api.TransferRow:
        """What is told of a content that is here already."""
        record = TransferRecord(
            direction="down",
            content=target.content,
            name=target.name,
            size=target.size or 0,
            done=target.size or 0,
            state="finished",
            reason="already here",
            path=str(path),
            finished=self._clock.wall(),
        )
        return rows.record_row(record)


async def _find_at(swarm: Swarm, endpoint: m.Endpoint, name: str) -> Target:
    """The content that one member calls by a name; the tracker is not asked."""
    content = parse_content_id(name)
    if content is not None:
        return Target(content=content, name=name[:12])
    return await find_at(await swarm.peers.session(None, (endpoint,)), name)
