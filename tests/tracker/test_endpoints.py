import pytest

from p2ptui.net.wire.messages import Endpoint
from tracker.endpoints import choose_endpoints, is_told_to, may_dial

LAN = "192.168.1.9"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "::1", "224.0.0.1", "ff02::1", "0.0.0.0", "::", "255.255.255.255", "169.254.1.1",
     "fe80::1", "fe80::1%eth0", "::ffff:127.0.0.1", "0.1.2.3", "example.org", "1.2.3", "", "a\x1b"],
)  # fmt: skip
def test_f59_forged_addresses_are_not_even_probed(host: str) -> None:
    assert not may_dial(host)


@pytest.mark.parametrize("host", [LAN, "10.0.0.1", "8.8.8.8", "2001:db8::5", "fd00::1"])
def test_an_address_of_some_network_may_be_probed(host: str) -> None:
    assert may_dial(host)


def test_f59_loopback_is_told_to_this_machine_alone() -> None:
    assert is_told_to("127.0.0.1", "127.0.0.1")
    assert is_told_to("127.0.0.1", "::1")
    assert not is_told_to("127.0.0.1", LAN)
    assert not is_told_to("fe80::5", LAN)
    assert is_told_to("fe80::5%eth0", "fe80::9%eth1")
    assert is_told_to(LAN, "127.0.0.1")


def test_the_observed_address_is_listed_at_once_others_only_when_proven() -> None:
    proven = (Endpoint("10.1.1.1", 7071),)
    assert choose_endpoints(LAN, 7071, (), reachable=None, asker="10.0.0.5") == (
        Endpoint(LAN, 7071),
    )
    assert choose_endpoints(LAN, 7071, proven, reachable=False, asker="10.0.0.5") == (
        Endpoint(LAN, 7071),
        Endpoint("10.1.1.1", 7071),
    )


def test_f60_other_services_ports_are_not_listed_unless_the_dial_back_met_the_member() -> None:
    for reachable in (None, False):
        assert choose_endpoints(LAN, 22, (), reachable=reachable, asker=LAN) == ()
    assert choose_endpoints(LAN, 443, (), reachable=True, asker=LAN) == (Endpoint(LAN, 443),)
    assert choose_endpoints(LAN, 0, (), reachable=None, asker=LAN) == ()


def test_no_more_endpoints_than_a_message_holds() -> None:
    proven = tuple(Endpoint(f"10.1.1.{number}", 7071) for number in range(20))
    assert len(choose_endpoints(LAN, 7071, proven, reachable=True, asker=LAN)) == 8
