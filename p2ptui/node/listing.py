"""Listing: how much of a list goes into one message. Pure (PROTOCOL.md 2: 256 KiB a frame)."""

import msgspec

from p2ptui.net.wire import messages as m

PAGE_BYTES = 200 * 1024
"""Most bytes of the rows; the rest of the message is small."""


def fits(*rows: object) -> bool:
    """Whether all of these go into one message."""
    return len(msgspec.msgpack.encode(rows)) <= PAGE_BYTES


def fit(entries: tuple[m.Entry, ...]) -> tuple[m.Entry, ...]:
    """As many entries, from the first on, as fit into one message; at least one."""
    size = 0
    for number, entry in enumerate(entries):
        size += len(msgspec.msgpack.encode(entry))
        if size > PAGE_BYTES and number:
            return entries[:number]
    return entries
