"""Whole swarms from seeds: disturbed in every way, and always right in the end.

A failure prints its seed and what happened; `Room(seed)` plays the same again.
"""

from unittest import mock

import pytest

from p2ptui.net.link import Buffer
from p2ptui.node.partial import Partial
from p2ptui.node.supply import Supply
from tests.simulation.room import Room, small_chunks
from tests.support.fake_time import run_virtual

BATCHES, BATCH = 8, 25
CROWD = 50


def play(seed: int, takers: int | None = None) -> Room:
    """A swarm from its beginning to its end. Raises `AssertionError` with its story."""

    async def run() -> Room:
        room = Room(seed, takers=takers)
        try:
            await room.run()
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(
                f"{str(error) or 'not complete in time'}\n{room.report}"
            ) from error
        return room

    with small_chunks():
        return run_virtual(run())


@pytest.mark.parametrize("batch", range(BATCHES))
def test_whatever_happens_who_stays_has_the_right_bytes(batch: int) -> None:
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        play(seed)


@pytest.mark.parametrize("seed", range(2))
def test_fifty_takers(seed: int) -> None:
    room = play(seed, takers=CROWD)
    assert len(room.takers) == CROWD


@pytest.mark.parametrize("seed", [58, 247])
def test_a_cable_that_is_cut_in_the_middle_of_a_frame_is_nobodys_fault(seed: int) -> None:
    play(seed)


def test_the_same_seed_plays_the_same_again() -> None:
    assert play(5).story == play(5).story


def ends_wrong(seeds: range) -> list[str]:
    """What is said of the swarms that did not end right."""
    said = []
    for seed in seeds:
        try:
            play(seed)
        except AssertionError as error:
            said.append(str(error))
    return said


def test_an_engine_that_verifies_nothing_is_found_out() -> None:
    def accept(partial: Partial, index: int, data: Buffer) -> bool:
        partial.write_chunk(index, data)
        return True

    with mock.patch.object(Partial, "accept_chunk", accept):
        said = ends_wrong(range(60))
    assert any("wrong bytes under a final name" in text and "seed " in text for text in said)


def test_an_engine_that_blames_for_the_weather_is_found_out() -> None:
    with mock.patch.object(Supply, "_fail", Supply._drop):
        said = ends_wrong(range(30))
    assert any(" blames " in text for text in said)
