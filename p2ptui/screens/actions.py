"""What the keys do that no pane does by itself: coroutines `do_<key id>` of one screen.

Each runs in a worker of the screen; a `P2PError` becomes a notice.
"""

from typing import TYPE_CHECKING

from p2ptui.node.api import Direction, NodeApi
from p2ptui.screens.notices import tell
from p2ptui.screens.targets import Target

if TYPE_CHECKING:
    from p2ptui.screens.peer import PeerScreen

STEPS_BPS = (
    50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000,
    50_000_000, 100_000_000,
)  # fmt: skip
"""Rates that the limit keys go through; above the last there is no limit."""


class ScreenActions:
    """The actions of a screen."""

    def __init__(self, screen: "PeerScreen") -> None:
        self._screen = screen

    @property
    def _api(self) -> NodeApi:
        return self._screen.api

    @property
    def _current(self) -> Target | None:
        pane = self._screen.focused_pane
        return None if pane is None else pane.current
