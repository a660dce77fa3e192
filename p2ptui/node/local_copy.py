"""Local copy: what is here already under another name is copied, not fetched again.

Where the file system can, the copy shares the blocks of the original and costs no space; a hard
link would save as much, but an edit of the one file would change the other.

Every chunk is verified, like one that comes from afar. When the file turns out to have
changed, what was copied is kept and the rest is fetched.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from p2ptui.base.errors import P2PError
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import PartialClosed
from p2ptui.node.storage_errors import ContentChanged, NoSpace

if TYPE_CHECKING:
    from p2ptui.node.fetch import Fetch

log = logging.getLogger(__name__)


class LocalContent(Protocol):
    """A shared file of ours, opened."""

    @property
    def manifest(self) -> Manifest:
        """The proven manifest."""
        ...

    def read(self, index: int) -> bytes:
        """One chunk (blocking). Raises `ContentChanged`, `OSError`."""
        ...

    def copy(self, index: int, into: Callable[[int], bool]) -> bool:
        """Give its descriptor to what copies a chunk (blocking). Raises as `read`."""
        ...

    def close(self) -> None:
        """Close its file."""
        ...


async def copy_local(fetch: "Fetch") -> None:
    """Take what a shared file of ours has of the fetch's content. Raises `P2PError` of the disk."""
    tools, content = fetch.tools, fetch.job.content
    if fetch.picker is not None and fetch.picker.complete:
        return
    try:
        here = await tools.open_local(content)
    except (ContentChanged, OSError, P2PError) as error:
        log.info("fetch %d: not copied from here: %s", fetch.job.id, error)
        return
    if here is None:
        return
    try:
        await _copy(fetch, here)
    except (ContentChanged, OSError, PartialClosed) as error:
        log.info("fetch %d: the file here cannot be copied: %s", fetch.job.id, error)
    except NoSpace as error:
        fetch.wait_for_space(error)
    finally:
        await tools.offload(here.close)


async def _copy(fetch: "Fetch", here: LocalContent) -> None:
    tools = fetch.tools
    picker = await fetch.prepare(here.manifest)
    by_system = not fetch.sources
    """Whether the system copies: while others write chunks, too, each is read and written."""
    for index in list(picker.have.missing()):
        if picker.have.has(index):  # found on disk meanwhile
            continue
        good = await fetch.disk.copy(index, here.copy) if by_system else None
        if good is None:
            by_system = False
            good = await _copy_by_hand(fetch, here, index)
        if not good:
            raise ContentChanged(str(fetch.job.name))
        picker.settle(tools.peers.own_id, index)


async def _copy_by_hand(fetch: "Fetch", here: LocalContent, index: int) -> bool:
    """Read a chunk and write it if it is the right one."""
    tools = fetch.tools
    buffer = await tools.buffers.take(here.manifest.chunk_length(index))
    clean = False
    try:
        buffer[:] = await tools.offload(here.read, index)
        good = await fetch.disk.accept(index, buffer)
        clean = True
    finally:
        tools.buffers.give_back(buffer, clean=clean)
    return good
