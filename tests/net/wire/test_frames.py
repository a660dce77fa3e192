"""Frames: lengths, limits, and where the bytes go."""

import tracemalloc
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2ptui.net.wire.errors import ProtocolViolation
from p2ptui.net.wire.frames import (
    MAX_CONTROL_BYTES,
    MAX_PAYLOAD_BYTES,
    ControlFrame,
    DataFrame,
    Frame,
    FrameReader,
    FrameType,
    control_frame,
    data_header,
)

SCRATCH = 64


def admit_all(kind: FrameType, size: int) -> None:
    """No limit but the reader's own."""


def forbidden_place(request_id: int, offset: int, length: int) -> memoryview:
    raise AssertionError("no place is asked for")


def give(reader: FrameReader, data: bytes, step: int | None = None) -> list[Frame]:
    """Give bytes, `step` at a time; the frames, with bodies copied before they are overwritten."""
    frames: list[Frame] = []
    while data:
        buffer = reader.get_buffer()
        count = min(len(buffer), len(data), step or len(data))
        buffer[:count] = data[:count]
        data = data[count:]
        reader.received(count)
        while (frame := reader.next_frame()) is not None:
            if isinstance(frame, ControlFrame):
                frame = ControlFrame(memoryview(bytes(frame.body)))
            frames.append(frame)
    return frames


def reader_of(
    place: Callable[[int, int, int], memoryview | None] = forbidden_place,
    scratch_bytes: int = SCRATCH,
) -> FrameReader:
    return FrameReader(admit_all, place, scratch_bytes=scratch_bytes)


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\0\0\0\0", id="f16_length_0"),
        pytest.param(b"\xff\xff\xff\xff", id="f17_length_of_4_gib"),
        pytest.param((MAX_PAYLOAD_BYTES + 10).to_bytes(4, "big") + b"\2", id="f18_one_too_many"),
        pytest.param(b"\0\0\0\2\0x", id="f21_type_0"),
        pytest.param(b"\0\0\0\2\3x", id="f21_type_3"),
        pytest.param(b"\0\0\0\1\1", id="a_control_frame_without_a_body"),
        pytest.param(b"\0\0\0\1\2", id="a_data_frame_without_a_header"),
        pytest.param(b"\0\0\0\x09\2" + bytes(8), id="a_data_frame_without_a_payload"),
    ],
)
def test_a_header_that_cannot_be_is_refused_before_allocating(
    data: bytes, step: int | None
) -> None:
    reader = reader_of()
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolViolation):
            give(reader, data, step)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024
    finally:
        tracemalloc.stop()


def test_f18_the_limit_is_asked_before_anything_is_allocated() -> None:
    asked: list[tuple[FrameType, int]] = []

    def refuse(kind: FrameType, size: int) -> None:
        asked.append((kind, size))
        raise ProtocolViolation("too large")

    reader = FrameReader(refuse, forbidden_place, scratch_bytes=SCRATCH)
    with pytest.raises(ProtocolViolation):
        give(reader, control_frame(bytes(100))[:5])
    assert asked == [(FrameType.CONTROL, 100)]


def test_the_largest_frames_pass() -> None:
    body = bytes(MAX_CONTROL_BYTES)
    assert give(reader_of(), control_frame(body)) == [ControlFrame(memoryview(body))]
    target = memoryview(bytearray(MAX_PAYLOAD_BYTES))
    data = data_header(1, 0, MAX_PAYLOAD_BYTES) + b"x" * MAX_PAYLOAD_BYTES
    assert give(reader_of(lambda *_: target), data) == [DataFrame(1, 0, MAX_PAYLOAD_BYTES, False)]
    assert target == b"x" * MAX_PAYLOAD_BYTES


def test_what_we_would_send_too_large_is_our_mistake() -> None:
    for body in (b"", bytes(MAX_CONTROL_BYTES + 1)):
        with pytest.raises(ValueError, match="bytes"):
            control_frame(body)
    for length in (0, MAX_PAYLOAD_BYTES + 1):
        with pytest.raises(ValueError, match="bytes"):
            data_header(1, 0, length)


def test_a_payload_is_read_straight_into_the_owners_buffer() -> None:
    target = memoryview(bytearray(1000))
    reader = reader_of(lambda *_: target)
    head = data_header(7, 5, 1000) + b"a" * 10
    assert give(reader, head) == []
    buffer = reader.get_buffer()
    assert len(buffer) == 990
    buffer[:] = b"b" * 990
    assert target == b"a" * 10 + b"b" * 990, "the buffer that was offered is the owner's own"
    reader.received(990)
    assert reader.next_frame() == DataFrame(7, 5, 1000, False)
    assert len(reader.get_buffer()) == SCRATCH


def test_a_payload_without_a_place_is_thrown_away_and_the_next_frame_is_read() -> None:
    reader = reader_of(lambda *_: None)
    data = data_header(7, 0, 1000) + bytes(1000) + control_frame(b"next")
    assert give(reader, data) == [
        DataFrame(7, 0, 1000, True),
        ControlFrame(memoryview(b"next")),
    ]


def test_a_place_of_the_wrong_size_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="buffer of 3"):
        give(reader_of(lambda *_: memoryview(bytearray(3))), data_header(1, 0, 4) + bytes(4))


def test_f19_a_frame_cut_anywhere_gives_nothing() -> None:
    target = memoryview(bytearray(200))
    for whole in (control_frame(bytes(200)), data_header(1, 2, 200) + bytes(200)):
        for length in range(1, len(whole)):
            reader = reader_of(lambda *_: target)
            assert give(reader, whole[:length]) == []
            assert reader.is_mid_frame
            assert reader.completed == 0


Item = tuple[bool, bytes]
ITEMS = st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=300)), max_size=8)


@settings(deadline=None)
@given(ITEMS, st.lists(st.integers(1, 200), min_size=1), st.integers(13, 80))
def test_frames_do_not_depend_on_how_they_are_cut(
    items: list[Item], steps: list[int], scratch_bytes: int
) -> None:
    payloads: dict[int, bytearray] = {}

    def place(request_id: int, offset: int, length: int) -> memoryview:
        assert offset == 3
        payloads[request_id] = bytearray(length)
        return memoryview(payloads[request_id])

    data = b"".join(
        data_header(number, 3, len(body)) + body if is_data else control_frame(body)
        for number, (is_data, body) in enumerate(items)
    )
    reader = reader_of(place, scratch_bytes)
    frames: list[Frame] = []
    turn = 0
    while data:
        step = steps[turn % len(steps)]
        frames += give(reader, data[:step])
        data = data[step:]
        turn += 1
    for number, (frame, (is_data, body)) in enumerate(zip(frames, items, strict=True)):
        if is_data:
            assert frame == DataFrame(number, 3, len(body), False)
            assert payloads[number] == body
        else:
            assert frame == ControlFrame(memoryview(body))
    assert not reader.is_mid_frame


def test_f20_random_bytes_never_raise_anything_else() -> None:
    random = Random(20)
    refused = 0
    for _ in range(3000):
        reader = reader_of(lambda _i, _o, length: memoryview(bytearray(length)))
        data = random.randbytes(random.randrange(1, 2000))
        if random.random() < 0.5:  # half of them with a length and a type that may be
            size = random.randrange(0, 300)
            data = size.to_bytes(4, "big") + bytes([random.randrange(4)]) + data
        try:
            give(reader, data, random.choice([None, 1, 7]))
        except ProtocolViolation:
            refused += 1
    assert refused > 2500
