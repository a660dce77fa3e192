import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import Pin
from p2ptui.base.links import JoinLink, format_join_link, parse_join_target

PIN = Pin("yuq23oppabcdefghijklmnopqrstuvwx")
INVITE = "abcdefgh234567ab"
base32 = st.sampled_from("abcdefghijklmnopqrstuvwxyz234567")


def test_a_full_link() -> None:
    link = parse_join_target(f"p2ptui://tracker.lan:7070,[2001:db8::1]:7071/#{PIN}.{INVITE}")
    assert link == JoinLink((("tracker.lan", 7070), ("2001:db8::1", 7071)), PIN, INVITE)


def test_an_address_alone_names_no_pin() -> None:
    assert parse_join_target("tracker.lan") == JoinLink((("tracker.lan", 7070),))
    assert parse_join_target("[::1]:80") == JoinLink((("::1", 80),))
    assert parse_join_target("1.2.3.4", default_port=9) == JoinLink((("1.2.3.4", 9),))


def test_small_liberties_of_people() -> None:
    link = JoinLink((("h", 7070),), PIN, INVITE)
    assert parse_join_target(f"  P2PTUI://h#{PIN.upper()}.{INVITE.upper()}\n") == link
    assert parse_join_target("p2ptui://h:7070/") == JoinLink((("h", 7070),))


@given(
    host=st.sampled_from(["h", "1.2.3.4", "::1", "a.b-c"]),
    ports=st.lists(st.integers(1, 65535), min_size=1, max_size=8),
    pin=st.none() | st.text(base32, min_size=32, max_size=32),
    invite=st.just("") | st.text(base32, min_size=16, max_size=16),
)
def test_every_link_survives_being_written(
    host: str, ports: list[int], pin: str | None, invite: str
) -> None:
    hosts = tuple((host, port) for port in ports)
    link = JoinLink(hosts, None if pin is None else Pin(pin), "" if pin is None else invite)
    assert parse_join_target(format_join_link(link)) == link


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "http://host:80/", "p2ptui://", "p2ptui:///", "p2ptui://host/path/#" + PIN,
        "p2ptui://host/#", "p2ptui://host/#abc", f"p2ptui://host/#{PIN}x", f"p2ptui://host/#{PIN}.",
        f"p2ptui://host/#{PIN}.short", f"p2ptui://host/#{PIN}.{INVITE}a", f"host#{PIN}",
        f"p2ptui://host:0/#{PIN}", "p2ptui://" + ",".join(["h"] * 9), "p2ptui://a,,b/",
        f"p2ptui://host/#{PIN[:-1]}1",
    ],
)  # fmt: skip
def test_wrong_links_say_what_is_wrong(text: str) -> None:
    with pytest.raises(P2PError) as caught:
        parse_join_target(text)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.message
    assert caught.value.hint


@given(st.text(max_size=80))
def test_whatever_is_typed_is_a_link_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(P2PError):
        assert parse_join_target(text).hosts
