"""Who we are, on disk: one key per home, and a membership for each swarm that was joined.

```
keys/ (0700)   peer.key   swarms/<pin>/   ca.pem  leaf.pem  swarm.json  kicks.bin      (all 0600)
```
`swarm.json` is written last and removed first: a folder without it is no membership. The key never
leaves the folder. Everything here blocks; callers on an event loop use a thread.
"""

import contextlib
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from p2ptui.base.addresses import format_address, parse_address
from p2ptui.base.errors import P2PError, not_found, security_stop, storage_error, usage_error
from p2ptui.base.ids import PeerId, Pin, is_key_digest
from p2ptui.base.links import DEFAULT_TRACKER_PORT
from p2ptui.base.private_files import (
    create_private,
    make_private_folder,
    read_private,
    replace_private,
    require_private,
)
from p2ptui.base.text import display
from p2ptui.net.identity import (
    PRIVATE_KEY,
    BadIdentity,
    check_issued,
    dump_certificate,
    dump_key,
    expiry_of,
    id_of_key,
    load_certificate,
    load_key,
    make_csr,
    new_key,
    peer_id_of_certificate,
    pin_of,
)
from p2ptui.net.kicks import KickBook
from p2ptui.net.tls import KeyFiles

log = logging.getLogger(__name__)
_KEY = "peer.key"
_SWARMS = "swarms"
_LEAF = "leaf.pem"
_CA = "ca.pem"
_ABOUT = "swarm.json"
_KICKS = "kicks.bin"
_SHORTEST_PIN = 4


class Membership(Struct, frozen=True):
    """One swarm that we belong to. `expires` is the end of our leaf, in seconds since 1970."""

    pin: Pin
    name: str
    hosts: tuple[tuple[str, int], ...]
    """Where its tracker was found, the best first."""
    ca: bytes
    leaf: bytes
    expires: float


class _About(Struct, frozen=True, forbid_unknown_fields=True):
    """What `swarm.json` holds."""

    name: str
    hosts: tuple[tuple[str, int], ...]


class Credentials:
    """The key of a home and its memberships."""

    def __init__(self, folder: Path, key: PRIVATE_KEY) -> None:
        self._folder = folder
        self._key = key
        self._peer_id = id_of_key(key.public_key())

    @classmethod
    def open(cls, folder: Path) -> "Credentials":
        """Read the key, or make it when there is none.

        Raises a security stop when others can read it, a storage error when it cannot be kept.
        """
        make_private_folder(folder)
        make_private_folder(folder / _SWARMS)
        path = folder / _KEY
        try:
            pem = read_private(path)
        except FileNotFoundError:
            # Of two processes that start at once one makes the key, and both read it.
            create_private(path, dump_key(new_key()))
            pem = read_private(path)
        try:
            return cls(folder, load_key(pem))
        except BadIdentity as error:
            raise storage_error(
                "The key cannot be read",
                f"{path}: {error}",
                "Restore it from a backup, or move it away to become a new peer.",
            ) from None

    @property
    def peer_id(self) -> PeerId:
        """Who we are, in every swarm."""
        return self._peer_id

    def csr(self) -> bytes:
        """A certificate request (DER) for our key."""
        return make_csr(self._key)

    def swarms(self) -> tuple[Membership, ...]:
        """All memberships, in the order of their names; a damaged one is logged and left out."""
        known = []
        for path in (self._folder / _SWARMS).iterdir():
            if not is_key_digest(path.name):
                continue
            try:
                membership = self.membership(Pin(path.name))
            except P2PError as error:
                # One swarm's trouble must not keep us out of the others.
                log.warning("membership left out: %s (%s)", error, error.hint)
                continue
            if membership is not None:
                known.append(membership)
        return tuple(sorted(known, key=lambda membership: (membership.name, membership.pin)))

    def membership(self, pin: Pin) -> Membership | None:
        """The membership of a swarm, or None. Raises a storage error when it is damaged."""
        folder = self._swarm(pin)
        try:
            about = msgspec.json.decode(read_private(folder / _ABOUT), type=_About)
        except FileNotFoundError:
            return None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _damaged(folder, error) from None
        try:
            require_private(folder)
            ca = load_certificate(read_private(folder / _CA))
            leaf = load_certificate(read_private(folder / _LEAF))
            membership = Membership(pin, about.name, about.hosts, ca, leaf, expiry_of(leaf))
            self._check(membership)
        except (BadIdentity, FileNotFoundError) as error:
            raise _damaged(folder, error) from None
        return membership

    def save(self, membership: Membership) -> None:
        """Keep a membership, in place of an older one of the same swarm.

        Raises a security stop when its certificates are not ours or not of that swarm.
        """
        try:
            self._check(membership)
        except BadIdentity as error:
            raise security_stop("Not a certificate for us", str(error)) from None
        folder = self._swarm(membership.pin)
        make_private_folder(folder)
        replace_private(folder / _CA, dump_certificate(membership.ca))
        replace_private(folder / _LEAF, dump_certificate(membership.leaf))
        about = _About(membership.name, membership.hosts)
        replace_private(folder / _ABOUT, msgspec.json.encode(about))

    def forget(self, pin: Pin) -> None:
        """Drop a membership with its certificates and its kick list; nothing when unknown."""
        folder = self._swarm(pin)
        try:
            (folder / _ABOUT).unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(folder)
        except OSError as error:
            raise storage_error("Cannot forget the swarm", f"{folder}: {error.strerror}") from None

    def find(self, text: str) -> Membership:
        """The membership that a user means by an address, a name, or a pin (or its beginning).

        Raises not found when none fits, a usage error when several do.
        """
        text = text.strip()
        if is_key_digest(text):
            # Named in full, a damaged one raises its own error rather than not found.
            whole = self.membership(Pin(text))
            if whole is not None:
                return whole
        swarms = self.swarms()
        for fits in (_by_pin, _by_name, _by_address, _by_start_of_pin):
            found = [membership for membership in swarms if fits(membership, text)]
            if len(found) == 1:
                return found[0]
            if found:
                raise usage_error("Several swarms fit", _told(found), "Name it by its fingerprint.")
        raise not_found("No such swarm", repr(text), f"Swarms known here: {_told(swarms)}.")

    def resolve(self, text: str) -> Pin:
        """The pin that a user means, as `find` does it, but for a damaged membership as well.

        For *forget*, which must be able to remove what cannot be read any more.
        """
        pin = text.strip().lower()
        if is_key_digest(pin) and self._swarm(Pin(pin)).exists():
            return Pin(pin)
        return self.find(text).pin

    def at_address(self, host: str, port: int) -> Membership | None:
        """The membership whose tracker was met at this address, if any."""
        wanted = (host.lower(), port)
        for membership in self.swarms():
            if wanted in {(known.lower(), at) for known, at in membership.hosts}:
                return membership
        return None

    def key_files(self, pin: Pin) -> KeyFiles:
        """Where the TLS contexts of a swarm find our leaf and key."""
        return KeyFiles(leaf=self._swarm(pin) / _LEAF, key=self._folder / _KEY)

    def kick_book(self, membership: Membership) -> KickBook:
        """The kick list of a swarm as it was saved."""
        return KickBook.open(membership.ca, self._swarm(membership.pin) / _KICKS)

    def _swarm(self, pin: Pin) -> Path:
        if not is_key_digest(pin):
            raise ValueError(f"not a pin: {pin!r}")
        return self._folder / _SWARMS / pin

    def _check(self, membership: Membership) -> None:
        if pin_of(membership.ca) != membership.pin:
            raise BadIdentity("wrong_issuer", "the swarm's certificate has another fingerprint")
        check_issued(membership.leaf, membership.ca)
        if peer_id_of_certificate(membership.leaf) != self._peer_id:
            raise BadIdentity("wrong_name", "the certificate is for another key than ours")


def _told(swarms: Iterable[Membership]) -> str:
    # The name is the tracker's text.
    names = (f"{display(each.name) or '(no name)'} ({each.pin})" for each in swarms)
    return ", ".join(names) or "none"


def _by_pin(membership: Membership, text: str) -> bool:
    return membership.pin == text.lower()


def _by_name(membership: Membership, text: str) -> bool:
    return bool(text) and membership.name == text


def _by_address(membership: Membership, text: str) -> bool:
    try:
        host, port = parse_address(text, DEFAULT_TRACKER_PORT)
    except P2PError:
        return False
    known = {format_address(at, of).lower() for at, of in membership.hosts}
    return format_address(host, port).lower() in known


def _by_start_of_pin(membership: Membership, text: str) -> bool:
    return len(text) >= _SHORTEST_PIN and membership.pin.startswith(text.lower())


def _damaged(folder: Path, error: Exception) -> P2PError:
    return storage_error(
        "A membership cannot be read",
        f"{folder}: {error}",
        f"p2ptui forget {folder.name}, then join the swarm again.",
    )
