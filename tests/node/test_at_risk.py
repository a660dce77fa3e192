"""What a kill would cost is bounded."""

import asyncio

import pytest

from p2ptui.net.tasks import spawn
from p2ptui.node.at_risk import AtRisk
from tests.support.fake_time import virtual_time


class Ledger:
    """What is written and not in the journal, and how often a checkpoint was asked for."""

    def __init__(self) -> None:
        self.unclaimed = 0
        self.presses = 0
        self.risk = AtRisk(lambda: self.unclaimed, self._press, most_bytes=10)

    def _press(self) -> None:
        self.presses += 1


@virtual_time
async def test_what_is_written_counts_until_it_is_in_the_journal() -> None:
    ledger = Ledger()
    await ledger.risk.take(6)
    ledger.unclaimed = 6
    ledger.risk.settle(6)
    later = spawn(ledger.risk.take(5), name="later")
    await asyncio.sleep(1)
    assert not later.done()
    assert ledger.risk.pressed
    assert ledger.presses
    ledger.unclaimed = 0
    ledger.risk.look()
    await later
    assert (ledger.risk.bytes, ledger.risk.pressed) == (5, False)


@virtual_time
async def test_who_came_first_asks_first_and_who_gives_up_holds_up_nobody() -> None:
    ledger = Ledger()
    await ledger.risk.take(8)
    order: list[str] = []

    async def ask(name: str, length: int) -> None:
        await ledger.risk.take(length)
        order.append(name)

    first, second, third = (
        spawn(ask(name, length), name=name) for name, length in (("a", 9), ("b", 5), ("c", 2))
    )
    await asyncio.sleep(1)
    assert order == [], "the small one does not overtake the large one"
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    ledger.risk.settle(8)
    await asyncio.gather(second, third)
    assert order == ["b", "c"]
    assert ledger.risk.bytes == 7


@virtual_time
async def test_one_that_is_larger_than_the_bound_passes_alone() -> None:
    ledger = Ledger()
    await ledger.risk.take(100)
    other = spawn(ledger.risk.take(1), name="other")
    await asyncio.sleep(1)
    assert not other.done()
    ledger.risk.settle(100)
    await other
