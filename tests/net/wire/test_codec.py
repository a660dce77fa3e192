"""The codec: what msgspec refuses, and what it lets pass."""

import struct
import time
import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2ptui.base.ids import PeerId
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.codec import Decoder, decode, encode
from p2ptui.net.wire.errors import ProtocolViolation
from tests.support.messages import CONTENT, ENTRY, FETCHED, HELLO, HOST, PEER, PEER_HELLO


def packed(*pairs: bytes) -> bytes:
    """A map of pairs that are packed already, so that it may be one that no encoder makes."""
    return bytes([0x80 + len(pairs) // 2]) + b"".join(pairs)


def search(**fields: object) -> bytes:
    return encode({"type": "search", "id": 1, "text": "x"} | fields)


def announce(path: object) -> bytes:
    fields = {"type": "announce", "id": 1, "base": 0, "revision": 1}
    return encode(fields | {"added": [[path, 1, CONTENT, 0]]})


TAG, PING = encode("type"), encode("ping")
LONG_NAME = "😀" * 64  # 256 bytes

BAD = {
    "empty": b"",
    "f23_text for a number": search(id="1"),
    "f23_negative": search(id=-1),
    "f23_float for an int": search(id=1.0),
    "f23_bool for an int": search(id=True),
    "f23_int for a text": search(text=1),
    "f23_nil": search(text=None),
    "f23_id of 2^32": search(id=2**32),
    "f23_size of 2^63": encode({"type": "manifest", "id": 1, "size": 2**63, "hash_bytes": 0}),
    "f23_negative size": announce(["a"]).replace(b"\x01\xc4\x20", b"\xff\xc4\x20"),
    "f23_no map": encode(["search", 1, "x"]),
    "f23_missing field": encode({"type": "search", "id": 1}),
    "f21_unknown type": encode({"type": "format_disk"}),
    "f21_type of another union": encode({"type": "welcome"}),
    "f21_number for a type": encode({"type": 3}),
    "f21_unknown field": search(color="red"),
    "f24_nested in a field": packed(TAG, PING, encode("id"), b"\x91" * 100_000 + b"\xc0"),
    "f24_nested alone": b"\x91" * 100_000,
    "f24_nested in what a hello may add": packed(
        TAG, encode("hello"), encode("mood"), b"\x91" * 100_000 + b"\xc0"
    ),
    "f24_nested maps in what a hello may add": packed(
        TAG, encode("hello"), encode("mood"), b"\x81\xa1a" * 100_000 + b"\xc0"
    ),
    "f24_nested key": b"\x81" * 100_000,
    "f25_array of 4 G": packed(TAG, encode("announce"), encode("added"), b"\xdd\xff\xff\xff\xff"),
    "f25_path of 4 G": packed(
        TAG, encode("announce"), encode("removed"), b"\x91\xdd\xff\xff\xff\xff"
    ),
    "f25_text of 4 G": packed(TAG, encode("search"), encode("text"), b"\xdb\xff\xff\xff\xff"),
    "f25_bytes of 4 G": packed(TAG, encode("renew"), encode("csr"), b"\xc6\xff\xff\xff\xff"),
    "f25_map of 4 G": b"\xdf\xff\xff\xff\xff" + TAG + PING,
    "f27_ext": packed(TAG, PING, encode("id"), b"\xd5\x01ab"),
    "f27_timestamp": packed(TAG, PING, encode("id"), b"\xd6\xff\0\0\0\0"),
    "f28_trailing bytes": encode(m.Ping(1)) + b"\xc0",
    "f29_invalid utf-8": packed(TAG, encode("search"), encode("text"), b"\xa2\xff\xfe"),
    "f29_surrogate": packed(TAG, encode("search"), encode("text"), b"\xa3\xed\xa0\x80"),
    "f29_invalid utf-8 in the type": packed(TAG, b"\xa2\xff\xfe"),
    "f30_two types": packed(TAG, PING, TAG, encode("pong"), encode("id"), b"\x01"),
    "f35_parent": announce(["..", "..", ".ssh", "authorized_keys"]),
    "f36_absolute": announce(["/etc/passwd"]),
    "f37_backslash": announce(["\\\\host\\share"]),
    "f38_backslash and parents": announce(["..\\..\\x"]),
    "f39_dot": announce(["a", ".", "b"]),
    "f40_empty": announce([""]),
    "f40_no part": announce([]),
    "f41_nul": announce(["a\0b"]),
    "f41_newline": announce(["a\nb"]),
    "f42_escape": announce(["a\x1b[2J"]),
    "f45_a name of 256 bytes": announce([LONG_NAME]),
    "f48_a name that is not NFC": announce(["e\u0301"]),
    "f56_33 parts": announce(["a"] * 33),
    "f66_a query of 257 bytes": search(text="é" * 128 + "x"),
    "a query with NUL": search(text="a\0b"),
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in BAD.items()])
def test_refused(body: bytes) -> None:
    union = m.BetweenPeers if b"manifest" in body else m.FromMember
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(ProtocolViolation) as caught:
            decode(union, body)
        assert tracemalloc.get_traced_memory()[1] < 2 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 1.0
    assert caught.value.code == "protocol"
    assert caught.value.reason.isascii()
    assert len(caught.value.reason) <= 200


def test_the_bad_announce_is_bad_for_its_path_alone() -> None:
    message = decode(m.FromMember, announce(["a", "b" * 255]))
    assert isinstance(message, m.Announce)
    assert message.added[0].path == ("a", "b" * 255)


def test_a_name_of_255_bytes_and_a_query_of_256_pass() -> None:
    name = "😀" * 63 + "abc"
    assert decode(m.FromMember, announce([name])) == m.Announce(
        1, 0, 1, (m.Entry((name,), 1, CONTENT, 0),)
    )
    assert decode(m.FromMember, search(text="é" * 128)) == m.Search(1, "é" * 128)


def test_names_are_checked_wherever_they_stand() -> None:
    bad = ("..",)
    hit = m.Hit(CONTENT, 1, (("a",), bad), 1, 1)
    source = m.Source(PEER, "a\0", ())
    for union, message in (
        (m.FromMember, m.Announce(1, 0, 1, removed=(("a",), bad))),
        (m.ToMember, m.Hits(1, (hit,), 1, False, 1)),
        (m.ToMember, m.Listing(1, (m.Entry(bad, 1, CONTENT, 0),), 1)),
        (m.ToMember, m.SourceJoined(CONTENT, source)),
        (m.ToMember, m.Sources(1, CONTENT, (source,), 1)),
        (m.BetweenPeers, m.Goodbye("done", "\0")),
    ):
        with pytest.raises(ProtocolViolation):
            decode(union, encode(message))


@pytest.mark.parametrize("ping_ms", [float("nan"), float("inf"), -1.0])
def test_f23_a_number_that_is_none_is_refused(ping_ms: float) -> None:
    fields = [*(getattr(HOST, name) for name in HOST.__struct_fields__)]
    fields[7] = ping_ms
    body = encode({"type": "member_page", "id": 1, "hosts": [fields], "total": 1})
    with pytest.raises(ProtocolViolation):
        decode(m.ToMember, body)


@pytest.mark.parametrize(
    "change",
    [
        {"path": ("..",)},
        {"path": ("a/b",)},
        {"path": ()},
        {"seconds": float("inf")},
        {"seconds": -1.0},
        {"size": -1},
        {"givers": ()},
        {"givers": FETCHED.givers * (m.MAX_GIVERS + 1)},
        {"givers": (m.Giver(PeerId("not an id"), 1),)},
        {"givers": (m.Giver(PEER, -1),)},
    ],
)
def test_a_report_that_cannot_be_true_is_refused(change: dict[str, Any]) -> None:
    bad = m.Report(1, (msgspec.structs.replace(FETCHED, **change),))
    with pytest.raises(ProtocolViolation):
        decode(m.FromMember, encode(bad))


def test_f26_a_map_of_many_keys_is_refused_or_skipped_soon() -> None:
    keys = b"".join(encode(f"k{number}") + b"\xc0" for number in range(30_000))
    size = struct.pack(">I", 30_001)
    began = time.process_time()
    with pytest.raises(ProtocolViolation):
        decode(m.FromMember, b"\xdf" + size + TAG + encode("search") + keys)
    with pytest.raises(ProtocolViolation):
        decode(m.FromMember, b"\xdf" + size + keys + TAG + encode("hello"))
    assert time.process_time() - began < 1.0


def test_f30_of_duplicate_keys_the_last_one_wins() -> None:
    body = packed(TAG, PING, encode("id"), b"\x01", encode("id"), b"\x02")
    assert decode(m.FromMember, body) == m.Ping(2)


def test_f34_a_newer_minor_version_with_unknown_fields_and_features_is_understood() -> None:
    for hello, union in ((HELLO, m.FromMember), (PEER_HELLO, m.BetweenPeers)):
        fields = {name: getattr(hello, name) for name in hello.__struct_fields__}
        tag = hello.__struct_config__.tag
        newer = {**fields, "type": tag, "minor": 99, "features": ["teleport"], "mood": {"a": [1]}}
        message = decode(union, encode(newer))
        assert isinstance(message, m.Hello | m.PeerHello)
        assert (message.minor, message.features) == (99, ("teleport",))


def test_a_body_may_be_a_view_of_a_larger_buffer() -> None:
    body = encode(m.Ping(7))
    view = memoryview(bytearray(b"xx" + body + b"yy"))[2:-2]
    assert Decoder(m.FromMember).decode(view) == m.Ping(7)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_f20_random_bodies_are_messages_or_violations(body: bytes) -> None:
    for union in (m.FromMember, m.ToMember, m.BetweenPeers, m.FromStranger, m.ToStranger):
        try:
            message = decode(union, body)
        except ProtocolViolation:
            continue
        assert decode(union, encode(message)) == message


@settings(deadline=None)
@given(st.data())
def test_f20_a_message_with_one_byte_changed_is_a_message_or_a_violation(
    data: st.DataObject,
) -> None:
    body = bytearray(encode(m.Announce(1, 0, 1, (ENTRY,), (("old",),), bytes(16))))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] = data.draw(st.integers(0, 255))
    try:
        message = decode(m.FromMember, body)
    except ProtocolViolation:
        return
    assert decode(m.FromMember, encode(message)) == message
