"""Leaving a screen: keep its engine running, stop it, or stay (ARCHITECTURE.md)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from p2ptui.base.errors import P2PError
from p2ptui.screens.dialogs import KEEP, STOP
from p2ptui.widgets.dialog import Question

if TYPE_CHECKING:
    from p2ptui.screens.console import ConsoleScreen
    from p2ptui.screens.session import Attached


class Leaving:
    """The ways out of one screen."""

    def __init__(
        self,
        screen: "ConsoleScreen",
        attached: "Attached[Any]",
        question: Callable[[Any], Question | None],
        goodbye: str,
    ) -> None:
        """`question`: what is asked in a state of the engine, None: nothing.

        `goodbye`: what is told on the terminal that the screen leaves, when the engine goes on.
        """
        self._screen = screen
        self._attached = attached
        self._question = question
        self._goodbye = goodbye

    async def ask(self) -> None:
        """Leave. Asks when something still runs and nobody else is attached.

        With nothing under way, an engine that this program started ends with it; one that was
        running before goes on.
        """
        try:
            status = await self._attached.api.status()
        except P2PError:  # it is gone already
            self._screen.app.exit(0)
            return
        alone = status.front_ends <= 1
        question = self._question(status) if alone else None
        if question is not None:
            answer = await self._screen.app.push_screen_wait(question)
            if answer == STOP:
                await self.stop()
            elif answer == KEEP:
                self.detach()
        elif alone and self._attached.started:
            await self.stop()
        else:
            self.detach()

    async def stop(self) -> None:
        """Stop the engine and leave, whoever else is attached."""
        self._screen.expects_end = True
        try:
            await self._attached.api.stop()
            await self._attached.ended()
        finally:
            self._screen.app.exit(0)

    def detach(self) -> None:
        """Leave; the engine goes on."""
        self._screen.app.exit(0, message=self._goodbye)
