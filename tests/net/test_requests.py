"""Questions and answers on one link."""

import asyncio

import pytest

from p2ptui.net.link import LinkClosed
from p2ptui.net.requests import RequestFailed, Requests
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.errors import ProtocolViolation
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.memory_net import MemoryLink, peer_pair
from tests.support.messages import CONTENT, PEER_HELLO


async def asker_and_other() -> tuple[Requests, MemoryLink, MemoryLink]:
    """Requests on one end, both ends greeted; the asking end hands its messages on."""
    ours, theirs = peer_pair(FakeClock())
    for link in (ours, theirs):
        await link.send(PEER_HELLO)
    assert await ours.receive() == await theirs.receive() == PEER_HELLO
    requests = Requests(ours)

    async def hand_on() -> None:
        try:
            while True:
                requests.answer(await ours.receive())
        except LinkClosed as end:
            requests.fail_all(end)

    spawn(hand_on(), name="hand on")
    return requests, ours, theirs


def manifest_of(number: int) -> m.GetManifest:
    return m.GetManifest(number, CONTENT)


@virtual_time
async def test_answers_reach_who_asked_in_any_order() -> None:
    requests, _, theirs = await asker_and_other()
    asked = [
        spawn(requests.ask(manifest_of, 5, m.Manifest), name="a"),
        spawn(requests.ask(manifest_of, 5, m.Manifest), name="b"),
    ]
    numbers = []
    for _ in asked:
        request = await theirs.receive()
        assert isinstance(request, m.GetManifest)
        numbers.append(request.id)
    assert len(set(numbers)) == 2
    for number in reversed(numbers):
        theirs.post(m.Manifest(number, number, 0))
    assert [(await answer).size for answer in asked] == numbers
    assert len(requests) == 0


@virtual_time
async def test_a_failure_is_raised_with_its_place_in_the_queue() -> None:
    requests, _, theirs = await asker_and_other()
    asked = spawn(requests.ask(manifest_of, 5), name="ask")
    request = await theirs.receive()
    assert isinstance(request, m.GetManifest)
    theirs.post(m.Failure(request.id, "busy", "all slots are taken", 3))
    with pytest.raises(RequestFailed) as caught:
        await asked
    assert (caught.value.code, caught.value.place) == ("busy", 3)
    assert str(caught.value) == "busy: all slots are taken"


@virtual_time
async def test_an_answer_of_another_kind_is_a_violation() -> None:
    requests, _, theirs = await asker_and_other()
    asked = asyncio.gather(requests.ask(manifest_of, 5, m.Manifest), return_exceptions=True)
    request = await theirs.receive()
    assert isinstance(request, m.GetManifest)
    theirs.post(m.Have(request.id, True))
    (error,) = await asked
    assert isinstance(error, ProtocolViolation)


@virtual_time
async def test_f31_a_late_or_unknown_answer_is_dropped_and_counted() -> None:
    requests, _, theirs = await asker_and_other()
    with pytest.raises(TimeoutError):
        await requests.ask(manifest_of, 5)
    request = await theirs.receive()
    assert isinstance(request, m.GetManifest)
    theirs.post(m.Manifest(request.id, 1, 0))
    theirs.post(m.Failure(4_000_000_000, "gone"))
    assert isinstance(await requests.ask(m.Ping, 5, m.Pong), m.Pong)
    assert requests.dropped == 2
    assert len(requests) == 0


@virtual_time
async def test_the_other_sides_own_request_with_our_number_is_no_answer() -> None:
    requests, _, theirs = await asker_and_other()
    asked = spawn(requests.ask(manifest_of, 5, m.Manifest), name="ask")
    request = await theirs.receive()
    assert isinstance(request, m.GetManifest)
    assert not requests.answer(m.GetManifest(request.id, CONTENT))
    assert not requests.answer(m.Ping(request.id))
    assert requests.dropped == 0
    theirs.post(m.Manifest(request.id, 7, 0))
    assert (await asked).size == 7


@virtual_time
async def test_the_end_of_the_link_is_raised_at_all_that_wait() -> None:
    requests, _, theirs = await asker_and_other()
    asked = asyncio.gather(
        *(requests.ask(manifest_of, 5) for _ in range(3)), return_exceptions=True
    )
    await theirs.receive()
    await theirs.close("stopping", "good night")
    for error in await asked:
        assert isinstance(error, LinkClosed)
        assert (error.code, error.theirs) == ("stopping", True)
    with pytest.raises(LinkClosed):
        await requests.ask(manifest_of, 5)


@virtual_time
async def test_numbers_wrap_around_and_skip_those_in_use() -> None:
    requests, _, theirs = await asker_and_other()
    asked = spawn(requests.ask(manifest_of, 5, m.Manifest), name="ask")
    request = await theirs.receive()
    assert isinstance(request, m.GetManifest)
    requests._last_id = 2**32 - 2
    numbers = [requests.next_id() for _ in range(3)]
    assert numbers == [2**32 - 1, 0, 2]
    assert request.id == 1
    theirs.post(m.Manifest(1, 7, 0))
    await asked
