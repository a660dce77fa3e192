"""The table of states and roles, and the contract that a violation never raises at the caller."""

from random import Random

import pytest

from p2ptui.net.wire import messages as m
from p2ptui.net.wire.codec import decode, encode
from p2ptui.net.wire.errors import ProtocolViolation
from p2ptui.net.wire.frames import MAX_CONTROL_BYTES, DataFrame, control_frame, data_header
from p2ptui.net.wire.protocol import Role, State, WireProtocol
from tests.support.messages import (
    CONTENT,
    HELLO,
    OTHER_SIDE,
    PEER_HELLO,
    RECEIVED,
    WELCOME,
    Heap,
    feed,
    frame,
    greeted,
)

PING = frame(m.Ping(1))
DATA = data_header(1, 0, 4) + b"data"


def farewell_of(wire: WireProtocol) -> m.Goodbye:
    """The goodbye that a violation left, as the other side reads it."""
    body = wire.take_farewell()[5:]
    message = decode(m.BetweenPeers, body)
    assert isinstance(message, m.Goodbye)
    return message


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("step", [None, 1])
def test_f22_nothing_comes_before_the_greeting(role: Role, step: int | None) -> None:
    for message in RECEIVED[role][1:]:
        if isinstance(message, m.Failure | m.Goodbye):
            continue
        wire = WireProtocol(role)
        assert list(feed(wire, frame(message), step)) == []
        assert wire.violation is not None
        assert "before a greeting" in wire.violation.reason


@pytest.mark.parametrize("role", Role)
def test_f22_a_second_greeting_is_refused(role: Role) -> None:
    wire = greeted(role)
    assert list(feed(wire, frame(RECEIVED[role][0]))) == []
    assert wire.violation is not None
    assert wire.violation.reason == "a second greeting"


@pytest.mark.parametrize("role", Role)
def test_f22_data_before_the_greeting_is_refused(role: Role) -> None:
    wire = WireProtocol(role, sink=Heap({}).place)
    assert list(feed(wire, DATA)) == []
    assert wire.violation is not None
    assert wire.violation.reason == "data before a greeting"


@pytest.mark.parametrize("role", set(Role) - {Role.PEER})
def test_data_goes_between_peers_only(role: Role) -> None:
    wire = greeted(role)
    wire.sink = Heap({}).place
    assert list(feed(wire, DATA)) == []
    assert wire.violation is not None


def test_data_without_a_sink_is_refused() -> None:
    wire = greeted(Role.PEER)
    assert list(feed(wire, DATA)) == []
    assert wire.violation is not None


@pytest.mark.parametrize("step", [None, 1, 7])
def test_data_and_messages_come_in_order(step: int | None) -> None:
    heap = Heap({})
    wire = WireProtocol(Role.PEER, sink=heap.place)
    large = data_header(2, 8, 100_000) + bytes(range(250)) * 400
    events = list(feed(wire, frame(PEER_HELLO) + DATA + PING + large + PING, step))
    assert events == [
        PEER_HELLO,
        DataFrame(1, 0, 4, False),
        m.Ping(1),
        DataFrame(2, 8, 100_000, False),
        m.Ping(1),
    ]
    assert heap.payloads == {(1, 0): b"data", (2, 8): bytes(range(250)) * 400}


def test_a_refusal_may_stand_in_place_of_a_greeting() -> None:
    wire = WireProtocol(Role.MEMBER)
    failure, goodbye = m.Failure(0, "denied"), m.Goodbye("kicked")
    assert list(feed(wire, frame(failure) + frame(goodbye))) == [failure, goodbye]
    assert wire.violation is None
    assert wire.state is State.CLOSED


@pytest.mark.parametrize(
    ("role", "greeting_limit", "limit"),
    [
        (Role.TRACKER_STRANGER, 16 * 1024, 4 * 1024),
        (Role.STRANGER, 16 * 1024, 16 * 1024),
        (Role.TRACKER_MEMBER, 4 * 1024, MAX_CONTROL_BYTES),
        (Role.MEMBER, 16 * 1024, MAX_CONTROL_BYTES),
        (Role.PEER, 4 * 1024, MAX_CONTROL_BYTES),
    ],
)
def test_f18_the_limit_is_that_of_the_state(role: Role, greeting_limit: int, limit: int) -> None:
    for wire, most in ((WireProtocol(role), greeting_limit), (greeted(role), limit)):
        if most < MAX_CONTROL_BYTES:
            header = (most + 2).to_bytes(4, "big") + b"\1"
            assert list(feed(wire, header)) == []
            assert wire.violation is not None
            assert wire.violation.reason == f"a message over {most} bytes"
    for wire, most in ((WireProtocol(role), greeting_limit), (greeted(role), limit)):
        header = (most + 1).to_bytes(4, "big") + b"\1"
        assert list(feed(wire, header)) == []
        assert wire.violation is None


def test_a_payload_over_the_limit_is_refused() -> None:
    wire = greeted(Role.PEER)
    wire.sink = Heap({}).place
    list(feed(wire, (9 + 256 * 1024 + 1).to_bytes(4, "big") + b"\2" + bytes(8)))
    assert wire.violation is not None


def test_a_violation_leaves_a_goodbye_and_then_there_is_silence() -> None:
    wire = greeted(Role.PEER)
    assert list(feed(wire, PING + b"\0\0\0\0" + PING)) == [m.Ping(1)]
    assert wire.state is State.CLOSED
    assert farewell_of(wire) == m.Goodbye("protocol", "a frame of no length")
    assert wire.take_farewell() == b""
    assert list(feed(wire, PING * 10_000)) == []
    assert not wire.is_mid_frame
    first = wire.violation
    wire.fail(ProtocolViolation("another"))
    assert wire.violation is first
    assert wire.take_farewell() == b""


def test_a_sink_may_refuse_a_frame_with_a_code_of_its_own() -> None:
    def place(request_id: int, offset: int, length: int) -> memoryview:
        raise ProtocolViolation("beyond the chunk", "refused")

    wire = greeted(Role.PEER)
    wire.sink = place
    assert list(feed(wire, DATA + PING)) == []
    assert farewell_of(wire) == m.Goodbye("refused", "beyond the chunk")


def test_a_payload_whose_sink_was_taken_away_is_dropped() -> None:
    wire = greeted(Role.PEER)
    wire.sink = Heap({}).place
    assert list(feed(wire, DATA[:9])) == []
    wire.sink = None
    assert list(feed(wire, DATA[9:]))[-1:] != [DataFrame(1, 0, 4, False)]


def test_nothing_is_read_after_a_goodbye() -> None:
    wire = greeted(Role.PEER)
    goodbye = m.Goodbye("done")
    assert list(feed(wire, frame(goodbye) + PING)) == [goodbye]
    assert list(feed(wire, PING)) == []
    assert wire.violation is None
    assert wire.take_farewell() == b""


@pytest.mark.parametrize("role", Role)
def test_a_message_of_another_direction_is_our_mistake(role: Role) -> None:
    wire = WireProtocol(role)
    wire.frame_message(RECEIVED[OTHER_SIDE[role]][0])
    for other in set(Role) - {OTHER_SIDE[role]}:
        allowed = {type(message) for message in RECEIVED[OTHER_SIDE[role]]}
        for message in RECEIVED[other]:
            if type(message) not in allowed:
                with pytest.raises(TypeError, match="is not sent as"):
                    wire.frame_message(message)
    with pytest.raises(TypeError, match="is not sent as"):
        wire.frame_message("text")


def test_speaking_before_our_greeting_is_our_mistake() -> None:
    wire = WireProtocol(Role.PEER)
    with pytest.raises(TypeError, match="before our greeting"):
        wire.frame_message(m.Ping(1))
    with pytest.raises(TypeError, match="before our greeting"):
        wire.frame_data(1, 0, 4)
    assert wire.frame_message(m.Goodbye("too_many"))
    wire.frame_message(PEER_HELLO)
    assert wire.frame_data(1, 0, 4) == data_header(1, 0, 4)
    assert wire.frame_message(m.GetManifest(1, CONTENT))


def test_f20_random_frames_never_raise() -> None:
    random = Random(20)
    greetings = {Role.PEER: PEER_HELLO, Role.MEMBER: WELCOME, Role.TRACKER_MEMBER: HELLO}
    events = 0
    for _ in range(2000):
        role = random.choice(list(greetings))
        wire = WireProtocol(role, sink=Heap({}).place)
        data = frame(greetings[role])
        for _ in range(4):
            body = bytearray(encode(random.choice(RECEIVED[role][1:])))
            if random.random() < 0.5:
                body[random.randrange(len(body))] = random.randrange(256)
            data += control_frame(bytes(body))
            if random.random() < 0.2:
                data += random.randbytes(random.randrange(40))
        events += len(list(feed(wire, data, random.choice([None, 3]))))
        assert (wire.violation is not None) == bool(wire.take_farewell())
    assert events > 2000
