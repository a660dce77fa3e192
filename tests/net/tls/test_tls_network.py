import asyncio
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.identity import BadIdentity, new_key
from p2ptui.net.kicks import sign_kicks
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.refusals import is_expired
from p2ptui.net.tls import load_leaf
from p2ptui.net.tls_network import TlsNetwork
from p2ptui.net.wire.messages import Hello, Kick, Welcome
from tests.support.tls_swarm import (
    DAY_S,
    HOST,
    PeerPort,
    ShiftedClock,
    TlsSwarm,
    greet,
    network_of,
    until,
)

HELLO = Hello(0, (), "test", "anna", 0, (), 0, 0, 0, bytes(16))


async def welcomed(network: TlsNetwork, swarm: TlsSwarm) -> Link:
    link = await network.dial_tracker(HOST, swarm.port)
    await link.send(HELLO)
    assert isinstance(await link.receive(), Welcome)
    return link


async def test_a_member_is_known_by_its_key_on_both_sides(swarm: TlsSwarm) -> None:
    network = await swarm.member("anna")
    link = await welcomed(network, swarm)
    assert link.peer_id == swarm.authority.tracker_id
    at_tracker = await swarm.members.get()
    assert at_tracker.peer_id == network._credentials.peer_id
    assert at_tracker.remote.host == HOST
    await link.close()


async def test_a_renewed_leaf_is_shown_from_the_next_handshake_on(swarm: TlsSwarm) -> None:
    swarm.clock.shift_s = -3 * DAY_S
    anna = await swarm.member("anna")
    swarm.clock.shift_s = 0
    assert anna.renewal_due
    port = await PeerPort.open(anna)
    bert = await swarm.member("bert")
    before = await bert.dial_peer(port.endpoint, None)
    await greet(before)
    old = anna.membership.leaf
    fresh = swarm.authority.issue(anna.csr(), expect=anna._credentials.peer_id)
    await anna.replace_leaf(fresh)
    assert not anna.renewal_due
    assert not before.closed
    after = await bert.dial_peer(port.endpoint, None)
    assert shown_by(before) == old
    assert shown_by(after) == fresh
    await greet(after)
    await welcomed(anna, swarm)
    saved = anna._credentials.membership(swarm.authority.pin)
    assert saved == anna.membership
    assert saved is not None
    assert saved.leaf == fresh
    await port.listener.close()


def shown_by(link: Link) -> bytes:
    """The certificate that the other side showed."""
    tls = link._transport.get_extra_info("ssl_object")  # type: ignore[attr-defined]
    der = tls.getpeercert(binary_form=True)
    assert isinstance(der, bytes)
    return der


async def test_a_leaf_that_is_not_ours_is_not_taken(swarm: TlsSwarm) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    before = anna.membership
    for wrong in (bert.membership.leaf, b"", swarm.authority.leaf_der):
        with pytest.raises(P2PError) as caught:
            await anna.replace_leaf(wrong)
        assert caught.value.exit_code is ExitCode.SECURITY
    assert anna.membership == before
    await welcomed(anna, swarm)


async def test_f9_an_expired_member_renews_itself_on_calling_the_tracker(swarm: TlsSwarm) -> None:
    swarm.clock.shift_s = -8 * DAY_S
    credentials, membership = await swarm.join("anna")
    swarm.clock.shift_s = 0
    anna = network_of(credentials, membership, swarm.clock)
    port = await PeerPort.open(await swarm.member("bert"))
    with pytest.raises(P2PError) as caught:
        await anna.dial_peer(port.endpoint, None)
    assert caught.value.title == "Our certificate has expired"
    await welcomed(anna, swarm)
    await greet(await anna.dial_peer(port.endpoint, None))
    assert credentials.membership(membership.pin) == anna.membership
    await port.listener.close()


async def test_f9_who_does_not_know_that_it_expired_can_rejoin(swarm: TlsSwarm) -> None:
    swarm.clock.shift_s = -8 * DAY_S
    credentials, membership = await swarm.join("anna")
    swarm.clock.shift_s = 0
    anna = network_of(credentials, membership, ShiftedClock(-8 * DAY_S))
    link = await anna.dial_tracker(HOST, swarm.port)
    link.post(HELLO)
    with pytest.raises(LinkClosed) as caught:
        await link.receive()
    assert is_expired(caught.value)
    assert not is_expired(LinkClosed("gone"))
    await anna.rejoin(HOST, swarm.port)
    await welcomed(anna, swarm)


async def test_f112_members_exchange_files_without_the_tracker(swarm: TlsSwarm) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    await swarm.close()
    port = await PeerPort.open(anna)
    await greet(await bert.dial_peer(port.endpoint, anna._credentials.peer_id))
    await port.listener.close()


async def test_f112_with_an_expired_certificate_the_tracker_is_needed(swarm: TlsSwarm) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    port = await PeerPort.open(anna)
    await swarm.close()
    swarm.clock.shift_s = 8 * DAY_S
    with pytest.raises(P2PError) as caught:
        await bert.dial_peer(port.endpoint, anna._credentials.peer_id)
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert "certificate has expired" in caught.value.title
    assert "tracker" in caught.value.hint
    await port.listener.close()


async def test_a_kick_closes_live_links_and_bars_new_ones(swarm: TlsSwarm) -> None:
    anna, bert, cora = [await swarm.member(name) for name in ("anna", "bert", "cora")]
    port = await PeerPort.open(anna)
    kicked, stays = (
        await bert.dial_peer(port.endpoint, None),
        await cora.dial_peer(port.endpoint, None),
    )
    for link in (kicked, stays):
        await greet(link)
    bert_port = await PeerPort.open(bert)
    out = await anna.dial_peer(bert_port.endpoint, None)
    await greet(out)

    bert_id = bert._credentials.peer_id
    kick_list = await asyncio.to_thread(swarm.authority.kick, bert_id, "rude")
    assert await anna.apply_kicks(kick_list)
    for link in (kicked, out):
        with pytest.raises(LinkClosed) as caught:
            await link.receive()
        assert caught.value.code == "kicked"
    assert not stays.closed

    # Coming back is answered with the reason; going there is refused by ourselves.
    again = await bert.dial_peer(port.endpoint, None)
    with pytest.raises(LinkClosed) as caught:
        await greet(again)
    assert caught.value.code == "kicked"
    with pytest.raises(P2PError) as refused:
        await anna.dial_peer(bert_port.endpoint, None)
    assert refused.value.exit_code is ExitCode.SECURITY
    tracker_link = await bert.dial_tracker(HOST, swarm.port)
    with pytest.raises(LinkClosed) as caught:
        await tracker_link.receive()
    assert caught.value.code == "kicked"

    # It is remembered, and an older list does not bring anybody back.
    book = anna._credentials.kick_book(anna.membership)
    assert book.is_kicked(bert_id, swarm.clock.wall())
    assert not await anna.apply_kicks(kick_list)
    unbanned = swarm.authority.unban(bert_id)
    assert unbanned is not None
    assert await anna.apply_kicks(unbanned)
    await greet(await bert.dial_peer(port.endpoint, None))
    for each in (port, bert_port):
        await each.listener.close()


async def test_a_forged_kick_list_kicks_nobody(swarm: TlsSwarm) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    port = await PeerPort.open(anna)
    link = await bert.dial_peer(port.endpoint, None)
    await greet(link)
    kick = Kick(peer=bert._credentials.peer_id, until=0, why="")
    with pytest.raises(BadIdentity):
        await anna.apply_kicks(sign_kicks(new_key(), 99, (kick,)))
    assert not link.closed
    assert anna.kicks.number == 0
    await port.listener.close()


async def test_where_the_tracker_was_met_is_remembered_first(swarm: TlsSwarm) -> None:
    anna = await swarm.member("anna")
    for port in range(1, 12):
        await anna.met_at("10.0.0.1", port)
    assert anna.membership.hosts[0] == ("10.0.0.1", 11)
    assert len(anna.membership.hosts) == 8
    assert anna._credentials.membership(swarm.authority.pin) == anna.membership


async def test_a_membership_whose_files_are_gone_cannot_be_used(
    swarm: TlsSwarm, tmp_path: Path
) -> None:
    credentials, membership = await swarm.join("anna")
    credentials.key_files(membership.pin).leaf.unlink()
    with pytest.raises(P2PError) as caught:
        network_of(credentials, membership, swarm.clock)
    assert caught.value.exit_code is ExitCode.SECURITY


async def test_a_ca_certificate_that_was_made_again_keeps_all_members(swarm: TlsSwarm) -> None:
    """The same key, a later end: pins and memberships hold."""
    anna = await swarm.member("anna")
    port = await PeerPort.open(anna)
    swarm.clock.shift_s = 9.5 * 365 * DAY_S
    again = type(swarm.authority).open(
        swarm.authority._folder, name="test swarm", clock=swarm.clock
    )
    assert again.ca_der != swarm.authority.ca_der
    assert again.pin == swarm.authority.pin
    swarm.clock.shift_s = 0
    swarm.authority = again
    load_leaf(swarm.context, again.key_files)
    swarm.admission._authority = again
    bert = await swarm.member("bert")
    assert bert.membership.ca == again.ca_der
    await greet(await bert.dial_peer(port.endpoint, anna._credentials.peer_id))
    await until(lambda: not port.links.empty())
    await port.listener.close()
