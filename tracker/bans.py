"""Who was put out of the swarm: an append-only ledger, and the signed list that follows from it.

PROTOCOL.md 1, *Kick*. The ledger lies beside the CA key, apart from the index: losing the index
brings nobody back. A kick is on disk before its list is sent out. The number of the list is the
number of facts in the ledger, so it only ever grows. Blocks; not safe for several threads at once
(the authority holds a lock).
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from p2ptui.base.ids import PeerId, WirePeerId
from p2ptui.net.identity import PRIVATE_KEY
from p2ptui.net.kicks import FOREVER, sign_kicks
from p2ptui.net.wire.messages import Kick, KickList
from tracker.ledger import Ledger

MAX_SENT = 2000
"""Kicks in the list that goes out, the newest; the tracker itself knows them all."""
MAX_SENT_BYTES = 200 * 1024
MAX_WHY = 256


class _Kicked(Struct, frozen=True, tag="kicked", tag_field="fact", forbid_unknown_fields=True):
    peer: WirePeerId
    why: str
    until: int


class _Lifted(Struct, frozen=True, tag="lifted", tag_field="fact", forbid_unknown_fields=True):
    peer: WirePeerId


_DECODER: msgspec.json.Decoder[_Kicked | _Lifted] = msgspec.json.Decoder(_Kicked | _Lifted)


class Bans:
    """The kicked members of a swarm. Times are seconds since 1970, given by the caller."""

    def __init__(self, path: Path) -> None:
        """Read the ledger. Raises a storage error when it is damaged: a kick is never skipped."""
        self._ledger = Ledger(path, _DECODER)
        self._kicks: dict[PeerId, Kick] = {}
        self._number = 0
        for record in self._ledger.read():
            self._note(record)

    @property
    def number(self) -> int:
        """Number of the list as it stands."""
        return self._number

    def kick(self, peer_id: PeerId, why: str, until: int) -> None:
        """Put a member out until a time, or for good (`FOREVER`)."""
        self._append(_Kicked(peer=peer_id, why=why[:MAX_WHY], until=until))

    def lift(self, peer_id: PeerId) -> bool:
        """Let a member come back; whether it was out."""
        if peer_id not in self._kicks:
            return False
        self._append(_Lifted(peer=peer_id))
        return True

    def is_kicked(self, peer_id: PeerId, now: float) -> bool:
        """Whether a member is out at this time."""
        return self.kick_of(peer_id, now) is not None

    def kick_of(self, peer_id: PeerId, now: float) -> Kick | None:
        """Why and until when a member is out; None: it is not at this time."""
        kick = self._kicks.get(peer_id)
        return kick if kick is not None and _holds(kick, now) else None

    def active(self, now: float) -> tuple[Kick, ...]:
        """All that hold at this time, the oldest first."""
        return tuple(kick for kick in self._kicks.values() if _holds(kick, now))

    def signed(self, key: PRIVATE_KEY, now: float) -> KickList:
        """The list that goes out to members, small enough for one frame."""
        kicks = self.active(now)[-MAX_SENT:]
        if len(msgspec.msgpack.encode(kicks)) > MAX_SENT_BYTES:
            # Who is out matters to everybody, why to people at the tracker's console.
            kicks = tuple(msgspec.structs.replace(kick, why="") for kick in kicks)
        return sign_kicks(key, self._number, kicks)

    def _append(self, record: _Kicked | _Lifted) -> None:
        self._ledger.append(record)
        self._note(record)

    def _note(self, record: _Kicked | _Lifted) -> None:
        self._number += 1
        # Out and in again: the order of the dictionary is the order of the latest kicks.
        self._kicks.pop(record.peer, None)
        if isinstance(record, _Kicked):
            self._kicks[record.peer] = Kick(peer=record.peer, until=record.until, why=record.why)


def _holds(kick: Kick, now: float) -> bool:
    return kick.until == FOREVER or now < kick.until
