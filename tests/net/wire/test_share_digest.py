"""The digest of a share."""

from random import Random

import msgspec
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from p2ptui.base.ids import ContentId
from p2ptui.net.wire.messages import Entry
from p2ptui.net.wire.share_digest import ShareDigest, entry_digest

ENTRIES = st.lists(
    st.builds(
        lambda name, size: Entry((name,), size, ContentId(bytes(32)), 0),
        st.text("abc", min_size=1, max_size=3),
        st.integers(0, 9),
    ),
    max_size=6,
)


def test_an_entrys_digest_is_that_of_the_protocol() -> None:
    entry = Entry(("a", "b"), 5, ContentId(bytes(32)), -3)
    digest = blake3(msgspec.msgpack.encode([["a", "b"], 5, bytes(32), -3])).digest(16)
    assert entry_digest(entry) == int.from_bytes(digest, "little")
    assert bytes(ShareDigest.of([entry])) == digest


@settings(deadline=None)
@given(ENTRIES, st.randoms())
def test_the_order_does_not_matter(entries: list[Entry], random: Random) -> None:
    shuffled = entries[:]
    random.shuffle(shuffled)
    assert ShareDigest.of(entries) == ShareDigest.of(shuffled)


@settings(deadline=None)
@given(ENTRIES, ENTRIES)
def test_what_is_removed_leaves_no_trace(kept: list[Entry], gone: list[Entry]) -> None:
    digest = ShareDigest.of(kept + gone)
    for entry in gone:
        digest.remove(entry)
    assert digest == ShareDigest.of(kept)
    assert ShareDigest(bytes(digest)) == digest


def test_an_empty_share_is_all_zeros_and_a_repeated_entry_counts() -> None:
    entry = Entry(("a",), 1, ContentId(bytes(32)), 0)
    assert bytes(ShareDigest()) == bytes(16)
    assert ShareDigest.of([entry, entry]) != ShareDigest.of([entry])


def test_a_digest_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        ShareDigest(bytes(15))
