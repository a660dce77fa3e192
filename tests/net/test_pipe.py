"""Two ends joined: order, heads, flow control, the end of one with the other."""

import asyncio

from p2ptui.net.pipe import PipeEnd
from tests.support.fake_time import virtual_time


class Cable(asyncio.Transport):
    """A transport that only notes what is done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.reading = True
        self.closing = False
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True


def opened(end: PipeEnd) -> Cable:
    cable = Cable()
    end.connection_made(cable)
    return cable


async def test_bytes_go_on_in_order_those_of_before_too() -> None:
    one, other = PipeEnd(), PipeEnd()
    here, there = opened(one), opened(other)
    one.data_received(b"early ")
    assert not here.reading  # nobody to pass it to
    one.join(other)
    assert here.reading
    one.data_received(b"later")
    other.data_received(b"back")
    assert (there.sent, here.sent) == (b"early later", b"back")
    assert one.passed == 11


async def test_the_head_goes_to_the_owner_and_no_further() -> None:
    heads: list[bytes] = []
    one = PipeEnd(head_bytes=4, on_head=lambda _end, head: heads.append(head))
    other = PipeEnd()
    here, there = opened(one), opened(other)
    one.data_received(b"ti")
    assert here.reading
    assert not heads
    one.data_received(b"ckfirst")
    assert heads == [b"tick"]
    assert not here.reading
    one.join(other)
    assert there.sent == b"first"


async def test_an_end_that_cannot_send_stops_the_reading_of_the_other() -> None:
    one, other = PipeEnd(), PipeEnd()
    here, there = opened(one), opened(other)
    one.join(other)
    other.pause_writing()
    assert not here.reading
    assert there.reading
    other.resume_writing()
    assert here.reading


async def test_one_end_takes_the_other_with_it_whenever_it_dies() -> None:
    one, other = PipeEnd(), PipeEnd()
    opened(one)
    there = opened(other)
    one.join(other)
    one.connection_lost(None)
    assert there.closing
    assert not there.aborted  # what it got is sent first
    late = PipeEnd()
    cable = opened(late)
    late.join(one)
    assert cable.closing


@virtual_time
async def test_a_rate_holds_the_reading_and_lets_it_go_on() -> None:
    owed = [0.5, 0.25, 0.0]
    one, other = PipeEnd(charge=lambda _amount: owed.pop(0)), PipeEnd()
    here = opened(one)
    opened(other)
    one.join(other)
    one.data_received(b"x" * 100)
    assert not here.reading
    await asyncio.sleep(0.6)
    assert not here.reading  # asked again, it said 0.25 s more
    await asyncio.sleep(0.3)
    assert here.reading
