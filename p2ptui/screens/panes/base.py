"""The base of the peer's panes: a pane holds a `NodeApi` and one table (see `table_pane`).

What needs other screens (why, owners, browse, copy) the screen does by `chosen` and `current`.
"""

from collections.abc import Hashable

from p2ptui.base.errors import ExitCode
from p2ptui.node.api import NodeApi
from p2ptui.screens.panes.table_pane import FilterBox, TablePane
from p2ptui.screens.targets import Target
from p2ptui.widgets.glyphs import UNICODE, Glyphs

__all__ = ["NO_TRACKER", "FilterBox", "PeerPane", "in_reach"]

NO_TRACKER = frozenset({ExitCode.UNREACHABLE, ExitCode.USAGE})
"""What asking the swarm ends with while there is none: the header tells it already."""


def in_reach(members: int) -> str:
    """Whose word an answer is while the tracker is away."""
    return f"{members} {'member' if members == 1 else 'members'} in reach, tracker away"


class PeerPane(TablePane):
    """A pane of the node's."""

    def __init__(self, api: NodeApi, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(glyphs)
        self.api = api

    @property
    def chosen(self) -> tuple[Target, ...]:
        """What an action is for: the marked rows, else the row under the cursor."""
        targets = (self.target_of(key) for key in self.table.chosen)
        return tuple(target for target in targets if target is not None)

    @property
    def current(self) -> Target | None:
        """The row under the cursor."""
        key = self.table.cursor_key
        return None if key is None else self.target_of(key)

    def target_of(self, key: Hashable) -> Target | None:  # noqa: ARG002  (subclasses know)
        """What a row stands for; None: nothing that an action could take."""
        return None
