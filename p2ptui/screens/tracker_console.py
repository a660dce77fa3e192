"""TrackerConsole: the full-screen tracker."""

from p2ptui.screens.engine_app import EngineApp
from p2ptui.screens.session import Attached, Language, Looks
from p2ptui.screens.tracker import TrackerScreen
from p2ptui.screens.tracker_header import BRAND
from tracker.api import TrackerApi


class TrackerConsole(EngineApp[TrackerApi]):
    """Shows a tracker."""

    TITLE = BRAND
    WHAT = "tracker"
    COMFORT = "Peers come back by themselves once it is started again."

    def make_screen(
        self, attached: Attached[TrackerApi], language: Language[TrackerApi], looks: Looks
    ) -> TrackerScreen:
        """The panes of the tracker."""
        return TrackerScreen(attached, language, looks)
