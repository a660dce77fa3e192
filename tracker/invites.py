"""Invites: 80 random bits that admit a stranger, kept as hashes (PROTOCOL.md 1, *Join link*).

A use is on disk before anybody profits from it, so that no crash makes an invite usable twice.
Used and expired ones are remembered for a while, to tell their bearer what is wrong. Blocks; not
safe for several threads at once (the authority holds a lock).
"""

import base64
import hashlib
import hmac
import itertools
import secrets
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from p2ptui.base.errors import not_found, usage_error
from p2ptui.net.identity import invite_hash, join_proof
from tracker.api_values import InviteRow
from tracker.ledger import Ledger

MAX_INVITES = 1000
MAX_USES = 100_000
ID_BYTES = 5
REMEMBERED_S = 7 * 86400.0
"""How long an expired invite is still told from one that never was."""

ProofOutcome = Literal["accepted", "used", "expired", "revoked", "unknown"]


class Invitation(Struct, frozen=True):
    """A fresh invite: the code, which is shown once, and when it ends (seconds since 1970)."""

    code: str
    uses: int
    expires: float
    id: str


class _Made(Struct, frozen=True, tag="made", tag_field="fact", forbid_unknown_fields=True):
    hash: str
    uses: int
    expires: float


class _Used(Struct, frozen=True, tag="used", tag_field="fact", forbid_unknown_fields=True):
    hash: str


class _Revoked(Struct, frozen=True, tag="revoked", tag_field="fact", forbid_unknown_fields=True):
    hash: str


_Fact = _Made | _Used | _Revoked
_DECODER: msgspec.json.Decoder[_Fact] = msgspec.json.Decoder(_Fact)


class Invites:
    """The invites of a swarm."""

    def __init__(self, path: Path, now: float) -> None:
        """Read the ledger and drop what is long over. Raises a storage error."""
        self._ledger = Ledger(path, _DECODER)
        self._made: dict[str, _Made] = {}
        self._left: dict[str, int] = {}
        self._revoked: set[str] = set()
        for record in self._ledger.read():
            self._note(record)
        self._drop_old(now)

    def make(self, uses: int, for_s: float, now: float) -> Invitation:
        """Make an invite. Raises a usage error for an absurd number or too many live ones."""
        if not 1 <= uses <= MAX_USES or for_s <= 0:
            raise usage_error("No such invite", f"{uses} uses for {for_s:.0f} s")
        self._drop_old(now)
        if len(self.usable(now)) >= MAX_INVITES:
            raise usage_error("Too many invites", f"{MAX_INVITES} wait for their use")
        code = base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower()
        made = _Made(hash=invite_hash(code).hex(), uses=uses, expires=now + for_s)
        self._append(made)
        return Invitation(code=code, uses=uses, expires=made.expires, id=_id_of(made.hash))

    def usable(self, now: float) -> tuple[InviteRow, ...]:
        """Those that can still be used, the oldest first."""
        return tuple(
            self._row(made)
            for made in self._made.values()
            if self._left[made.hash] > 0 and now < made.expires and made.hash not in self._revoked
        )

    def revoke(self, invite_id: str, now: float) -> InviteRow:
        """Make one worthless. Raises `P2PError` when none or several begin so."""
        text = invite_id.strip().lower()
        fitting = [row for row in self.usable(now) if text and row.id.startswith(text)]
        if not fitting:
            raise not_found("No such invite", repr(invite_id), "See: invites.")
        if len(fitting) > 1:
            ids = ", ".join(row.id for row in fitting)
            raise usage_error("Which invite?", f"{invite_id!r} fits several: {ids}")
        self._append(_Revoked(hash=next(h for h in self._made if _id_of(h) == fitting[0].id)))
        return fitting[0]

    def try_proof(
        self, proof: bytes, nonce: bytes, leaf_hashes: tuple[bytes, ...], csr: bytes, now: float
    ) -> ProofOutcome:
        """Look which invite a proof was made with, and take one use of it.

        Every invite is compared, for a proof does not name its own, with each leaf that the
        tracker may have shown. On *accepted* the use is on disk.
        """
        matching: _Made | None = None
        for made, leaf_hash in itertools.product(self._made.values(), leaf_hashes):
            expected = join_proof(bytes.fromhex(made.hash), nonce, leaf_hash, csr)
            if hmac.compare_digest(expected, proof):
                matching = made
        if matching is None:
            return "unknown"
        if matching.hash in self._revoked:
            return "revoked"
        if self._left[matching.hash] <= 0:
            return "used"
        if now >= matching.expires:
            return "expired"
        self._append(_Used(hash=matching.hash))
        return "accepted"

    def _row(self, made: _Made) -> InviteRow:
        return InviteRow(
            id=_id_of(made.hash),
            uses=made.uses,
            left=self._left[made.hash],
            expires=made.expires,
        )

    def _append(self, record: _Fact) -> None:
        self._ledger.append(record)
        self._note(record)

    def _note(self, record: _Fact) -> None:
        if isinstance(record, _Made):
            self._made[record.hash] = record
            self._left[record.hash] = record.uses
        elif isinstance(record, _Revoked):
            self._revoked.add(record.hash)
        elif record.hash in self._left:
            self._left[record.hash] -= 1

    def _drop_old(self, now: float) -> None:
        old = [made for made in self._made.values() if now >= made.expires + REMEMBERED_S]
        if not old:
            return
        for made in old:
            del self._made[made.hash], self._left[made.hash]
        self._revoked &= self._made.keys()
        records: list[_Fact] = []
        for made in self._made.values():
            records.append(made)
            records += [_Used(hash=made.hash)] * (made.uses - self._left[made.hash])
        records += [_Revoked(hash=each) for each in sorted(self._revoked)]
        self._ledger.rewrite(records)


def _id_of(stored_hash: str) -> str:
    """By which an invite is listed: says nothing of its code, nor of what a proof is made with."""
    digest = hashlib.sha256(b"p2ptui invite id " + stored_hash.encode("ascii")).digest()
    return base64.b32encode(digest[:ID_BYTES]).decode("ascii").lower()


TOLD: dict[ProofOutcome, str] = {
    "accepted": "",
    "used": "this invite has been used",
    "expired": "this invite has expired",
    "revoked": "this invite was revoked",
    "unknown": "this invite is not one of this swarm",
}
"""What a proof's bearer is told."""
