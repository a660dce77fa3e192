"""Taking things back: the latest first, for thirty seconds, and never after a stop."""

import pytest

from p2ptui.base.errors import ExitCode, P2PError, storage_error, usage_error
from p2ptui.node.undo import UNDO_S, Step, Undo
from tests.support.eventually import eventually, stays
from tests.support.fake_time import virtual_time


class Deed:
    """Something that can be taken back."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = "done"
        self.trouble: P2PError | None = None

    @property
    def step(self) -> Step:
        return Step(self.revert, self.settle)

    async def revert(self) -> str:
        if self.trouble is not None:
            raise self.trouble
        self.state = "reverted"
        return f"{self.name} is back"

    async def settle(self) -> None:
        if self.trouble is not None:
            raise self.trouble
        assert self.state == "done"
        self.state = "settled"


@virtual_time
async def test_the_latest_is_taken_back_first() -> None:
    undo, one, two = Undo(), Deed("one"), Deed("two")
    undo.add(one.step)
    undo.add(two.step)
    assert await undo.undo() == "two is back"
    assert await undo.undo() == "one is back"
    with pytest.raises(P2PError, match="Nothing to undo") as caught:
        await undo.undo()
    assert caught.value.exit_code is ExitCode.NOT_FOUND
    await stays(lambda: {one.state, two.state} == {"reverted"}, UNDO_S + 5)
    await undo.close()


@virtual_time
async def test_after_the_time_it_is_for_good() -> None:
    undo, deed = Undo(), Deed("one")
    undo.add(deed.step)
    await stays(lambda: deed.state == "done", UNDO_S - 1)
    await eventually(lambda: deed.state == "settled", 2.0)
    with pytest.raises(P2PError):
        await undo.undo()
    await undo.close()


@virtual_time
async def test_what_cannot_be_taken_back_now_can_be_tried_again() -> None:
    undo, deed = Undo(), Deed("one")
    undo.add(deed.step)
    deed.trouble = usage_error("Another file has its place now")
    with pytest.raises(P2PError, match="Another file"):
        await undo.undo()
    deed.trouble = None
    assert await undo.undo() == "one is back"
    await undo.close()


@virtual_time
async def test_a_stop_settles_everything(caplog: pytest.LogCaptureFixture) -> None:
    undo, one, two = Undo(), Deed("one"), Deed("two")
    undo.add(one.step)
    undo.add(two.step)
    one.trouble = storage_error("Cannot delete", "read-only")
    await undo.close()
    assert (one.state, two.state) == ("done", "settled"), "one that fails hinders no other"
    assert "still on disk: Cannot delete: read-only" in caplog.text
