"""The life of an engine in this process: its lock, its control endpoint, its signals, its end."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from p2ptui import __version__
from p2ptui.base.errors import P2PError
from p2ptui.headless import Sentence, follow
from p2ptui.net.control import ControlServer
from p2ptui.net.tasks import spawn

CLOSE_S = 1.5
"""An engine that takes longer to close is left to the end of the process (F98: 2 s)."""
LAST_EVENTS_S = 0.5
STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
T = TypeVar("T")
log = logging.getLogger(__name__)


class Engine(Protocol):
    """What a node and a tracker have in common."""

    async def start(self) -> None:
        """Begin; returns once it serves."""
        ...

    async def wait_stopped(self) -> None:
        """Return once somebody asked it to stop."""
        ...

    async def close(self) -> None:
        """End everything; its feeds end."""
        ...

    def front_ends_changed(self, count: int) -> None:
        """Hear how many front-ends follow its feed."""
        ...


class Place(Protocol):
    """The part of a home that an engine needs before it is opened."""

    @property
    def lock(self) -> Path:
        """Lock file."""
        ...

    @property
    def control(self) -> Path:
        """Control endpoint."""
        ...


class Interrupted(Exception):  # noqa: N818  (a wish of the user, not an error)
    """A signal asked the process to end."""


@asynccontextmanager
async def served(place: Place, engine: Engine, protocol: type) -> AsyncIterator[ControlServer]:
    """A started engine and its control endpoint; both are closed at the end of the block."""
    control = ControlServer(
        place.control,
        engine,
        protocol,
        software=__version__,
        on_front_ends=engine.front_ends_changed,
    )
    try:
        await engine.start()
        await control.start()
        yield control
    finally:
        await close_engine(engine)
        await control.close()


async def close_engine(engine: Engine) -> None:
    """Close an engine in bounded time; one that fails to is left to the end of the process."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await engine.close()
    except TimeoutError:
        log.warning("not closed after %s s: left to the end of the process", CLOSE_S)
    except P2PError as error:
        log.warning("closing: %s", error)


@asynccontextmanager
async def told(
    feed: AsyncIterator[Any], write: Callable[[str], None], sentence: Sentence | None
) -> AsyncIterator[None]:
    """Write an engine's events as lines while the block runs; those of its end too.

    Entered before the engine starts, so that its first event is told.
    """
    telling = spawn(_tell(feed, write, sentence), name="headless events")
    await asyncio.sleep(0)  # the feed is subscribed once the task has begun
    try:
        yield
    finally:
        await asyncio.wait({telling}, timeout=LAST_EVENTS_S)
        telling.cancel()
        await asyncio.wait({telling})


async def _tell(
    feed: AsyncIterator[Any], write: Callable[[str], None], sentence: Sentence | None
) -> None:
    try:
        await follow(feed, write, sentence)
    except OSError as error:
        # Nobody reads any more (a closed terminal, a full disk): the engine's work goes on.
        log.warning("events are no longer written: %s", error)


async def interruptible(work: Coroutine[Any, Any, T], names: Iterable[str] = STOP_SIGNALS) -> T:
    """The outcome of something that a signal ends. Raises `Interrupted` then."""
    task = asyncio.current_task()
    assert task is not None
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        task.cancel()

    with on_signals(interrupt, names):
        try:
            return await work
        except asyncio.CancelledError:
            if not interrupted:
                raise
            task.uncancel()
            raise Interrupted from None


_listeners: dict[int, list[Callable[[], None]]] = {}
"""Who hears of a signal: the innermost block. Global, as a process has one set of handlers."""


@contextlib.contextmanager
def on_signals(callback: Callable[[], None], names: Iterable[str] = STOP_SIGNALS) -> Iterator[None]:
    """Call back at signals while the block runs; an inner block hears them in place of an outer."""
    loop = asyncio.get_running_loop()
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        _listeners.setdefault(number, []).append(callback)
        _listen(loop, number, callback)
    try:
        yield
    finally:
        for number in numbers:
            outer = _listeners[number]
            outer.remove(callback)
            if outer:
                _listen(loop, number, outer[-1])
                continue
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, before[number] or signal.SIG_DFL)


def _listen(loop: asyncio.AbstractEventLoop, number: int, callback: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(number, callback)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(callback))
