"""What is known of a member, or of whoever is at an address, beyond its sessions. Pure."""

import asyncio
from dataclasses import dataclass, field

from p2ptui.base.errors import P2PError


@dataclass(slots=True)
class PeerRecord:
    """What is known of a member, or of whoever is at an address, beyond its sessions."""

    wrong_chunks: int = 0
    barred_until: float = 0.0
    dialling: asyncio.Lock = field(default_factory=asyncio.Lock)
    failure: P2PError | None = None
    """How the last dial failed, for those who wanted the same at that time."""
    tries: int = 0
    """Dials that have ended."""

    def is_plain(self, now: float) -> bool:
        """Whether nothing is lost with it."""
        return not (self.wrong_chunks or self.barred_until > now or self.dialling.locked())
