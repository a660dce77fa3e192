"""Lines that break, refuse, spoil and delay (F79, F105): a chaos proxy between real processes."""

from collections.abc import Iterator

import pytest

from tests.support.chaos_proxy import FAIR, Cut, Weather
from tests.support.fault_room import MIB, FaultRoom, opened_room
from tests.support.processes import opened, until

SIZE = 16 * MIB


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultRoom]:
    """Anna and cleo, each behind a line of her own; ben takes, 8 MB/s at most."""
    for world in opened(tmp_path_factory.mktemp("room")):
        for made in opened_room(world):
            made.source("anna")
            made.source("cleo")
            made.taker("ben", env={"P2PTUI_PEER_DOWN_LIMIT": "8 MB/s"})
            yield made


@pytest.fixture(autouse=True)
def fair_weather(room: FaultRoom) -> Iterator[None]:
    yield
    for line in room.lines.values():
        line.weather(FAIR)
        line.open_door()


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_f79_a_line_that_is_cut_costs_its_source_and_no_more(room: FaultRoom, how: Cut) -> None:
    original = room.offer(f"two-{how}.bin", SIZE, "anna", "cleo")
    number = room.begin("ben", original.name)
    room.until_begun("ben", number)
    room.lines["anna"].close_door()
    room.lines["anna"].cut(how)
    room.finished("ben", number, original)
    losses = room.losses("ben", number)
    assert {nick for nick, _why in losses} == {"anna"}
    assert all(why.startswith("connection lost: ") for _nick, why in losses), losses


def test_f79_the_only_source_is_tried_again_until_it_is_back(room: FaultRoom) -> None:
    original = room.offer("one.bin", SIZE, "anna")
    line = room.lines["anna"]
    before = line.accepted
    line.cut_after(3 * MIB, "rst")
    number = room.begin("ben", original.name)
    room.until_begun("ben", number)
    until(lambda: len(room.losses("ben", number)) == 1, "the first cut")
    line.cut_after(3 * MIB, "fin")
    until(lambda: len(room.losses("ben", number)) == 2, "the second cut")
    line.close_door()
    line.cut()
    told = room.peers["ben"].process.wait_for("fetch_state", id=number, state="stalled")
    assert "Connect call failed" not in told["reason"]
    assert line.address in told["reason"], "where it was tried"
    line.open_door()
    room.finished("ben", number, original)
    assert line.accepted >= before + 3


def test_a_byte_that_is_spoilt_on_its_way_ends_the_connection_and_blames_nobody(
    room: FaultRoom,
) -> None:
    original = room.offer("spoilt.bin", SIZE, "anna")
    line = room.lines["anna"]
    line.flip_after(4 * MIB)
    number = room.begin("ben", original.name)
    room.finished("ben", number, original)
    (loss,) = room.losses("ben", number)
    assert loss[0] == "anna"
    assert loss[1].startswith("connection lost: "), loss
    assert "SSL" not in loss[1]


def test_f105_delay_and_bursts_make_it_slower_and_no_worse(room: FaultRoom) -> None:
    original = room.offer("far.bin", 4 * MIB, "anna", "cleo")
    far = Weather(delay_s=0.25, jitter_s=0.25)
    for line in room.lines.values():
        line.weather(far)
    number = room.begin("ben", original.name)
    room.finished("ben", number, original)
    assert room.losses("ben", number) == []
