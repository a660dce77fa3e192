"""The tracker's relay: tickets, bounds, ends (PROTOCOL.md 3)."""

import asyncio
import secrets

import pytest

from p2ptui.net.pipe import PipeEnd
from tests.net.test_pipe import Cable, opened
from tests.support.fake_time import virtual_time
from tests.support.memory_net import peer_id_of
from tracker.relay import GO, IDLE_S, MAX_PAIRS, MAX_PER_MEMBER, TICKET_S, NoRelay, Relay

ANNA, BERT, CORA = map(peer_id_of, ("anna", "bert", "cora"))


def come(relay: Relay, peer: str, ticket: bytes) -> tuple[PipeEnd, Cable]:
    end = relay.tunnel(peer_id_of(peer))
    cable = opened(end)
    end.data_received(ticket)
    return end, cable


@virtual_time
async def test_two_with_the_same_ticket_are_joined() -> None:
    relay = Relay()
    ticket = relay.open(ANNA, BERT)
    anna, to_anna = come(relay, "anna", ticket)
    assert not to_anna.sent
    bert, to_bert = come(relay, "bert", ticket)
    assert to_anna.sent == to_bert.sent == GO
    anna.data_received(b"hello")
    bert.data_received(b"there")
    assert (to_bert.sent, to_anna.sent) == (GO + b"hello", GO + b"there")
    assert relay.passed == 10, "of pairs that run as well"
    anna.connection_lost(None)
    assert to_bert.closing
    bert.connection_lost(None)
    assert len(relay) == 0
    assert relay.passed == 10


@virtual_time
async def test_a_ticket_is_for_these_two_once_and_for_ten_seconds() -> None:
    relay = Relay()
    ticket = relay.open(ANNA, BERT)
    for peer, shown in (("cora", ticket), ("anna", secrets.token_bytes(16))):
        _, cable = come(relay, peer, shown)
        assert cable.aborted
    _, first = come(relay, "anna", ticket)
    _, second = come(relay, "anna", ticket)
    assert (first.aborted, second.aborted) == (False, True)
    await asyncio.sleep(TICKET_S + 0.1)
    assert first.aborted
    _, late = come(relay, "bert", ticket)
    assert late.aborted


@virtual_time
async def test_a_caller_that_shows_no_ticket_is_gone_in_time() -> None:
    relay = Relay()
    cable = opened(relay.tunnel(ANNA))
    await asyncio.sleep(TICKET_S + 0.1)
    assert cable.aborted


@virtual_time
async def test_a_silent_pair_is_ended_and_a_busy_one_is_not() -> None:
    relay = Relay()
    ticket = relay.open(ANNA, BERT)
    anna, to_anna = come(relay, "anna", ticket)
    come(relay, "bert", ticket)
    for _ in range(3):
        anna.data_received(b"x")
        await asyncio.sleep(IDLE_S - 1)
        assert not to_anna.aborted
    await asyncio.sleep(2 * IDLE_S)
    assert to_anna.aborted


@virtual_time
async def test_pairs_are_bounded_for_one_member_and_in_all() -> None:
    relay = Relay()
    for number in range(MAX_PER_MEMBER):
        relay.open(ANNA, peer_id_of(f"other-{number}"))
    with pytest.raises(NoRelay, match="you may have"):
        relay.open(ANNA, BERT)
    with pytest.raises(NoRelay, match="the other member"):
        relay.open(BERT, ANNA)
    for number in range(MAX_PAIRS - MAX_PER_MEMBER):
        relay.open(peer_id_of(f"a-{number}"), peer_id_of(f"b-{number}"))
    with pytest.raises(NoRelay, match="already"):
        relay.open(BERT, CORA)


@virtual_time
async def test_all_pairs_share_one_rate() -> None:
    relay = Relay(limit_bps=100_000)
    ticket = relay.open(ANNA, BERT)
    anna, _ = come(relay, "anna", ticket)
    bert, _ = come(relay, "bert", ticket)
    began, passed = asyncio.get_running_loop().time(), 0
    while passed < 1_000_000:
        for end in (anna, bert):
            if end._reading:
                end.data_received(b"x" * 10_000)
                passed += 10_000
        await asyncio.sleep(0.01)
    took = asyncio.get_running_loop().time() - began
    assert 8 < took < 12


@virtual_time
async def test_a_relay_that_is_off_says_so_and_ends_what_it_had() -> None:
    relay = Relay()
    ticket = relay.open(ANNA, BERT)
    _, cable = come(relay, "anna", ticket)
    relay.switch(on=False)
    assert cable.aborted
    with pytest.raises(NoRelay, match="relays nothing"):
        relay.open(ANNA, BERT)


@virtual_time
async def test_f70_what_is_relayed_for_a_kicked_member_ends() -> None:
    relay = Relay()
    kept = relay.open(BERT, CORA)
    ticket = relay.open(ANNA, BERT)
    _, cable = come(relay, "bert", ticket)
    _, other = come(relay, "bert", kept)
    relay.end(ANNA)
    assert (cable.aborted, other.aborted) == (True, False)
