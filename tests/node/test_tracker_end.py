"""How the end of a connection to the tracker is told."""

import pytest

from p2ptui.net.link import LinkClosed
from p2ptui.node.tracker_end import End


@pytest.mark.parametrize(
    ("closed", "reason"),
    [
        (LinkClosed("aborted"), "the tracker does not answer any more"),
        (LinkClosed("stopping", "the tracker stops", theirs=True), "the tracker stops"),
        (LinkClosed("idle", "nothing heard for 45 s"), "nothing heard for 45 s"),
        (LinkClosed("done"), "done"),
    ],
)
def test_f104_an_end_is_told_in_words(closed: LinkClosed, reason: str) -> None:
    end = End.of_link(closed, 0.0, was_up=True)
    assert (end.reason, end.was_up, end.final) == (reason, True, False)
