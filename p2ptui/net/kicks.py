"""The kick list: who is put out of the swarm, numbered and signed by its CA (PROTOCOL.md 1).

The list travels from the tracker and from peer to peer: whoever passes it on proves nothing by that
and need not, for the signature does. Only a list with a higher number replaces the one we have, so
that nobody can bring back an old one. Files block: see each method.
"""

import logging
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from p2ptui.base.ids import PeerId
from p2ptui.base.private_files import read_private, replace_private
from p2ptui.net.identity import PRIVATE_KEY, PUBLIC_KEY, BadIdentity, key_of_certificate
from p2ptui.net.wire.messages import Kick, KickList

log = logging.getLogger(__name__)
EMPTY = KickList(number=0, kicks=(), signature=b"")
FOREVER = 0
"""`until` of a kick that does not end."""


def signed_bytes(number: int, kicks: tuple[Kick, ...]) -> bytes:
    """What the signature covers: `u64be(number) ‖ msgpack(kicks)`.

    It begins with a zero byte and a certificate with 0x30: the CA's signature under one can never
    be taken for one under the other.
    """
    return number.to_bytes(8, "big") + msgspec.msgpack.encode(kicks)


def sign_kicks(key: PRIVATE_KEY, number: int, kicks: tuple[Kick, ...]) -> KickList:
    """The list as the authority sends it out."""
    signature = key.sign(signed_bytes(number, kicks), ec.ECDSA(hashes.SHA256()))
    return KickList(number=number, kicks=kicks, signature=signature)


def verify_kicks(key: PUBLIC_KEY, kick_list: KickList) -> bool:
    """Whether the CA signed this list."""
    try:
        key.verify(
            kick_list.signature,
            signed_bytes(kick_list.number, kick_list.kicks),
            ec.ECDSA(hashes.SHA256()),
        )
    except InvalidSignature:
        return False
    return True


class KickBook:
    """The newest kick list that one swarm's CA signed, kept in a file beside the membership."""

    def __init__(self, ca_der: bytes, path: Path | None = None) -> None:
        """An empty book; `path` None keeps it in memory. Raises `BadIdentity`."""
        self._key = key_of_certificate(ca_der)
        self._path = path
        self._saved = 0
        self._list = EMPTY
        self._until: dict[PeerId, int] = {}

    @classmethod
    def open(cls, ca_der: bytes, path: Path) -> "KickBook":
        """The book as it was saved; a file that the CA did not sign is ignored (blocks).

        Raises a `P2PError` when others can write the file.
        """
        book = cls(ca_der, path)
        try:
            saved = msgspec.msgpack.decode(read_private(path), type=KickList)
            book.take(saved)
        except FileNotFoundError:
            return book
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, BadIdentity) as error:
            # The tracker and every peer have it, and send it on connecting.
            log.warning("kick list %s ignored: %s", path, error)
            return book
        book._saved = saved.number
        return book

    @property
    def number(self) -> int:
        """Number of the list that we have; 0: none."""
        return self._list.number

    @property
    def newest(self) -> KickList:
        """The list to pass on to peers that have a lower number."""
        return self._list

    def take(self, kick_list: KickList) -> bool:
        """Replace our list by a newer one that the CA signed; whether it was taken.

        Raises `BadIdentity` when the signature is wrong and the number would be newer: whoever sent
        it violates the protocol. Older ones are ignored without computing anything.
        """
        if kick_list.number <= self._list.number:
            return False
        if not verify_kicks(self._key, kick_list):
            raise BadIdentity("bad_signature", "the kick list is not signed by the swarm's key")
        self._list = kick_list
        self._until = {kick.peer: kick.until for kick in kick_list.kicks}
        return True

    def is_kicked(self, peer_id: PeerId, now: float) -> bool:
        """Whether a member is put out at this time (seconds since 1970)."""
        until = self._until.get(peer_id)
        return until is not None and (until == FOREVER or now < until)

    def save(self) -> None:
        """Write the list down if it is not yet (blocks). Raises a storage `P2PError`."""
        newest = self._list
        if self._path is None or newest.number == self._saved:
            return
        replace_private(self._path, msgspec.msgpack.encode(newest))
        self._saved = newest.number
