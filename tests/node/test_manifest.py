"""Content ids and chunk sizes (PROTOCOL.md 4)."""

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.ids import ContentId, content_id_text
from p2ptui.node.manifest import (
    MAX_CHUNKS,
    MAX_SIZE,
    Manifest,
    ManifestMismatch,
    chunk_count,
    chunk_hash,
    chunk_size_log2,
    content_id_of,
)
from tests.support.contents import MIB, make_bytes, make_manifest

GIB = 2**30


def test_content_id_follows_the_formula_of_the_protocol() -> None:
    data = make_bytes(MIB + 5)
    hashes = [
        blake3(piece, derive_key_context="p2ptui 2026 chunk v1").digest()
        for piece in (data[:MIB], data[MIB:])
    ]
    said = len(data).to_bytes(8, "big") + b"\x14" + b"".join(hashes)
    expected = blake3(said, derive_key_context="p2ptui 2026 manifest v1").digest()
    assert make_manifest(data).content_id == expected


def test_content_id_of_known_bytes_never_changes() -> None:
    text = content_id_text(
        make_manifest(b"The same bytes have the same id everywhere.\n").content_id
    )
    assert text == "b3c1d3k2uzdusnbfw3lylxfzly3xgvbxa44ay3ul3p6mnhurdgnhhfia"


@pytest.mark.parametrize(
    ("size", "log2", "chunks"),
    [
        (0, 20, 0),
        (1, 20, 1),
        (MIB - 1, 20, 1),
        (MIB, 20, 1),
        (MIB + 1, 20, 2),
        (64 * GIB - 1, 20, 65_536),
        (64 * GIB, 20, 65_536),
        (64 * GIB + 1, 21, 32_769),
        (128 * GIB, 21, 65_536),
        (128 * GIB + 1, 22, 32_769),
        (MAX_SIZE, 47, 65_536),
    ],
)
def test_f85_chunk_sizes_at_the_edges(size: int, log2: int, chunks: int) -> None:
    assert chunk_size_log2(size) == log2
    assert chunk_count(size) == chunks


@given(st.integers(0, MAX_SIZE))
def test_chunks_cover_every_size_and_are_never_too_many(size: int) -> None:
    log2, chunks = chunk_size_log2(size), chunk_count(size)
    assert chunks <= MAX_CHUNKS
    assert (chunks - 1) << log2 < size <= chunks << log2 or size == chunks == 0
    assert log2 == 20 or -(-size >> log2 - 1) > MAX_CHUNKS, "no larger than is needed"


@pytest.mark.parametrize("size", [-1, 2**63])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="size"):
        chunk_size_log2(size)


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB])
def test_f85_chunk_lengths_add_up(size: int) -> None:
    manifest = make_manifest(make_bytes(size))
    lengths = [manifest.chunk_length(index) for index in range(manifest.chunk_count)]
    assert sum(lengths) == size
    assert all(lengths)


def test_f89_chunks_that_do_not_exist_are_refused() -> None:
    manifest = make_manifest(make_bytes(2 * MIB))
    for index in (-1, 2, 2**32):
        for ask in (manifest.chunk_length, manifest.chunk_hash, manifest.chunk_offset):
            with pytest.raises(IndexError):
                ask(index)


def test_f76_another_manifest_is_refused() -> None:
    good = make_manifest(make_bytes(2 * MIB))
    other = make_manifest(make_bytes(2 * MIB, seed=2))
    assert Manifest.verified(good.content_id, good.size, good.hashes) == good
    for size, hashes in [
        (other.size, other.hashes),
        (good.size, good.hashes[:-1]),
        (good.size, good.hashes[:-32]),
        (good.size, good.hashes[32:] + good.hashes[:32]),
        (good.size - 1, good.hashes),
        (good.size + MIB, good.hashes),
        (-1, good.hashes),
        (2**63, good.hashes),
        (0, b""),
    ]:
        with pytest.raises(ManifestMismatch):
            Manifest.verified(good.content_id, size, hashes)
    with pytest.raises(ManifestMismatch):
        Manifest.verified(ContentId(good.content_id[:-1]), good.size, good.hashes)


def test_f75_only_the_chunk_itself_is_that_chunk() -> None:
    data = make_bytes(2 * MIB + 7)
    manifest = make_manifest(data)
    assert manifest.holds(2, data[2 * MIB :])
    assert not manifest.holds(0, data[: MIB - 1]), "short"
    assert not manifest.holds(2, data[2 * MIB :] + b"x"), "long"
    assert not manifest.holds(0, data[MIB : 2 * MIB]), "of another index"
    assert manifest.holds(1, memoryview(bytearray(data[MIB : 2 * MIB])))


def test_chunk_hash_is_the_same_for_every_kind_of_buffer() -> None:
    data = make_bytes(1000)
    assert chunk_hash(data) == chunk_hash(bytearray(data)) == chunk_hash(memoryview(data))
    assert content_id_of(1000, chunk_hash(data)) == content_id_of(1000, [chunk_hash(data)])
