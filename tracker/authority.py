"""The swarm's certificate authority: its key, the certificates it issues, whom it knows and kicked.

```
authority/ (0700)   ca.key ca.pem  tracker.key tracker.pem  kicks.log invites.log members.log
                    standings.log networks.log (kept by others: roles and limits, banned networks)
```
All of it lies apart from the index: losing the index loses no member and pardons nobody. A missing
CA key with members known is an error, never a silent new swarm (PROTOCOL.md 1).
Methods that write wait for the disk: call them from a thread. They may come from several at once.
"""

import logging
import threading
from pathlib import Path

import msgspec
from msgspec import Struct

from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError, security_stop, storage_error
from p2ptui.base.ids import PeerId, Pin, WirePeerId
from p2ptui.base.private_files import (
    create_private,
    make_private_folder,
    read_private,
    replace_private,
)
from p2ptui.net.identity import (
    PRIVATE_KEY,
    BadIdentity,
    certificate_hash,
    check_issued,
    dump_certificate,
    dump_key,
    expiry_of,
    id_of_key,
    key_of_csr,
    load_certificate,
    load_key,
    new_key,
    pin_of,
    tracker_id_of_certificate,
)
from p2ptui.net.kicks import FOREVER
from p2ptui.net.tls import KeyFiles
from p2ptui.net.wire.messages import Kick, KickList
from tracker.api_values import InviteRow
from tracker.bans import Bans
from tracker.certificates import DAY_S, make_ca, make_peer_leaf, make_tracker_leaf
from tracker.invites import Invitation, Invites, ProofOutcome
from tracker.ledger import Ledger
from tracker.standings import STANDINGS

log = logging.getLogger(__name__)
_CA_KEY, _CA = "ca.key", "ca.pem"
_KEY, _LEAF = "tracker.key", "tracker.pem"
_KICKS, _INVITES, _MEMBERS = "kicks.log", "invites.log", "members.log"
_CA_LEFT_S = 365 * DAY_S
"""A CA certificate with less left is made again from the same key: the swarm stays the same."""
_LEAF_LEFT_S = 10 * DAY_S
"""The tracker's own leaf is renewed with less left."""


class _Member(Struct, frozen=True, forbid_unknown_fields=True):
    """A key that was issued a certificate. `joined` in seconds since 1970."""

    peer: WirePeerId
    joined: float


class Authority:
    """The CA of one swarm."""

    def __init__(self, folder: Path, name: str, clock: Clock, key: PRIVATE_KEY) -> None:
        """Use `open`."""
        self.name = name
        """Name of the swarm, as the tracker tells it."""
        self._folder = folder
        self._clock = clock
        self._key = key
        self._lock = threading.Lock()
        self._pin = Pin(id_of_key(key.public_key()))
        self._ca = self._read_or_make_ca()
        self._leaf = self._former_leaf = b""
        self.renew_leaf()
        self._bans = Bans(folder / _KICKS)
        self._invites = Invites(folder / _INVITES, clock.wall())
        decoder: msgspec.json.Decoder[_Member] = msgspec.json.Decoder(_Member)
        self._ledger = Ledger(folder / _MEMBERS, decoder)
        self._members = {member.peer: member.joined for member in self._ledger.read()}

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        name: str,
        clock: Clock,
        new_swarm: bool = False,
        members_known: bool = False,
    ) -> "Authority":
        """Read the authority of a folder, or found a swarm when there is none (blocks).

        `members_known`: the index knows members. Raises a security stop when the key is gone while
        members are known, unless `new_swarm` is set; then the old lists are put aside.
        """
        make_private_folder(folder)
        path = folder / _CA_KEY
        try:
            pem = read_private(path)
        except FileNotFoundError:
            _refuse_silent_new_swarm(folder, new_swarm=new_swarm, members_known=members_known)
            _put_aside(folder, clock.wall())
            create_private(path, dump_key(new_key()))
            pem = read_private(path)
        return cls(folder, name, clock, _parse_key(path, pem))

    # --- what it is ------------------------------------------------------------------------------

    @property
    def pin(self) -> Pin:
        """The swarm's fingerprint."""
        return self._pin

    @property
    def ca_der(self) -> bytes:
        """The CA's certificate."""
        return self._ca

    @property
    def leaf_der(self) -> bytes:
        """The tracker's own certificate."""
        return self._leaf

    @property
    def leaf_hashes(self) -> tuple[bytes, ...]:
        """What binds a join proof to this tracker: its leaf, or the one until the last renewal.

        A stranger may have met the former, in a handshake just before the renewal.
        """
        return tuple(certificate_hash(leaf) for leaf in (self._leaf, self._former_leaf) if leaf)

    @property
    def tracker_id(self) -> PeerId:
        """Digest of the tracker's own key."""
        return tracker_id_of_certificate(self._leaf)

    @property
    def key_files(self) -> KeyFiles:
        """Where TLS contexts find the tracker's leaf and key."""
        return KeyFiles(leaf=self._folder / _LEAF, key=self._folder / _KEY)

    def renew_leaf(self) -> bool:
        """Renew the tracker's own leaf when it is due; whether it was (then `tls.load_leaf` it).

        Call it once in a while (an hour): a tracker may run for years.
        """
        with self._lock:
            leaf = self._saved_leaf()
            if leaf is None:
                key = self._read_or_make_key()
                leaf = make_tracker_leaf(self._key, self._ca, key.public_key(), self._clock.wall())
                replace_private(self._folder / _LEAF, dump_certificate(leaf))
            if leaf == self._leaf:
                return False
            self._former_leaf, self._leaf = self._leaf, leaf
            return True

    # --- members ---------------------------------------------------------------------------------

    def issue(self, csr_der: bytes, expect: PeerId | None = None) -> bytes:
        """A leaf (DER) for the key of a request, for seven days; the caller decided that it may.

        `expect`: the id that asks for a renewal; a request for another key is refused. Raises
        `BadIdentity` for a bad request or a kicked member.
        """
        key = key_of_csr(csr_der)
        peer_id = id_of_key(key)
        if expect is not None and peer_id != expect:
            raise BadIdentity("wrong_name", "the request is for another key")
        now = self._clock.wall()
        with self._lock:
            if self._bans.is_kicked(peer_id, now):
                raise BadIdentity("kicked", "this member was put out of the swarm")
            if peer_id not in self._members:
                self._ledger.append(_Member(peer=peer_id, joined=now))
                self._members[peer_id] = now
        return make_peer_leaf(self._key, self._ca, key, now)

    def is_member(self, peer_id: PeerId) -> bool:
        """Whether this key was ever issued a certificate."""
        return peer_id in self._members

    @property
    def member_count(self) -> int:
        """How many keys were ever issued a certificate."""
        return len(self._members)

    # --- invites ---------------------------------------------------------------------------------

    def invite(self, uses: int = 1, for_s: float = DAY_S) -> Invitation:
        """Make an invite; its code is not kept and shown this once. Raises a usage error."""
        with self._lock:
            return self._invites.make(uses, for_s, self._clock.wall())

    def invites(self) -> tuple[InviteRow, ...]:
        """The invites that can still be used, the oldest first."""
        with self._lock:
            return self._invites.usable(self._clock.wall())

    def revoke(self, invite_id: str) -> InviteRow:
        """Make an invite worthless, named by its id or the beginning of it. Raises `P2PError`."""
        with self._lock:
            return self._invites.revoke(invite_id, self._clock.wall())

    def check_proof(self, proof: bytes, nonce: bytes, csr_der: bytes) -> ProofOutcome:
        """Check a join proof and take one use of its invite, which is on disk when this returns."""
        now = self._clock.wall()
        with self._lock:
            return self._invites.try_proof(proof, nonce, self.leaf_hashes, csr_der, now)

    # --- kicks -----------------------------------------------------------------------------------

    def kick(self, peer_id: PeerId, why: str = "", for_s: float | None = None) -> KickList:
        """Put a member out, for good or for so many seconds; the list to push to everybody."""
        now = self._clock.wall()
        until = FOREVER if for_s is None else max(1, int(now + for_s))
        with self._lock:
            self._bans.kick(peer_id, why, until)
            return self._bans.signed(self._key, now)

    def unban(self, peer_id: PeerId) -> KickList | None:
        """Let a member come back; the list to push, or None when it was not out."""
        with self._lock:
            if not self._bans.lift(peer_id):
                return None
            return self._bans.signed(self._key, self._clock.wall())

    def is_kicked(self, peer_id: PeerId) -> bool:
        """Whether a member is out now."""
        return self._bans.is_kicked(peer_id, self._clock.wall())

    def kick_of(self, peer_id: PeerId) -> Kick | None:
        """Why and until when a member is out; None: it is not now."""
        return self._bans.kick_of(peer_id, self._clock.wall())

    def kicked(self) -> tuple[Kick, ...]:
        """All that are out now, the oldest kick first."""
        return self._bans.active(self._clock.wall())

    @property
    def kick_number(self) -> int:
        """Number of the kick list; a member that has a lower one is sent ours."""
        return self._bans.number

    def signed_kicks(self) -> KickList:
        """The kick list as it stands, signed."""
        with self._lock:
            return self._bans.signed(self._key, self._clock.wall())

    # --- files -----------------------------------------------------------------------------------

    def copies(self) -> dict[str, bytes]:
        """All its files as they are at one moment, keys too: for a backup."""
        with self._lock:
            return {
                path.name: read_private(path)
                for path in sorted(self._folder.iterdir())
                if path.is_file() and not path.name.startswith(".")
            }

    def _read_or_make_ca(self) -> bytes:
        path = self._folder / _CA
        now = self._clock.wall()
        try:
            ca = load_certificate(read_private(path))
            if pin_of(ca) == self._pin and expiry_of(ca) > now + _CA_LEFT_S:
                return ca
        except FileNotFoundError:
            pass
        except BadIdentity as error:
            log.warning("%s is made again from the key: %s", path, error)
        ca = make_ca(self._key, now)
        replace_private(path, dump_certificate(ca))
        return ca

    def _saved_leaf(self) -> bytes | None:
        """The leaf on disk if it will do for a while yet."""
        try:
            leaf = load_certificate(read_private(self._folder / _LEAF))
            check_issued(leaf, self._ca)
            if tracker_id_of_certificate(leaf) != id_of_key(self._read_or_make_key().public_key()):
                return None
            return leaf if expiry_of(leaf) > self._clock.wall() + _LEAF_LEFT_S else None
        except (FileNotFoundError, BadIdentity):
            return None

    def _read_or_make_key(self) -> PRIVATE_KEY:
        path = self._folder / _KEY
        try:
            pem = read_private(path)
        except FileNotFoundError:
            create_private(path, dump_key(new_key()))
            pem = read_private(path)
        return _parse_key(path, pem)


def _parse_key(path: Path, pem: bytes) -> PRIVATE_KEY:
    try:
        return load_key(pem)
    except BadIdentity as error:
        raise storage_error(
            "A key of the tracker cannot be read",
            f"{path}: {error}",
            "Restore it from a backup.",
        ) from None


def _refuse_silent_new_swarm(folder: Path, *, new_swarm: bool, members_known: bool) -> None:
    """F72: without the key, members could not be told from strangers, nor they us from a thief."""
    traces = [name for name in (_CA, _MEMBERS, _KICKS) if (folder / name).exists()]
    if new_swarm or not (members_known or traces):
        return
    raise security_stop(
        "The swarm's key is missing",
        f"{folder / _CA_KEY} is not there, but the swarm has members",
        "Restore ca.key from a backup. To found another swarm, which every member must join anew: "
        "--new-swarm.",
    )


def _put_aside(folder: Path, now: float) -> None:
    """Rename what belonged to an older swarm: the new key has nothing to do with it."""
    for name in (_CA, _LEAF, _KICKS, _INVITES, _MEMBERS, STANDINGS):
        path = folder / name
        try:
            path.rename(folder / f"{name}.{int(now)}.old")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise P2PError("Cannot put aside", f"{path}: {error.strerror}") from None
