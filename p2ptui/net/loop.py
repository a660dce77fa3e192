"""Loop: the event loop that engines run on, and the threads that blocking work goes to."""

import asyncio
import importlib
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, Protocol, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run an engine to its end: on uvloop where it exists (TLS is three times as fast there)."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def raise_descriptor_limit(wanted: int = 65536) -> int:
    """Raise the soft limit of open files as far as `wanted` and the hard limit let; the new one.

    Plan for 80 % of it (PROTOCOL.md 7). Where the system has no such limit: `wanted`.
    """
    try:
        resource = importlib.import_module("resource")
    except ImportError:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinity: int = resource.RLIM_INFINITY
    if soft == infinity:
        return wanted
    target = wanted if hard == infinity else min(wanted, hard)
    if soft < target:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        except (ValueError, OSError):  # macOS refuses more than kern.maxfilesperproc
            return int(soft)
        return int(target)
    return int(soft)


class Offload(Protocol):
    """Runs blocking work off the loop; a cancelled call goes on in its thread, unheard."""

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `function(*args)`; its exception is raised here."""
        ...


class Threads:
    """An `Offload` to a few threads of its own."""

    def __init__(self, max_workers: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers, thread_name_prefix=name)

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `function(*args)`, computed in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Take no more work, drop what has not begun, and wait for what has."""
        self._executor.shutdown(wait=True, cancel_futures=True)


class Inline:
    """An `Offload` that computes at once, on the loop: for tests."""

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `function(*args)`."""
        return function(*args, **kwargs)
