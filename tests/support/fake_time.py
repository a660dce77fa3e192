"""Time for tests: an event loop whose time jumps to the next timer when nothing else is to do.

Threads are real: while work runs in an executor the loop waits for it. For other threads (those of
a database driver) wrap what waits for them in `loop.real_time()`: no jump happens inside.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

T = TypeVar("T")
P = ParamSpec("P")
Ts = TypeVarTuple("Ts")

WALL_AT_START = 1_800_000_000.0
_STUCK_S = 20.0
"""Real seconds without any event and any timer after which a test is taken for stuck."""


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for sockets only as long as there is nothing else to do."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: VirtualTimeLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        loop = self.loop
        assert loop is not None
        if timeout is None or loop.owed > 0:
            ready = super().select(_STUCK_S)
            if not ready:
                raise RuntimeError("nothing will ever happen in this loop")
            return ready
        loop.jump(timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time, which starts at 1000 s."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        self._virtual_now = 1000.0
        self.owed = 0
        """Results that threads owe: no jump meanwhile."""
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        return self._virtual_now

    def jump(self, seconds: float) -> None:
        """Let that much time pass at once."""
        self._virtual_now += seconds

    @contextmanager
    def real_time(self) -> Iterator[None]:
        """No jumps inside: somebody waits for a thread that the loop does not know."""
        self.owed += 1
        try:
            yield
        finally:
            self.owed -= 1

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self.owed += 1
        future.add_done_callback(self._paid)
        return future

    def _paid(self, _future: asyncio.Future[Any]) -> None:
        self.owed -= 1


class FakeClock:
    """A clock that a test moves; inside a `VirtualTimeLoop` it goes with the loop as well."""

    def __init__(self, wall: float = WALL_AT_START) -> None:
        self._advanced = 0.0
        self._wall = wall
        self._loop_started: float | None = None

    def monotonic(self) -> float:
        """Seconds; grows with `advance` and with the virtual loop."""
        return 1000.0 + self._passed()

    def wall(self) -> float:
        """Seconds since 1970."""
        return self._wall + self._passed()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._advanced += seconds

    def set_wall(self, wall: float) -> None:
        """Let the wall clock jump (F110); monotonic time is not touched."""
        self._wall = wall - self._passed()

    def _passed(self) -> float:
        return self._advanced + self._loop_passed()

    def _loop_passed(self) -> float:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return 0.0
        if not isinstance(loop, VirtualTimeLoop):
            return 0.0
        if self._loop_started is None:
            self._loop_started = loop.time()
        return loop.time() - self._loop_started


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def virtual_time(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Make an async test one that runs on virtual time; fixtures must not hold a loop."""

    @functools.wraps(test)
    def run_test(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_virtual(test(*args, **kwargs))

    return run_test
