"""Fair queue: who is next, so that each flow gets the same number of bytes in the long run. Pure.

Start-time fair queueing (Goyal, Vin, Cheng 1996): each amount gets a start tag, the larger one of
the queue's virtual time and of where its flow's last amount ended; the smallest tag is next. A flow
of small amounts has several of them pass for one large amount of another flow, and a flow that was
quiet has saved up nothing.
"""

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
_PRUNE_AT = 256
"""Flows that are remembered before those that count no more are dropped."""


class FairQueue(Generic[ItemT]):
    """Items that wait, each of a flow and with an amount."""

    def __init__(self) -> None:
        self._virtual = 0.0
        self._ends: dict[Hashable, float] = {}
        self._waiting: list[tuple[float, int, ItemT]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, flow: Hashable, amount: float, item: ItemT) -> None:
        """An item waits."""
        self._count += 1
        heapq.heappush(self._waiting, (self._tag(flow, amount), self._count, item))

    def pop(self) -> ItemT:
        """The next item. Raises `IndexError` when none waits."""
        tag, _number, item = heapq.heappop(self._waiting)
        self._virtual = max(self._virtual, tag)
        return item

    def pass_by(self, flow: Hashable, amount: float) -> None:
        """An amount of a flow passed without having to wait: what was before counts no more."""
        self._ends = {flow: self._virtual + amount}

    def _tag(self, flow: Hashable, amount: float) -> float:
        tag = max(self._virtual, self._ends.get(flow, 0.0))
        if len(self._ends) >= _PRUNE_AT:
            self._ends = {f: end for f, end in self._ends.items() if end > self._virtual}
        self._ends[flow] = tag + amount
        return tag
