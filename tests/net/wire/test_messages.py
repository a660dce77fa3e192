"""Every message in every direction: whole, byte by byte, with trailing data, cut short."""

import typing

import pytest

from p2ptui.net.wire import messages as m
from p2ptui.net.wire.codec import decode, encode
from p2ptui.net.wire.errors import ProtocolViolation
from p2ptui.net.wire.protocol import Role, WireProtocol
from tests.support.messages import OTHER_SIDE, RECEIVED, feed, frame, greeted

UNIONS = {
    Role.TRACKER_STRANGER: m.FromStranger,
    Role.STRANGER: m.ToStranger,
    Role.TRACKER_MEMBER: m.FromMember,
    Role.MEMBER: m.ToMember,
    Role.PEER: m.BetweenPeers,
}
ROWS = [
    pytest.param(role, message, id=f"{role.name}-{type(message).__name__}")
    for role, examples in RECEIVED.items()
    for message in examples
]


def begin(role: Role, message: object) -> WireProtocol:
    """A protocol that may receive this message next."""
    return WireProtocol(role) if message is RECEIVED[role][0] else greeted(role)


@pytest.mark.parametrize("role", Role)
def test_the_table_has_every_message_of_every_direction(role: Role) -> None:
    assert {type(message) for message in RECEIVED[role]} == set(typing.get_args(UNIONS[role]))


@pytest.mark.parametrize(("role", "message"), ROWS)
@pytest.mark.parametrize("step", [None, 1])
def test_a_message_arrives_whole_and_byte_by_byte(
    role: Role, message: object, step: int | None
) -> None:
    wire = begin(role, message)
    assert list(feed(wire, frame(message), step)) == [message]
    assert wire.violation is None
    assert not wire.is_mid_frame


@pytest.mark.parametrize(("role", "message"), ROWS)
@pytest.mark.parametrize("step", [None, 1])
def test_a_message_arrives_when_more_follows(role: Role, message: object, step: int | None) -> None:
    last = m.Goodbye("stopping")
    expected = [message] if isinstance(message, m.Goodbye) else [message, last]
    wire = begin(role, message)
    assert list(feed(wire, frame(message) + frame(last) + b"\xff" * 9, step)) == expected
    assert wire.violation is None


@pytest.mark.parametrize(("role", "message"), ROWS)
def test_f19_a_message_cut_anywhere_has_no_effect(role: Role, message: object) -> None:
    whole = frame(message)
    for length in range(1, len(whole)):
        wire = begin(role, message)
        assert list(feed(wire, whole[:length])) == []
        assert wire.violation is None
        assert wire.is_mid_frame


@pytest.mark.parametrize(("role", "message"), ROWS)
def test_f28_trailing_bytes_in_a_body_are_refused(role: Role, message: object) -> None:
    with pytest.raises(ProtocolViolation):
        decode(UNIONS[role], encode(message) + b"\xc0")


@pytest.mark.parametrize(("role", "message"), ROWS)
def test_what_one_side_may_send_the_other_may_receive(role: Role, message: object) -> None:
    sender = WireProtocol(OTHER_SIDE[role])
    greeting = RECEIVED[role][0]
    sent = sender.frame_message(greeting)
    if message is not greeting:
        sent += sender.frame_message(message)
    assert list(feed(WireProtocol(role), sent))[-1] == message


@pytest.mark.parametrize(("role", "message"), ROWS)
def test_f21_an_unknown_field_is_ignored_in_a_hello_only(role: Role, message: object) -> None:
    fields = typing.cast("dict[str, object]", decode_plain(encode(message)))
    body = encode({**fields, "color": ["red", {"deep": 1}]})
    if isinstance(message, m.Hello | m.Welcome | m.PeerHello):
        assert decode(UNIONS[role], body) == message
    else:
        with pytest.raises(ProtocolViolation):
            decode(UNIONS[role], body)


def decode_plain(body: bytes) -> object:
    import msgspec

    return msgspec.msgpack.decode(body)
