"""Leaving the peer's screen: keep the node running, stop it, or stay (ARCHITECTURE.md)."""

from typing import TYPE_CHECKING

from p2ptui.base.errors import P2PError
from p2ptui.node.api import NodeStatus
from p2ptui.screens.dialogs import KEEP, STOP, leave_question

if TYPE_CHECKING:
    from p2ptui.screens.peer import PeerScreen
    from p2ptui.screens.session import Attached


class Leaving:
    """The ways out of one screen."""

    def __init__(self, screen: "PeerScreen", attached: "Attached") -> None:
        self._screen = screen
        self._attached = attached

    async def ask(self) -> None:
        """Leave. Asks when something still runs and nobody else is attached.

        With nothing under way, a node that this program started ends with it; one that was running
        before goes on.
        """
        try:
            status = await self._attached.api.status()
        except P2PError:  # it is gone already
            self._screen.app.exit(0)
            return
        alone = status.front_ends <= 1
        if alone and is_busy(status):
            answer = await self._screen.app.push_screen_wait(leave_question(status))
            if answer == STOP:
                await self.stop()
            elif answer == KEEP:
                self.detach()
        elif alone and self._attached.started:
            await self.stop()
        else:
            self.detach()

    async def stop(self) -> None:
        """Stop the node and leave, whoever else is attached."""
        self._screen.expects_end = True
        try:
            await self._attached.api.stop()
            await self._attached.ended()
        finally:
            self._screen.app.exit(0)

    def detach(self) -> None:
        """Leave; the node goes on."""
        self._screen.app.exit(0, message="The node goes on running; `p2ptui stop` ends it.")


def is_busy(status: NodeStatus) -> bool:
    """Whether something is under way that ends when the node does."""
    return bool(status.active or status.uploads or status.hashing)
