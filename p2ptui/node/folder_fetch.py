"""Fetching folders: a folder of another member, or all it shares, as one job.

Its list comes from the member itself, which knows its empty folders too, or else, when it cannot
be reached, from the tracker. The files come from all who have them, as always.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from p2ptui.base.errors import P2PError, not_found, usage_error
from p2ptui.base.ids import ContentId, PeerId, content_id_text, parse_content_id
from p2ptui.base.names import safe_name, wire_path
from p2ptui.base.text import clamp_mtime, display, format_count
from p2ptui.net.link import LinkClosed
from p2ptui.net.loop import Offload
from p2ptui.net.requests import RequestFailed
from p2ptui.net.wire import messages as m
from p2ptui.node import api
from p2ptui.node.bundles import BundleTools, Place
from p2ptui.node.directory import MAX_PAGE, Directory
from p2ptui.node.empty_folders import FOLDER
from p2ptui.node.folder_jobs import FolderJobs
from p2ptui.node.library import Library
from p2ptui.node.remote_folder import Inside, Places, filter_of, inside, parts_of
from p2ptui.node.storage_errors import explain
from p2ptui.node.store_values import TransferRecord
from p2ptui.node.swarm import Swarm

log = logging.getLogger(__name__)

PAGES_AT_ONCE = 8
"""Pages of a member's list that are asked for together."""
MAX_FOLDER_FILES = 20_000
"""Files that are fetched with one folder."""


class FolderFetching:
    """Begins folder jobs."""

    def __init__(
        self,
        directory: Directory,
        jobs: FolderJobs,
        library: Library,
        swarm: Callable[[], Swarm],
        *,
        offload: Offload,
        place_small: Place,
    ) -> None:
        """`swarm` gives the one at work, or raises what to tell when there is none.

        `place_small` places small files (blocking).
        """
        self._directory = directory
        self._jobs = jobs
        self._library = library
        self._swarm = swarm
        self._offload = offload
        self._clock = jobs.clock
        jobs.bundle_with(
            BundleTools(
                place=place_small,
                adopt=library.adopt_all,
                read_here=library.contents.read_small,
                find_host=directory.endpoints,
            )
        )

    async def fetch(
        self, host: str, folder: str, to: str, patience_s: float | None = None
    ) -> api.TransferRow:
        """Fetch what a member has in a folder (empty: all) into a folder of its name below `to`.

        The job that does so already is the answer when there is one. It fails after `patience_s`
        without any source; None: it waits for ever. Raises `P2PError`.
        """
        folder = "/".join(parts_of(folder))
        member = await self._directory.find_member(host)
        running = self._jobs.running(member.peer, folder)
        if running is not None:
            return running.row(self._clock.monotonic())
        found = list(inside(folder, await self._list(member, folder)))
        if not found:
            raise not_found(
                "No such folder",
                f"{display(member.nick)} shares nothing in {display(folder) or 'its list'}.",
                "`browse PEER` lists what it shares.",
            )
        parent = Path(to) if to else self._library.repository
        name = parts_of(folder)[-1] if folder else member.nick or member.peer
        root = await self._jobs.place(member.peer, folder, parent, name)
        places = Places(root)
        for empty in (each for each in found if each.entry.content == FOLDER):
            place = places.of((*empty.folders, empty.entry.path[-1]))
            await self._offload(_make_folder, place)
        files = [each for each in found if each.entry.content != FOLDER]
        there = await self._library.have([each.entry.content for each in files])
        wanted = [
            self._record(each, places, member.peer)
            for each in files
            if each.entry.content not in there or not await self._has(each, places)
        ]
        job = await self._jobs.begin(
            TransferRecord(
                direction="down",
                content=ContentId(b""),
                name=root.name,
                folder=str(parent),
                path=str(root),
                host=member.peer,
                remote=folder,
                started=self._clock.wall(),
            ),
            wanted,
            here=len(files) - len(wanted),
            patience_s=patience_s,
        )
        return job.row(self._clock.monotonic())

    def _record(self, found: Inside, places: Places, host: PeerId) -> TransferRecord:
        entry = found.entry
        return TransferRecord(
            direction="down",
            content=entry.content,
            name=entry.path[-1],
            size=entry.size,
            folder=str(places.of(found.folders)),
            mtime=clamp_mtime(entry.mtime),
            host=host,
            started=self._clock.wall(),
        )

    async def _has(self, found: Inside, places: Places) -> bool:
        """Whether an earlier job has put this file in its place already."""
        path = places.of(found.folders) / safe_name(found.entry.path[-1])
        return path in await self._library.paths_of(found.entry.content)

    # --- what there is ----------------------------------------------------------------------------

    async def _list(self, member: m.HostInfo, folder: str) -> Sequence[m.Entry]:
        """The part of a member's list that holds the folder."""
        words = filter_of(folder)
        if member.online and member.endpoint is not None:
            try:
                return await self._ask_host(member.peer, member.endpoint, words)
            except (RequestFailed, LinkClosed, TimeoutError, P2PError) as error:
                if isinstance(error, P2PError) and error.exit_code == usage_error("").exit_code:
                    raise
                log.info("%s does not tell its list: %s", member.peer, error)
        return await self._ask_tracker(member.peer, words)

    async def _ask_host(self, peer: PeerId, endpoint: m.Endpoint, words: str) -> list[m.Entry]:
        session = await self._swarm().peers.session(peer, (endpoint,))
        page = await session.list_files(words, 0, m.MAX_PAGE)
        _check_number(page.total)
        found = list(page.entries)
        while page.entries and len(found) < page.total:
            offsets = range(len(found), page.total, m.MAX_PAGE)[:PAGES_AT_ONCE]
            asked = (session.list_files(words, offset, m.MAX_PAGE) for offset in offsets)
            for offset, page in zip(offsets, await asyncio.gather(*asked), strict=True):
                if offset != len(found):
                    break  # long names: the page before was cut short
                _check_number(page.total)
                found += page.entries
        return found

    async def _ask_tracker(self, peer: str, words: str) -> list[m.Entry]:
        found: list[m.Entry] = []
        brought = 0
        while True:
            page = api.Page(offset=brought, limit=MAX_PAGE, filter=words)
            part = await self._directory.browse(peer, page)
            _check_number(part.total)
            brought += len(part.rows)
            for row in part.rows:
                content = parse_content_id(row.content_id)
                if content is not None:
                    found.append(m.Entry(wire_path(row.name), row.size, content, int(row.changed)))
            if not part.rows or brought >= part.total:
                return found


def file_at(entries: Sequence[m.Entry], path: str) -> str:
    """The content id of the file that has exactly this path; empty when there is none."""
    same = (each for each in entries if each.path == parts_of(path) and each.content != FOLDER)
    found = next(same, None)
    return content_id_text(found.content) if found is not None else ""


def _check_number(total: int) -> None:
    if total > MAX_FOLDER_FILES:
        raise usage_error(
            "Too large a folder",
            f"{format_count(total)} files; at most {format_count(MAX_FOLDER_FILES)} are fetched at"
            " a time.",
            "Fetch the folders in it one by one.",
        )


def _make_folder(path: Path) -> None:
    """Make an empty folder (blocking). Raises `P2PError`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, path, "write to") from error
