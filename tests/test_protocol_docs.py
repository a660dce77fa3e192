"""docs/protocol.md against the code: every message with its fields, and the test vectors."""

import re
import typing
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.ids import PeerId, content_id_text, key_digest
from p2ptui.net.identity import invite_hash, join_proof
from p2ptui.net.kicks import signed_bytes
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.codec import encode
from p2ptui.net.wire.frames import control_frame, data_header
from p2ptui.net.wire.share_digest import ShareDigest
from p2ptui.node.manifest import Manifest, chunk_hash

TEXT = Path(__file__).parent.parent.joinpath("docs", "protocol.md").read_text(encoding="utf-8")
SECTIONS = {
    "Both sides of any connection": {m.Failure, m.Goodbye, m.Ping, m.Pong},
    "Stranger and tracker": {m.Challenge, m.Join, m.Joined},
    "Member to tracker": set(typing.get_args(m.FromMember)),
    "Tracker to member": set(typing.get_args(m.ToMember)),
    "Peer and peer": set(typing.get_args(m.BetweenPeers)),
}
COMMON = SECTIONS["Both sides of any connection"]
ABC = Manifest.of(3, [chunk_hash(b"abc")])
EMPTY = Manifest.of(0, b"")
MEGABYTE = Manifest.of(2**20 + 1, [chunk_hash(bytes(2**20)), chunk_hash(b"\0")])
ENTRY = m.Entry(("a", "b.txt"), 3, ABC.content_id, 1700000000)
OTHER = m.Entry(("empty",), 0, EMPTY.content_id, 0)


def tag_of(kind: type) -> str:
    tag = typing.cast("type[msgspec.Struct]", kind).__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def section(title: str) -> str:
    return TEXT.split(f"### {title}\n", 1)[1].split("\n#", 1)[0]


def rows(title: str) -> dict[str, str]:
    found = re.findall(r"^\| `(\w+)` \| (.*) \|$", section(title), re.MULTILINE)
    return {name: rest.rsplit(" | ", 1)[0] for name, rest in found}


@pytest.mark.parametrize("title", SECTIONS)
def test_every_message_stands_in_the_table_of_its_direction(title: str) -> None:
    expected = SECTIONS[title] - (COMMON if title != "Both sides of any connection" else set())
    assert set(rows(title)) == {tag_of(kind) for kind in expected}


def test_every_union_is_told() -> None:
    told = set().union(*SECTIONS.values())
    for union in (m.FromStranger, m.ToStranger, m.FromMember, m.ToMember, m.BetweenPeers):
        assert set(typing.get_args(union)) <= told


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        pytest.param(title, kind, id=f"{title}-{tag_of(kind)}")
        for title, kinds in SECTIONS.items()
        for kind in sorted(kinds, key=tag_of)
        if title == "Both sides of any connection" or kind not in COMMON
    ],
)
def test_every_field_is_told_in_order(title: str, kind: type) -> None:
    told = rows(title)[tag_of(kind)]
    if told in {"see below", "as above"}:
        return
    names = [re.match(r"`(\w+)`", part) for part in re.split(r", (?=`)", told)]
    fields = typing.cast("type[msgspec.Struct]", kind).__struct_fields__
    assert [name[1] for name in names if name] == list(fields)


@pytest.mark.parametrize("code", typing.get_args(m.FailureCode) + typing.get_args(m.GoodbyeCode))
def test_every_code_is_told(code: str) -> None:
    assert f"`{code}`" in section("Both sides of any connection")


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ('control frame of `{"type": "ping", "id": 7}`', control_frame(encode(m.Ping(7))).hex()),
        (
            "data frame, request 9, offset 262144, payload `abc`",
            (data_header(9, 262144, 3) + b"abc").hex(),
        ),
        ("key digest of the four bytes `spki`", key_digest(b"spki")),
        ("content id of the empty content", content_id_text(EMPTY.content_id)),
        ("chunk hash of `abc`", chunk_hash(b"abc").hex()),
        ("content id of `abc`", content_id_text(ABC.content_id)),
        ("content id of 1,048,577 zero bytes", content_id_text(MEGABYTE.content_id)),
        (
            'entry `[["a", "b.txt"], 3, content id of abc, 1700000000]`',
            msgspec.msgpack.encode(ENTRY).hex(),
        ),
        ("share digest of it alone", bytes(ShareDigest.of([ENTRY])).hex()),
        (
            'share digest of it and `[["empty"], 0, content id of the empty content, 0]`',
            bytes(ShareDigest.of([OTHER, ENTRY])).hex(),
        ),
        ("SHA-256 of the invite `abcdefghijklmnop`", invite_hash("abcdefghijklmnop").hex()),
        (
            "its proof for nonce 00 01 … 1f, leaf hash 32 × 11, CSR `csr`",
            join_proof(
                invite_hash("abcdefghijklmnop"), bytes(range(32)), b"\x11" * 32, b"csr"
            ).hex(),
        ),
        (
            'signed bytes of kick list 3 with `[32 × a, 0, "why"]`',
            signed_bytes(3, (m.Kick(PeerId("a" * 32), 0, "why"),)).hex(),
        ),
    ],
)
def test_the_vectors_hold(what: str, value: str) -> None:
    assert f"| {what} | `{value}` |" in TEXT


def test_no_vector_is_unchecked() -> None:
    vectors = TEXT.split("## 8. Test vectors")[1]
    assert len(re.findall(r"^\| .+ \| `\w+` \|$", vectors, re.MULTILINE)) == 13
