"""Small contents, many with one answer: a desk and a session that asks it, in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from p2ptui.base.errors import storage_error
from p2ptui.base.ids import ContentId
from p2ptui.net.link import Link
from p2ptui.net.requests import RequestFailed
from p2ptui.net.tasks import spawn
from p2ptui.net.throttle import Throttle
from p2ptui.net.wire import messages as m
from p2ptui.node.peer_session import PeerSession
from p2ptui.node.uploads import IDLE_S, UploadLedger
from tests.support.contents import MIB, make_bytes, make_manifest
from tests.support.eventually import eventually
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.members import Member, hello, network_of
from tests.support.offers import MemoryOffers

DATA = [make_bytes(1000 * number, seed=number) for number in range(5)]
IDS = [make_manifest(data).content_id for data in DATA]
UNKNOWN = ContentId(b"?" * 32)


class Pair:
    """Anna, who has it all, and a session of Bert to her."""

    def __init__(self, anna: Member, offers: MemoryOffers, session: PeerSession) -> None:
        self.anna = anna
        self.offers = offers
        self.session = session

    async def ask(self, wanted: Sequence[ContentId], room: int) -> tuple[list[int | None], bytes]:
        """The sizes and the bytes of an answer."""
        buffer = bytearray(room)
        sizes = await self.session.contents(wanted, memoryview(buffer))
        return list(sizes), bytes(buffer[: sum(size or 0 for size in sizes)])


@asynccontextmanager
async def pair(up: Throttle | None = None) -> AsyncIterator[Pair]:
    network = network_of(FakeClock())
    offers = MemoryOffers(*DATA)
    anna = Member(network, "anna", offers=offers, throttles=(up or Throttle(), Throttle()))
    bert = Member(network, "bert")
    endpoint = await anna.listen()
    session = await bert.peers.session(anna.id, (endpoint,))
    try:
        yield Pair(anna, offers, session)
    finally:
        await bert.close()
        await anna.close()


@virtual_time
async def test_all_come_with_one_answer_in_the_order_of_asking() -> None:
    async with pair() as rig:
        assert m.CONTENTS_FEATURE in rig.session.features
        wanted = [IDS[3], UNKNOWN, IDS[0], IDS[1]]
        sizes, data = await rig.ask(wanted, 5000)
        assert sizes == [3000, None, 0, 1000]
        assert data == DATA[3] + DATA[1]
        (upload,) = rig.anna.ledger.current
        assert (upload.name, upload.sent, upload.size) == ("small", 4000, 4000)


@virtual_time
async def test_nothing_of_it_is_an_answer_too() -> None:
    async with pair() as rig:
        assert await rig.ask([UNKNOWN, UNKNOWN], 0) == ([None, None], b"")
        assert await rig.ask([IDS[0]], 0) == ([0], b"")


@virtual_time
async def test_what_goes_beyond_the_limit_is_left_out() -> None:
    async with pair() as rig:
        sizes, data = await rig.ask([IDS[2], IDS[4], IDS[1]], 3500)
        assert (sizes, data) == ([2000, None, 1000], DATA[2] + DATA[1])


@virtual_time
async def test_all_that_is_taken_in_a_row_is_one_upload_that_ends_by_itself() -> None:
    async with pair() as rig:
        for content in IDS[1:]:
            await rig.ask([content], 5000)
        ledger: UploadLedger = rig.anna.ledger
        await ledger.sweep()
        (upload,) = ledger.current
        assert (upload.sent, upload.content) == (10_000, b"")
        await asyncio.sleep(IDLE_S + 1)
        await ledger.sweep()
        assert not ledger.current


@virtual_time
async def test_who_has_no_slot_is_told_its_place() -> None:
    async with pair() as rig:
        rig.anna.ledger.slots.set_count(0)
        with pytest.raises(RequestFailed) as failure:
            await rig.ask([IDS[1]], 1000)
        assert (failure.value.code, failure.value.place) == ("busy", 1)


@virtual_time
async def test_a_store_that_fails_is_told() -> None:
    async with pair() as rig:
        rig.offers.trouble = storage_error("no disk", "none")
        with pytest.raises(RequestFailed) as failure:
            await rig.ask([IDS[1]], 1000)
        assert failure.value.code == "internal"


@virtual_time
async def test_an_answer_that_is_no_longer_wanted_ends() -> None:
    big = [make_bytes(MIB, seed=10 + number) for number in range(8)]
    async with pair(up=Throttle(rate_bps=MIB)) as rig:
        rig.offers.contents.update({make_manifest(data).content_id: data for data in big})
        wanted = [make_manifest(data).content_id for data in big]
        asking = spawn(rig.ask(wanted, 8 * MIB), name="ask")
        await eventually(lambda: any(each.sent for each in rig.anna.ledger.current), 60.0)
        asking.cancel()
        await asyncio.wait({asking})
        (upload,) = rig.anna.ledger.current
        await eventually(lambda: not upload.busy, 60.0)
        assert upload.sent < 4 * MIB


@pytest.mark.parametrize(
    "answer",
    [
        m.Contents(0, (1000, 1)),
        m.Contents(0, (1001,)),
        m.Failure(0, "not_shared"),
    ],
)
@virtual_time
async def test_an_answer_that_does_not_fit_its_question_fails_it(answer: object) -> None:
    network = network_of(FakeClock())
    bert = Member(network, "bert")
    liar = network.host("liar")
    served = asyncio.Event()

    async def serve(link: Link) -> None:
        await link.send(hello("liar"))
        await link.receive()
        await link.receive()
        await link.send(answer)
        await served.wait()

    listening = await liar.listen("", 7071, serve)
    session = await bert.peers.session(liar.peer_id, (listening.endpoint,))
    with pytest.raises(RequestFailed):
        await session.contents([IDS[1]], memoryview(bytearray(1000)))
    served.set()
    await bert.close()
    await listening.close()
