"""KeyQueue: typed keys reach the widgets one at a time, each when the one before has been obeyed.

Textual hands a key to the widget that has the focus when the key arrives. Of `/` and `c` that come
in one packet, as over a slow link, the `c` would be a command of the table that `/` just left.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from textual import events
from textual.app import App, ReturnType
from textual.message_pump import MessagePump
from textual.worker import Worker

from p2ptui.widgets.theme import ThemedApp

ROUNDS = 2
"""Ways from the focused widget up to the app: of the key, and of the message that it led to."""
TURNS = 3
"""Turns of the loop in which a worker that a key started moves the focus."""
PATIENCE_S = 0.25
"""After so long the next key does not wait any more: whoever had the last one may be gone."""
ROWS_S = 1.0
"""For so long keys wait for rows that a key has asked for, as those of a folder that it opened."""
LOOK_S = 0.02
"""How often it is seen whether these rows are there."""


class KeyQueue:
    """The keys of one app."""

    def __init__(self, app: App[Any], forward: Callable[[events.Key], Awaitable[None]]) -> None:
        """`forward` hands a key to whoever has the focus."""
        self._app = app
        self._forward = forward
        self._keys: deque[events.Key] = deque()
        self._number = 0
        """Of the key that is being obeyed."""
        self._since: float | None = None
        """When that was, by the loop's clock; None: no key is being obeyed."""
        self._awaited: list[Worker[Any]] = []
        """What brings rows that the last key asked for."""

    @property
    def busy(self) -> bool:
        """Whether a key is being obeyed, or waits for that."""
        return self._since is not None

    async def put(self, key: events.Key) -> None:
        """Forward a key, now or when it is its turn. Esc waits for no rows."""
        self._keys.append(key)
        if key.key == "escape":
            self._awaited.clear()
        now = asyncio.get_running_loop().time()
        if self._since is None or now - self._since > (ROWS_S if self._waits else PATIENCE_S):
            await self._next()

    def wait_for(self, rows: Worker[Any]) -> None:
        """Have the keys that come next wait for rows, when a key has asked for them."""
        if self.busy:
            self._awaited.append(rows)

    @property
    def _waits(self) -> bool:
        self._awaited = [rows for rows in self._awaited if not rows.is_finished]
        return bool(self._awaited)

    async def _next(self) -> None:
        if not self._keys:
            self._since = None
            return
        self._since = asyncio.get_running_loop().time()
        self._number += 1
        self._awaited.clear()
        way: list[MessagePump] = [*(self._app.focused or self._app.screen).ancestors_with_self]
        await self._forward(self._keys.popleft())
        self._follow(self._number, way * ROUNDS)

    def _follow(self, number: int, way: list[MessagePump]) -> None:
        """Go the way of a key behind it, queue by queue."""
        while way:
            pump = way.pop(0)
            if pump.is_attached and pump.call_later(self._follow, number, way):
                return
        self._app.call_later(self._settle, number)

    async def _settle(self, number: int) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self._app.call_later(self._obeyed, number)

    async def _obeyed(self, number: int) -> None:
        if number != self._number:
            return
        now = asyncio.get_running_loop().time()
        if self._since is not None and self._waits and now - self._since < ROWS_S:
            self._app.set_timer(LOOK_S, partial(self._obeyed, number))
        else:
            await self._next()


class TypedApp(ThemedApp[ReturnType]):
    """An app that obeys keys in the order in which they were typed, however fast."""

    def __init__(self) -> None:
        super().__init__()
        self.typed = KeyQueue(self, super().on_event)

    async def on_event(self, event: events.Event) -> None:
        """Queue keys that come from the terminal; those that bubble up again go on."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self.typed.put(event)
        else:
            await super().on_event(event)
