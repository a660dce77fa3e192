"""Opening a tracker: from a home and its settings to a server that can be started."""

from p2ptui.base.clock import Clock
from p2ptui.base.paths import TrackerHome
from p2ptui.base.settings import Settings
from tracker.reload import read_again
from tracker.server import TrackerServer


def open_tracker(
    home: TrackerHome, settings: Settings, clock: Clock, *, new_swarm: bool = False
) -> TrackerServer:
    """A tracker that is not started yet. `new_swarm` as in `TrackerServer`."""
    return TrackerServer(
        home,
        settings.tracker,
        clock,
        read_settings=lambda: read_again(home.settings, settings),
        new_swarm=new_swarm,
    )
