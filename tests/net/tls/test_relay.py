"""Members that reach each other through the tracker: end to end encrypted, bounded, told."""

import asyncio
import re

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import PeerId
from p2ptui.net.dialer import Deadlines
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.pipe import PipeEnd
from p2ptui.net.tasks import spawn
from p2ptui.net.tls_network import TlsNetwork
from p2ptui.net.wire import messages as m
from tests.support.tls_swarm import HOST, TlsSwarm, greet, until

SIZE = 3_000_000


class Sink:
    """Takes payloads into one buffer."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)
        self.filled = 0

    def data_buffer(self, _request_id: int, offset: int, length: int) -> memoryview:
        return memoryview(self.data)[offset : offset + length]

    def data_received(self, _request_id: int, _offset: int, length: int) -> None:
        self.filled += length


def id_of(network: TlsNetwork) -> PeerId:
    return network._credentials.peer_id


async def relayed(swarm: TlsSwarm, taker: TlsNetwork, source: TlsNetwork) -> tuple[Link, Link]:
    """Both ends of a greeted link through the tracker."""
    ticket = swarm.relay.open(id_of(taker), id_of(source))
    dialling = spawn(taker.dial_relayed(HOST, swarm.port, ticket, id_of(source)), name="taker")
    there = await source.accept_relayed(HOST, swarm.port, ticket, id_of(taker))
    here = await dialling
    answer = spawn(greet(there), name="greet")
    await greet(here)
    await answer
    return here, there


async def test_two_members_talk_through_the_tracker_and_prove_who_they_are(
    swarm: TlsSwarm,
) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    here, there = await relayed(swarm, anna, bert)
    assert (here.peer_id, there.peer_id) == (id_of(bert), id_of(anna))
    sink = Sink(SIZE)
    here.set_sink(sink)
    payload = bytes(range(256)) * (SIZE // 256 + 1)
    await there.send_data(1, 0, payload[:SIZE])
    await until(lambda: sink.filled == SIZE)
    assert sink.data == payload[:SIZE]
    await here.close()
    with pytest.raises(LinkClosed) as caught:
        await there.receive()
    assert caught.value.code == "done"
    await until(lambda: len(swarm.relay) == 0)
    assert swarm.relay.passed > SIZE


async def test_the_tracker_sees_ciphertext(
    swarm: TlsSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = bytearray()
    received = PipeEnd.data_received

    def watched(end: PipeEnd, data: bytes) -> None:
        passed.extend(data)
        received(end, data)

    monkeypatch.setattr(PipeEnd, "data_received", watched)
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    here, there = await relayed(swarm, anna, bert)
    sink = Sink(70_000)
    here.set_sink(sink)
    secret = b"a secret of ours" * 4000
    await there.send_data(1, 0, secret)
    await until(lambda: sink.filled == len(secret))
    assert len(passed) > len(secret)
    assert not re.search(b"a secret|peer_hello", bytes(passed))
    await here.close()


async def test_another_member_at_the_other_end_is_a_security_stop(swarm: TlsSwarm) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    cora = await swarm.member("cora")
    ticket = swarm.relay.open(id_of(anna), id_of(cora))
    coming = spawn(_swallow(cora.accept_relayed(HOST, swarm.port, ticket, id_of(anna))), name="c")
    with pytest.raises(P2PError) as caught:
        await anna.dial_relayed(HOST, swarm.port, ticket, id_of(bert))
    assert caught.value.exit_code is ExitCode.SECURITY
    await coming


async def test_nobody_who_does_not_come_is_waited_for_long(
    swarm: TlsSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2ptui.net.relay.JOIN_S", 0.2)
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    ticket = swarm.relay.open(id_of(anna), id_of(bert))
    with pytest.raises(P2PError, match="did not come in time"):
        await anna.dial_relayed(HOST, swarm.port, ticket, id_of(bert))
    with pytest.raises(P2PError, match="did not come"):
        await anna.dial_relayed(HOST, swarm.port, b"x" * 16, id_of(bert))


async def test_a_tracker_that_relays_nothing_is_told_as_such(swarm: TlsSwarm) -> None:
    anna = await swarm.member("anna")
    anna._deadlines = Deadlines(connect_s=1, tls_s=1)
    swarm.context.set_alpn_protocols([m.ALPN])
    with pytest.raises(P2PError) as caught:
        await anna.dial_relayed(HOST, swarm.port, b"x" * 16, id_of(anna))
    assert caught.value.exit_code is ExitCode.UNREACHABLE


async def test_f70_a_kick_ends_a_relayed_link_too(swarm: TlsSwarm) -> None:
    anna, bert = await swarm.member("anna"), await swarm.member("bert")
    here, _there = await relayed(swarm, anna, bert)
    kicks = await asyncio.to_thread(swarm.authority.kick, id_of(bert), "rude")
    assert await anna.apply_kicks(kicks)
    with pytest.raises(LinkClosed) as caught:
        await here.receive()
    assert caught.value.code == "kicked"


async def _swallow(coming: object) -> None:
    try:
        await coming  # type: ignore[misc]
    except P2PError:
        pass
