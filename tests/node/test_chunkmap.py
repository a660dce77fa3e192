"""Chunk maps, held against plain sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.node.chunkmap import ChunkMap, runs_of

SIZES = st.integers(0, 70)


@given(SIZES, st.data())
def test_a_map_is_the_set_of_its_chunks(size: int, data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.integers(0, size - 1)) if size else st.just(set[int]()))
    chunks = ChunkMap(size)
    for index in sorted(chosen):
        assert chunks.set(index)
        assert not chunks.set(index)
    assert list(chunks.present()) == sorted(chosen)
    assert list(chunks.missing()) == sorted(set(range(size)) - chosen)
    assert chunks.count == len(chosen)
    assert chunks.complete == (len(chosen) == size)
    assert ChunkMap.from_bytes(size, chunks.to_bytes()) == chunks
    assert chunks.copy() == chunks
    assert sorted(
        index for first, count in chunks.runs() for index in range(first, first + count)
    ) == sorted(chosen)
    for index in chosen:
        assert chunks.clear(index)
        assert not chunks.clear(index)
    assert chunks == ChunkMap(size)


def test_the_first_chunk_is_bit_7_of_byte_0() -> None:
    chunks = ChunkMap(12)
    chunks.set(0)
    chunks.set(10)
    assert chunks.to_bytes() == bytes([0b1000_0000, 0b0010_0000])


@given(SIZES)
def test_a_full_map_is_complete(size: int) -> None:
    full = ChunkMap.full(size)
    assert full.complete
    assert list(full.present()) == list(range(size))
    assert ChunkMap.from_bytes(size, full.to_bytes()) == full


@pytest.mark.parametrize(
    ("size", "data"), [(8, b""), (8, b"\x00\x00"), (9, b"\x00"), (9, b"\xff\xc0"), (1, b"\xff")]
)
def test_maps_of_another_size_are_refused(size: int, data: bytes) -> None:
    with pytest.raises(ValueError, match="map"):
        ChunkMap.from_bytes(size, data)


@pytest.mark.parametrize("index", [-1, 8, 2**32])
def test_f89_chunks_outside_are_refused(index: int) -> None:
    chunks = ChunkMap(8)
    for ask in (chunks.has, chunks.set, chunks.clear):
        with pytest.raises(IndexError):
            ask(index)


def test_runs_are_as_long_as_can_be() -> None:
    assert list(runs_of([0, 1, 2, 5, 7, 8])) == [(0, 3), (5, 1), (7, 2)]
    assert list(runs_of([])) == []
