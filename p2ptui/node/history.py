"""History: from whom a transfer's bytes came, or to whom they went, as it is remembered. Pure."""

from collections.abc import Iterable

import msgspec

from p2ptui.node.api import PeerPart

MAX_PARTS = 64
"""Members that are remembered of one transfer; those who gave least are left out."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[PeerPart, ...])


def parts_of(stored: bytes) -> tuple[PeerPart, ...]:
    """What is remembered, the largest part first; nothing when it cannot be read."""
    if not stored:
        return ()
    try:
        return _decoder.decode(stored)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ()


def partners(stored: bytes) -> str:
    """Nicks and ids of those who took part, to be searched in."""
    return " ".join(f"{part.nick} {part.peer_id}" for part in parts_of(stored))


def with_parts(stored: bytes, more: Iterable[PeerPart]) -> bytes:
    """What is remembered, with what came on top of it."""
    found = {part.peer_id: part for part in parts_of(stored)}
    for part in more:
        known = found.get(part.peer_id)
        if part.bytes or known is not None:
            before = known.bytes if known is not None else 0
            found[part.peer_id] = msgspec.structs.replace(part, bytes=before + part.bytes)
    ranked = sorted(found.values(), key=lambda part: part.bytes, reverse=True)
    return _encoder.encode(ranked[:MAX_PARTS]) if ranked else b""
