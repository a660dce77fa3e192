"""Invites: 80 random bits that admit a stranger, kept as hashes (PROTOCOL.md 1, *Join link*).

A use is on disk before anybody profits from it, so that no crash makes an invite usable twice.
Used and expired ones are remembered for a while, to tell their bearer what is wrong. Blocks; not
safe for several threads at once (the authority holds a lock).
"""

import base64
import hmac
import itertools
import secrets
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from p2ptui.base.errors import usage_error
from p2ptui.net.identity import invite_hash, join_proof
from tracker.ledger import Ledger

MAX_INVITES = 1000
MAX_USES = 100_000
REMEMBERED_S = 7 * 86400.0
"""How long an expired invite is still told from one that never was."""

ProofOutcome = Literal["accepted", "used", "expired", "unknown"]


class Invitation(Struct, frozen=True):
    """A fresh invite: the code, which is shown once, and when it ends (seconds since 1970)."""

    code: str
    uses: int
    expires: float


class _Made(Struct, frozen=True, tag="made", tag_field="fact", forbid_unknown_fields=True):
    hash: str
    uses: int
    expires: float


class _Used(Struct, frozen=True, tag="used", tag_field="fact", forbid_unknown_fields=True):
    hash: str


_DECODER: msgspec.json.Decoder[_Made | _Used] = msgspec.json.Decoder(_Made | _Used)


class Invites:
    """The invites of a swarm."""

    def __init__(self, path: Path, now: float) -> None:
        """Read the ledger and drop what is long over. Raises a storage error."""
        self._ledger = Ledger(path, _DECODER)
        self._made: dict[str, _Made] = {}
        self._left: dict[str, int] = {}
        for record in self._ledger.read():
            self._note(record)
        self._drop_old(now)

    def make(self, uses: int, for_s: float, now: float) -> Invitation:
        """Make an invite. Raises a usage error for an absurd number or too many live ones."""
        if not 1 <= uses <= MAX_USES or for_s <= 0:
            raise usage_error("No such invite", f"{uses} uses for {for_s:.0f} s")
        self._drop_old(now)
        if sum(left > 0 for left in self._left.values()) >= MAX_INVITES:
            raise usage_error("Too many invites", f"{MAX_INVITES} wait for their use")
        code = base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower()
        made = _Made(hash=invite_hash(code).hex(), uses=uses, expires=now + for_s)
        self._append(made)
        return Invitation(code=code, uses=uses, expires=made.expires)

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
        if self._left[matching.hash] <= 0:
            return "used"
        if now >= matching.expires:
            return "expired"
        self._append(_Used(hash=matching.hash))
        return "accepted"

    def _append(self, record: _Made | _Used) -> None:
        self._ledger.append(record)
        self._note(record)

    def _note(self, record: _Made | _Used) -> None:
        if isinstance(record, _Made):
            self._made[record.hash] = record
            self._left[record.hash] = record.uses
        elif record.hash in self._left:
            self._left[record.hash] -= 1

    def _drop_old(self, now: float) -> None:
        old = [made for made in self._made.values() if now >= made.expires + REMEMBERED_S]
        if not old:
            return
        for made in old:
            del self._made[made.hash], self._left[made.hash]
        records: list[_Made | _Used] = []
        for made in self._made.values():
            records.append(made)
            records += [_Used(hash=made.hash)] * (made.uses - self._left[made.hash])
        self._ledger.rewrite(records)


TOLD: dict[ProofOutcome, str] = {
    "accepted": "",
    "used": "this invite has been used",
    "expired": "this invite has expired",
    "unknown": "this invite is not one of this swarm",
}
"""What a proof's bearer is told."""
