import pytest

from p2ptui.base.addresses import (
    counting_key,
    format_address,
    is_address,
    is_private,
    parse_address,
    plain_address,
)
from p2ptui.base.errors import ExitCode, P2PError


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1",
        "172.31.255.255", "192.168.0.1", "169.254.1.1", "100.64.0.1", "100.127.255.255",
        "fc00::1", "fdff::1", "fe80::1", "fe80::1%eth0", "febf::1", "::1", "::ffff:192.168.1.1",
    ],
)  # fmt: skip
def test_private_ranges_of_open_mode(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8", "126.255.255.255", "128.0.0.1", "9.255.255.255", "11.0.0.0", "172.15.255.255",
        "172.32.0.0", "192.167.255.255", "192.169.0.0", "169.253.1.1", "100.63.255.255",
        "100.128.0.0", "2001:db8::1", "fec0::1", "fe00::1", "::", "::2", "0.0.0.0", "224.0.0.1",
        "::ffff:8.8.8.8", "192.0.2.1", "198.18.0.1", "240.0.0.1", "localhost", "", "10.0.0.1.evil",
        "64:ff9b::a00:1", "2002:a00:1::",
    ],
)  # fmt: skip
def test_everything_else_needs_an_invite(address: str) -> None:
    assert not is_private(address)


def test_an_address_that_was_mapped_is_shown_plain() -> None:
    assert plain_address("::ffff:1.2.3.4") == "1.2.3.4"
    assert plain_address("fe80::1%eth0") == "fe80::1%eth0"
    assert plain_address("host") == "host"
    assert is_address("fe80::1%eth0")
    assert not is_address("host")


def test_callers_are_counted_by_address_or_by_64() -> None:
    assert counting_key("1.2.3.4") == counting_key("::ffff:1.2.3.4") != counting_key("1.2.3.5")
    assert counting_key("2001:db8::1") == counting_key("2001:db8::ffff:2")
    assert counting_key("2001:db8::1") != counting_key("2001:db8:0:1::1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host", ("host", 7)),
        (" host:80 ", ("host", 80)),
        ("my-host.lan:65535", ("my-host.lan", 65535)),
        ("1.2.3.4:0", ("1.2.3.4", 0)),
        ("[::1]", ("::1", 7)),
        ("[fe80::1%eth0]:80", ("fe80::1%eth0", 80)),
        ("2001:db8::1", ("2001:db8::1", 7)),
    ],
)
def test_addresses_are_parsed(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text, 7) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", ":80", "host:", "host:x", "host:-1", "host:65536", "host:8 0", "ho st", "[::1",
        "[::1]80", "[::1]:", "[host]:80", "::1:::80", "-host", "host:٣", "a/b",
        "ho\x1bst", "x" * 256, "a@b:1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_a_usage_error(text: str) -> None:
    with pytest.raises(P2PError) as caught:
        parse_address(text, 7)
    assert caught.value.exit_code is ExitCode.USAGE
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("address", [("host", 1), ("1.2.3.4", 80), ("::1", 65535)])
def test_written_and_read_again(address: tuple[str, int]) -> None:
    assert parse_address(format_address(*address), 7) == address
