"""What is given while it is fetched, as the tracker is told."""

import asyncio
from pathlib import Path

from p2ptui.base.ids import ContentId
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.offering import PACE_S, Offering
from tests.support.contents import MIB, make_bytes
from tests.support.eventually import eventually
from tests.support.fake_time import virtual_time
from tests.support.fetch_rig import fetching
from tests.support.tracker_rig import content_of

ONE, OTHER = content_of("one"), content_of("other")


@virtual_time
async def test_each_tracker_is_told_all_and_then_what_changes() -> None:
    offering = Offering()
    offering.add(ONE)
    told: list[object] = []
    telling = spawn(offering.tell(told.append), name="tell")
    await asyncio.sleep(PACE_S * 2)
    assert told == [m.Offering((ONE,))]
    offering.add(OTHER)
    offering.remove(ONE)
    offering.add(OTHER)
    await asyncio.sleep(PACE_S * 2)
    assert told[1:] == [m.Offering((OTHER,))], "what changes at one time goes in one message"
    telling.cancel()
    again: list[object] = []
    telling = spawn(offering.tell(again.append), name="tell")
    await asyncio.sleep(PACE_S)
    assert again == [m.Offering((OTHER,))]
    offering.remove(OTHER)
    await asyncio.sleep(PACE_S * 2)
    assert again[-1] == m.Offering(())
    telling.cancel()


@virtual_time
async def test_of_too_many_the_first_are_told_and_messages_keep_their_distance() -> None:
    offering = Offering()
    told: list[m.Offering] = []
    telling = spawn(offering.tell(told.append), name="tell")  # type: ignore[arg-type]
    contents = [content_of(str(number)) for number in range(m.MAX_OFFERING + 9)]
    for content in contents:
        offering.add(content)
        await asyncio.sleep(PACE_S / 10)
    await asyncio.sleep(PACE_S * 2)
    assert told[-1].contents == tuple(contents[: m.MAX_OFFERING])
    assert len(told) <= len(contents) / 10 + 2
    offering.remove(contents[0])
    await asyncio.sleep(PACE_S * 2)
    assert contents[m.MAX_OFFERING] in told[-1].contents
    telling.cancel()


@virtual_time
async def test_a_fetch_offers_what_it_has_from_the_first_chunk_to_its_end(tmp_path: Path) -> None:
    async with fetching(tmp_path, make_bytes(4 * MIB), ["anna"]) as rig:
        (anna,) = rig.peers
        anna.chunk_s = 1.0
        told: list[tuple[ContentId, ...]] = []
        post = lambda message: told.append(message.contents)  # noqa: E731
        telling = spawn(rig.tracker.offering.tell(post), name="tell")
        fetch, run = rig.start()
        await eventually(lambda: fetch.picker is not None)
        assert told == [], "there is nothing to give yet"
        await eventually(lambda: bool(told))
        assert fetch.picker is not None
        assert 0 < fetch.picker.have.count < 4
        assert told == [(rig.manifest.content_id,)]
        await run
        await eventually(lambda: told[-1] == ())
        telling.cancel()
