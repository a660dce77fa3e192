"""PeerApp: the full-screen peer."""

from p2ptui.node.api import NodeApi
from p2ptui.screens.engine_app import EngineApp
from p2ptui.screens.peer import PeerScreen
from p2ptui.screens.session import Attached, Language, Looks


class PeerApp(EngineApp[NodeApi]):
    """Shows a node."""

    WHAT = "node"
    COMFORT = "Downloads go on where they were once it is started again."

    def make_screen(
        self, attached: Attached[NodeApi], language: Language[NodeApi], looks: Looks
    ) -> PeerScreen:
        """The panes of the node."""
        return PeerScreen(attached, language, looks)
