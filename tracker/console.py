"""What a tracker answers to its consoles, put together of its desks; and what operators may do."""

from p2ptui.base.settings import TrackerSettings
from tracker.acts import Acts
from tracker.door_desk import DoorDesk
from tracker.lookout import Lookout
from tracker.member_desk import MemberDesk
from tracker.operating import Operating
from tracker.parts import Parts
from tracker.reload import Read
from tracker.upkeep import Upkeep


class Console:
    """The desks of a running tracker."""

    def __init__(self, parts: Parts, settings: TrackerSettings, read: Read) -> None:
        """`settings`: those of the start; `read` reads them anew."""
        acts = Acts(parts)
        self.parts = parts
        self.lookout = Lookout(parts)
        self.members = MemberDesk(parts, self.lookout, acts)
        self.door = DoorDesk(parts, acts)
        self.upkeep = Upkeep(parts, acts, settings, read)
        self.operating = Operating(parts, self.members, self.door)
