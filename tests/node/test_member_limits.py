"""Limits of single members, within those of all."""

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.throttle import Throttle
from p2ptui.node.member_limits import MemberLimit, MemberLimits, parse_member_limit
from tests.support.fake_time import virtual_time
from tests.support.memory_net import peer_id_of

ANNA, BERT = peer_id_of("anna"), peer_id_of("bert")
COMMON = Throttle(), Throttle()


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("anna up 1 MB/s", MemberLimit("anna", "up", 1_000_000)),
        ("yuq23opp down 500K", MemberLimit("yuq23opp", "down", 500_000)),
        ("up up up 1M", MemberLimit("up up", "up", 1_000_000)),
        ("anna up off", MemberLimit("anna", "up", None)),
    ],
)
def test_limits_as_they_are_written(text: str, limit: MemberLimit) -> None:
    assert parse_member_limit(text) == limit
    assert parse_member_limit(str(limit)) == parse_member_limit(text)


@pytest.mark.parametrize("text", ["", "anna", "anna up", "up 1M", "anna 1M", "anna up fast"])
def test_what_is_no_limit_is_a_usage_error(text: str) -> None:
    with pytest.raises(P2PError) as caught:
        parse_member_limit(text)
    assert caught.value.exit_code is ExitCode.USAGE


def test_one_is_meant_by_nick_id_or_the_beginning_of_an_id() -> None:
    assert MemberLimit("anna", "up", 1).fits(ANNA, "anna")
    assert MemberLimit(ANNA[:4], "up", 1).fits(ANNA, "x")
    assert MemberLimit(ANNA.upper(), "up", 1).fits(ANNA, "x")
    assert not MemberLimit(ANNA[:3], "up", 1).fits(ANNA, "x")
    assert not MemberLimit("Anna", "up", 1).fits(BERT, "anna")


@virtual_time
async def test_limits_are_changed_while_connections_are_open() -> None:
    limits = MemberLimits({"up": 2_000_000, "down": None}, ("anna up 1M",))
    anna = limits.narrow(ANNA, "anna", COMMON)
    bert = limits.narrow(BERT, "bert", COMMON)
    again = limits.narrow(ANNA, "anna", COMMON)
    assert again[0]._own is anna[0]._own, "all connections of a member share its limit"

    def up() -> tuple[int | None, int | None]:
        return limits.rate(ANNA, "anna", "up"), limits.rate(BERT, "bert", "up")

    assert up() == (1_000_000, 2_000_000)
    limits.set_usual("up", None)
    assert up() == (1_000_000, None)
    assert bert[0].grain == COMMON[0].grain
    limits.set_limits(("anna up off", "bert up 80K"))
    assert up() == (None, 80_000)
    assert bert[0].grain < COMMON[0].grain
    with pytest.raises(P2PError):
        limits.set_limits(("nonsense",))
    assert up() == (None, 80_000)


@virtual_time
async def test_both_limits_hold() -> None:
    common = Throttle(), Throttle(1000)
    limits = MemberLimits({"up": None, "down": 10}, ())
    _up, down = limits.narrow(ANNA, "anna", common)
    down.charge(100_000)
    assert down.charge(0) > 0
    assert common[1].charge(0) > 0
