"""Events on their way to whoever follows them: a plain synchronous bus with bounded queues.

Publishing never waits and never fails: a follower that does not read loses its own events, is told
how many, and harms nobody else (ARCHITECTURE.md, how state travels). Reads no clock, knows no
event loop: a follower is woken by a callback that it gave.
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

DEFAULT_QUEUE = 1024


class Subscription(Generic[T]):
    """One follower's queue. `drain` empties it; `close` ends it."""

    __slots__ = ("_bus", "_dropped", "_items", "_maxlen", "_wake")

    def __init__(self, bus: "Bus[T]", maxlen: int, wake: Callable[[], None] | None) -> None:
        self._bus = bus
        self._maxlen = maxlen
        self._wake = wake
        self._items: deque[T] = deque()
        self._dropped = 0

    @property
    def pending(self) -> bool:
        """Whether `drain` has anything to give."""
        return bool(self._items) or self._dropped > 0

    def drain(self) -> tuple[list[T], int]:
        """Everything since the last call, in order, and how many items were lost before it.

        When something was lost, the follower takes a fresh snapshot: the items that come with a
        count above 0 all happened after the gap.
        """
        items, dropped = list(self._items), self._dropped
        self._items.clear()
        self._dropped = 0
        return items, dropped

    def close(self) -> None:
        """Stop following; may be called twice."""
        self._bus._forget(self)  # noqa: SLF001  (the two classes are one mechanism)

    def _offer(self, item: T) -> None:
        if len(self._items) >= self._maxlen:
            # A gap in the middle would be a story told wrong: drop all that was not read.
            self._dropped += len(self._items)
            self._items.clear()
        self._items.append(item)
        if self._wake is not None:
            self._wake()


class Bus(Generic[T]):
    """Hands each published item to every follower, in order."""

    __slots__ = ("_subscriptions",)

    def __init__(self) -> None:
        self._subscriptions: list[Subscription[T]] = []

    @property
    def followers(self) -> int:
        """How many subscriptions are open."""
        return len(self._subscriptions)

    def subscribe(
        self, maxlen: int = DEFAULT_QUEUE, wake: Callable[[], None] | None = None
    ) -> Subscription[T]:
        """A new queue of at most `maxlen` items; `wake` is called after each one put in.

        `wake` runs inside `publish`: it must neither block nor raise (`asyncio.Event.set` is fit).
        """
        if maxlen < 1:
            raise ValueError("a subscription holds at least one item")
        subscription: Subscription[T] = Subscription(self, maxlen, wake)
        self._subscriptions.append(subscription)
        return subscription

    def publish(self, item: T) -> None:
        """Put an item into every follower's queue."""
        for subscription in tuple(self._subscriptions):
            subscription._offer(item)  # noqa: SLF001  (the two classes are one mechanism)

    def _forget(self, subscription: Subscription[T]) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
