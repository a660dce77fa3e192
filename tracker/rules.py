"""The rules of the house: what holds for members now. The admin may change them at any time.

They begin as the settings say. What a single member's standing says comes before them.
"""

from p2ptui.base.ids import PeerId
from p2ptui.base.settings import TrackerSettings
from tracker.standings import Standings


class Rules:
    """Read at every use, so that a change is felt at once."""

    def __init__(self, settings: TrackerSettings, standings: Standings) -> None:
        self._standings = standings
        self.open = settings.open
        """Whether private addresses may join without an invite."""
        self.motd = settings.motd
        """Message of the day."""
        self.entries = settings.max_entries
        """Most files that a member may announce."""
        self.searches_s = settings.search_rate
        """Searches a second of one member."""
        self.connections = settings.max_connections
        """Connections of one address."""
        self.draining = False
        """Whether nobody new is let in, before an upgrade."""

    def max_entries(self, peer: PeerId) -> int:
        """Most files that this member may announce."""
        own = self._standings.of(peer).max_entries
        return self.entries if own is None else own

    def search_rate(self, peer: PeerId) -> float:
        """Searches a second that this member may make."""
        own = self._standings.of(peer).searches_s
        return self.searches_s if own is None else own

    def max_connections(self, peer: PeerId) -> int:
        """Connections that this member's address may hold."""
        own = self._standings.of(peer).connections
        return self.connections if own is None else own
