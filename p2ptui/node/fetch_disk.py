"""Fetch disk: what one fetch has on disk: opened, looked at, made durable, placed and closed.

A thread that works on a file cannot be stopped. So nothing here is abandoned half-way: a partial
that is being opened when its fetch ends is closed once it is open (or its lock would be ours for
ever), and it is closed only when nobody writes to it any more.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from p2ptui.base.errors import P2PError
from p2ptui.net.tasks import TaskSet, spawn
from p2ptui.node.at_risk import AtRisk
from p2ptui.node.fetch_job import FetchJob, FetchTools
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import CopyInto, Partial, PartialClosed
from p2ptui.node.picker import Picker
from p2ptui.node.storage_errors import NoSpace, explain

log = logging.getLogger(__name__)

CHECKPOINT_LOOK_S = 1.0


class DiskOwner(Protocol):
    """Whom the disk tells what goes wrong, and what it has."""

    def wait_for_space(self, error: NoSpace) -> None:
        """The disk is full."""
        ...

    def give_up(self, error: P2PError) -> None:
        """The disk cannot be used."""
        ...

    def wake(self) -> None:
        """There is more to ask for, or less."""
        ...

    def look(self) -> None:
        """It may be complete."""
        ...


class FetchDisk:
    """The partial of one fetch, and the tasks that keep it true to the disk."""

    def __init__(self, job: FetchJob, tools: FetchTools, owner: DiskOwner) -> None:
        self.partial: Partial | None = None
        """While it is open."""
        self.picker: Picker | None = None
        """From the first opening on."""
        self._job = job
        self._tools = tools
        self._owner = owner
        self._opening: asyncio.Task[P2PError | None] | None = None
        self._tasks = TaskSet()
        self._writes = TaskSet()
        """Chunks being verified and written: they outlive their source."""
        self._written = asyncio.Event()
        self.at_risk = AtRisk(self._unclaimed, self._written.set)
        """What a kill would cost; every chunk is counted there before it is asked for."""
        self._rechecking = 0

    @property
    def rechecking(self) -> bool:
        """Whether what an earlier run claims is still being looked at."""
        return self._rechecking > 0

    # --- opening ----------------------------------------------------------------------------------

    async def open(self, manifest: Manifest, start: int) -> Picker:
        """Open the partial, once for all who ask; `start`: the chunk to begin with.

        Raises `P2PError` of the disk.
        """
        if self.picker is None:
            if self._opening is None:
                self._opening = spawn(self._open(manifest, start), name=f"open-{self._job.id}")
            opening = self._opening
            error = await asyncio.shield(opening)
            if self._opening is opening:
                self._opening = None
            if error is not None:
                raise error
        assert self.picker is not None
        return self.picker

    async def _open(self, manifest: Manifest, start: int) -> P2PError | None:
        try:
            partial = await self._tools.offload(
                self._tools.open_partial, self._job.folder, manifest
            )
        except P2PError as error:
            return error
        picker = Picker(partial.chunkmap.copy(), start=start)
        unverified = partial.unverified()
        picker.withhold(unverified)
        self.partial, self.picker = partial, picker
        if unverified:
            self._rechecking = len(unverified)
            work = self._recheck(partial, picker, unverified)
            self._tasks.spawn(work, name=f"recheck-{self._job.id}")
        self._tasks.spawn(
            self._keep_checkpoints(partial, picker), name=f"checkpoint-{self._job.id}"
        )
        return None

    async def _recheck(self, partial: Partial, picker: Picker, indexes: list[int]) -> None:
        """Hash what an earlier run without an orderly end claims, while the rest is fetched."""
        for index in indexes:
            try:
                here = await self._tools.offload(partial.recheck, index)
            except PartialClosed:
                return
            except P2PError as error:
                self._owner.give_up(error)
                return
            self._rechecking -= 1
            picker.release(index, here=here)
            if here:
                self._tools.peers.verified(self._job.content, (index,))
            self._owner.wake()
        self._owner.look()

    # --- writing ----------------------------------------------------------------------------------

    def begin_write(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Start a task that verifies and writes a chunk; it runs to its end."""
        self._writes.spawn(work, name=name)

    async def accept(self, index: int, buffer: memoryview) -> bool:
        """Hash a chunk and write it; False when it is not that chunk.

        Raises `PartialClosed`, `NoSpace`, `P2PError`.
        """
        if self.partial is None:
            raise PartialClosed
        good = await self._tools.offload(self.partial.accept_chunk, index, buffer)
        self._written.set()
        return good

    async def copy(self, index: int, copy: CopyInto) -> bool | None:
        """Have a chunk copied from a file here; None when that has to be done by hand.

        Raises as `accept`, and what `copy` raises.
        """
        if self.partial is None:
            raise PartialClosed
        good = await self._tools.offload(self.partial.copy_chunk, index, copy)
        self._written.set()
        return good

    async def _keep_checkpoints(self, partial: Partial, picker: Picker) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECKPOINT_LOOK_S):
                    await self._written.wait()
            self._written.clear()
            pressed = self.at_risk.pressed and partial.unclaimed_bytes
            if not pressed and not partial.checkpoint_due:
                continue
            try:
                await self._tools.offload(partial.checkpoint)
            except PartialClosed:
                return
            except P2PError as error:
                self._count_again(partial, picker)
                if not isinstance(error, NoSpace):
                    self._owner.give_up(error)
                    return
                self._owner.wait_for_space(error)
            self.at_risk.look()

    def _unclaimed(self) -> int:
        return 0 if self.partial is None else self.partial.unclaimed_bytes

    def _count_again(self, partial: Partial, picker: Picker) -> None:
        """Chunks that a failed sync may have taken away are missing again."""
        for index in list(picker.have.present()):
            if not partial.chunkmap.has(index):
                picker.lose(index)
        self._owner.wake()
        self._owner.look()

    # --- ending -----------------------------------------------------------------------------------

    async def has_room(self, needed: int) -> bool:
        """Whether the disk has so many bytes free. Raises `P2PError`."""
        folder = self._job.folder
        try:
            return await self._tools.offload(self._tools.free_space, folder) >= needed
        except OSError as error:
            raise explain(error, folder, "write to") from error

    async def place(self, on_placed: Callable[[Path], Awaitable[None]]) -> Path:
        """Give the complete file its final name and remove the partial; the final path.

        Once begun it goes on to its end: a fetch that is stopped meanwhile is finished all the
        same. Raises `NoSpace` (chunks may be missing again), `P2PError`.
        """
        placing = spawn(self._place(on_placed), name=f"place-{self._job.id}")
        stopped = False
        while not placing.done():
            try:
                await asyncio.wait({placing})
            except asyncio.CancelledError:
                if stopped:
                    raise
                stopped = True
        outcome = placing.result()
        if isinstance(outcome, P2PError):
            if stopped:
                raise asyncio.CancelledError
            raise outcome
        task = asyncio.current_task()
        if stopped and task is not None:
            task.uncancel()
        return outcome

    async def _place(self, on_placed: Callable[[Path], Awaitable[None]]) -> Path | P2PError:
        partial, picker = self.partial, self.picker
        assert partial is not None
        assert picker is not None
        offload, mtime = self._tools.offload, self._job.mtime or self._tools.clock.wall()
        await self._writes.wait()
        try:
            path = await offload(partial.place, self._job.name, mtime)
            await on_placed(path)
        except P2PError as error:
            self._count_again(partial, picker)
            return error
        await offload(partial.discard)
        return path

    async def close(self) -> None:
        """Stop in an orderly way, to be taken up later."""
        if self._opening is not None:
            await asyncio.wait({self._opening})
        await self._tasks.cancel_all()
        await self._writes.wait()
        partial, self.partial = self.partial, None
        if partial is not None:
            try:
                await self._tools.offload(partial.close)
            except P2PError as error:
                log.warning("closing the partial of %s: %s", self._job.name, error)
