"""Local copy: what is here already under another name is copied, not fetched again.

Every chunk is verified on its way, like one that comes from afar. When the file turns out to have
changed, what was copied is kept and the rest is fetched.
"""

import logging
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
    for index in list(picker.have.missing()):
        if picker.have.has(index):  # found on disk meanwhile
            continue
        buffer = await tools.buffers.take(here.manifest.chunk_length(index))
        clean = False
        try:
            buffer[:] = await tools.offload(here.read, index)
            good = await fetch.disk.accept(index, buffer)
            clean = True
        finally:
            tools.buffers.give_back(buffer, clean=clean)
        if not good:
            raise ContentChanged(str(fetch.job.name))
        picker.settle(tools.peers.own_id, index)
