from collections.abc import AsyncGenerator, Awaitable, Callable

from p2ptui.base.bus import Bus
from p2ptui.base.errors import unreachable
from p2ptui.net.feed import follow
from tests.support.fake_time import VirtualTimeLoop, virtual_time


def _feed(
    bus: Bus[str], read: Callable[[], Awaitable[object]] | None, interval_s: float = 1.0
) -> AsyncGenerator[str, None]:
    return follow(
        bus,
        {} if read is None else {"status": read},
        interval_s,
        section=lambda name, value: f"{name}={value}",
        resync=lambda dropped: f"resync {dropped}",
        last=lambda item: item == "stopped",
    )


class _Status:
    def __init__(self) -> None:
        self.value = 1
        self.reads = 0
        self.fails = False

    async def read(self) -> object:
        self.reads += 1
        if self.fails:
            raise unreachable("not running")
        return self.value


def _now() -> float:
    import asyncio

    return asyncio.get_running_loop().time()


@virtual_time
async def test_sections_come_first_then_events_then_only_what_changed() -> None:
    bus: Bus[str] = Bus()
    status = _Status()
    feed = _feed(bus, status.read)
    assert await anext(feed) == "status=1"
    bus.publish("joined")
    started = _now()
    assert await anext(feed) == "joined"
    assert _now() == started  # an event waits for no interval

    def change() -> None:
        status.value = 2

    import asyncio

    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop.call_later(4.5, change)
    assert await anext(feed) == "status=2"
    assert _now() - started == 5.0
    assert status.reads == 6  # looked at each second, told once
    await feed.aclose()
    assert bus.followers == 0


@virtual_time
async def test_a_slow_reader_is_told_to_resync_and_gets_the_sections_anew() -> None:
    bus: Bus[str] = Bus()
    feed = _feed(bus, _Status().read)
    assert await anext(feed) == "status=1"
    bus.publish("an event that is not lost")
    assert await anext(feed) == "an event that is not lost"
    for number in range(1500):
        bus.publish(str(number))
    assert await anext(feed) == "resync 1024"
    rest = [await anext(feed) for _ in range(476)]
    assert rest == [str(number) for number in range(1024, 1500)]
    assert await anext(feed) == "status=1"
    await feed.aclose()


@virtual_time
async def test_a_section_that_cannot_be_read_is_tried_again() -> None:
    bus: Bus[str] = Bus()
    status = _Status()
    status.fails = True
    feed = _feed(bus, status.read)
    bus_event = anext(feed)
    # Nothing is told before there is something to tell.
    import asyncio

    task = asyncio.ensure_future(bus_event)  # noqa: TID251  (the test looks at it half way)
    await asyncio.sleep(2.5)
    assert not task.done()
    status.fails = False
    assert await task == "status=1"
    await feed.aclose()


@virtual_time
async def test_the_feed_ends_after_the_last_event() -> None:
    bus: Bus[str] = Bus()
    feed = _feed(bus, None)
    import asyncio

    async def read_all() -> list[str]:
        return [item async for item in feed]

    reading = asyncio.ensure_future(read_all())  # noqa: TID251  (it must follow before we publish)
    await asyncio.sleep(0)
    bus.publish("listening")
    bus.publish("stopped")
    bus.publish("never seen")
    assert await reading == ["listening", "stopped"]
    assert bus.followers == 0
