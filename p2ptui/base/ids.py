"""Ids: the names of peers, swarms, contents and jobs. Pure; see PROTOCOL.md 1 and 4.

A peer id and a pin are the same digest over different keys: lowercase base32 of the first 20 bytes
of SHA-256 over a SubjectPublicKeyInfo, 32 characters.
"""

import base64
import hashlib
import re
from typing import Annotated, NewType

from msgspec import Meta

PeerId = NewType("PeerId", str)
"""32 characters of lowercase base32: the digest of a peer's public key."""
Pin = NewType("Pin", str)
"""32 characters of lowercase base32: the digest of a swarm's CA key; it names the swarm."""
ContentId = NewType("ContentId", bytes)
"""32 raw bytes: the digest of a manifest (PROTOCOL.md 4)."""
TransferId = NewType("TransferId", int)
"""Number of an upload or download at one node; never reused within a home."""

KEY_DIGEST_BYTES = 20
CONTENT_ID_BYTES = 32
CONTENT_ID_PREFIX = "b3c1"
CONTENT_ID_TEXT_LENGTH = 56
SHORT_LENGTH = 8

# \Z, not $: the latter would let a trailing newline pass.
KEY_DIGEST_PATTERN = r"^[a-z2-7]{32}\Z"
WirePeerId = Annotated[PeerId, Meta(pattern=KEY_DIGEST_PATTERN)]
"""A peer id as a message field: refused by the decoder when malformed."""
WireContentId = Annotated[ContentId, Meta(min_length=CONTENT_ID_BYTES, max_length=CONTENT_ID_BYTES)]
"""A content id as a message field: exactly 32 bytes."""

_CONTENT_ID_TEXT = re.compile(r"b3c1[a-z2-7]{52}\Z")
_CONTENT_ID_START = re.compile(r"b3c1([a-z2-7]{4,52})\Z")
_CONTENT_ID_TEXT_BITS = 260
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_KEY_DIGEST = re.compile(KEY_DIGEST_PATTERN)


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def key_digest(spki: bytes) -> str:
    """Digest of a DER SubjectPublicKeyInfo, 32 characters (PROTOCOL.md 1)."""
    return _base32(hashlib.sha256(spki).digest()[:KEY_DIGEST_BYTES])


def is_key_digest(text: str) -> bool:
    """Whether the text has the form of a peer id or a pin."""
    return _KEY_DIGEST.match(text) is not None


def short_peer_id(peer_id: str) -> str:
    """The first 8 characters, as shown in `anna (yuq23opp)`."""
    return peer_id[:SHORT_LENGTH]


def content_id_text(content_id: ContentId) -> str:
    """The 56-character text form, `b3c1…`."""
    return CONTENT_ID_PREFIX + _base32(content_id)


def parse_content_id(text: str) -> ContentId | None:
    """The content id that the full text form names, or None when it is not of that form."""
    text = text.strip().lower()
    if _CONTENT_ID_TEXT.match(text) is None:
        return None
    raw = base64.b32decode(text[len(CONTENT_ID_PREFIX) :].upper() + "====")
    content_id = ContentId(raw)
    # 52 characters carry 260 bits: a text whose spare bits are set is not the canonical form.
    return content_id if content_id_text(content_id) == text else None


def content_id_bounds(start: str) -> tuple[ContentId, ContentId] | None:
    """The lowest and highest content id whose text form begins so (`b3c1` and 4 to 52 characters).

    None when the text is not of that form.
    """
    found = _CONTENT_ID_START.match(start.strip().lower())
    if found is None:
        return None
    digits = found[1]
    # 52 characters carry 260 bits, the last four of them zero.
    room = _CONTENT_ID_TEXT_BITS - 5 * len(digits)
    value = 0
    for digit in digits:
        value = value << 5 | _BASE32.index(digit)
    spare = _CONTENT_ID_TEXT_BITS - 8 * CONTENT_ID_BYTES
    low = -(-(value << room) >> spare)
    high = (((value + 1) << room) - 1) >> spare
    if low > high:
        return None
    return (
        ContentId(low.to_bytes(CONTENT_ID_BYTES, "big")),
        ContentId(high.to_bytes(CONTENT_ID_BYTES, "big")),
    )


def short_content_id(text: str) -> str:
    """The 8 characters after the prefix of a text form."""
    return text[len(CONTENT_ID_PREFIX) : len(CONTENT_ID_PREFIX) + SHORT_LENGTH]
