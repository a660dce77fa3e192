"""Fetching: from what a user means to a download: one file, or a folder of another member."""

from collections.abc import Callable
from pathlib import Path

from p2ptui.base.addresses import format_address, parse_address
from p2ptui.base.clock import Clock
from p2ptui.base.errors import not_found, usage_error
from p2ptui.base.ids import parse_content_id
from p2ptui.base.text import display, format_count
from p2ptui.net.wire import messages as m
from p2ptui.node import api, rows
from p2ptui.node.directory import MAX_PAGE, Directory, Target, find_at
from p2ptui.node.downloads import Downloads
from p2ptui.node.library import Library
from p2ptui.node.remote_folder import files_in, filter_of
from p2ptui.node.store_values import TransferRecord
from p2ptui.node.swarm import DEFAULT_PORT, Swarm

MAX_FOLDER_FILES = 20_000
"""Files that are fetched with one folder."""


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
        here = await self._library.path_of(target.content)
        if here is not None and not request.folder:
            return self._present(target, here)
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

    async def fetch_folder(self, host: str, folder: str) -> int:
        """Fetch what a member has in a folder, from all who have it; how many downloads began."""
        folder = folder.strip("/")
        listed = await self._list(host, folder)
        found = list(files_in(folder, listed, self._library.repository))
        if not found:
            raise not_found(
                "No such folder",
                f"{display(host)} shares nothing in {display(folder) or 'its list'}.",
                "`browse PEER` lists what it shares.",
            )
        records = []
        for wanted in found:
            content = parse_content_id(wanted.file.content_id)
            if wanted.file.have == "new" and content is not None:
                records.append(
                    TransferRecord(
                        direction="down",
                        content=content,
                        name=wanted.name,
                        size=wanted.file.size,
                        folder=str(wanted.folder),
                        started=self._clock.wall(),
                    )
                )
        return await self._downloads.add_all(records)

    async def _list(self, host: str, folder: str) -> list[api.RemoteFile]:
        """The part of a member's list that holds the folder."""
        words = filter_of(folder)
        found: list[api.RemoteFile] = []
        while True:
            page = api.Page(offset=len(found), limit=MAX_PAGE, filter=words)
            part = await self._directory.browse(host, page)
            if part.total > MAX_FOLDER_FILES:
                raise usage_error(
                    "Too large a folder",
                    f"{format_count(part.total)} files; at most "
                    f"{format_count(MAX_FOLDER_FILES)} are fetched at a time.",
                    "Fetch the folders in it one by one.",
                )
            found += part.rows
            if not part.rows or len(found) >= part.total:
                return found

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
