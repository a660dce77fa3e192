"""What a transfer waits for, and when it goes on: a sentence for each state."""

import time
from collections.abc import Iterator

import msgspec
import pytest

from p2ptui.node.api import TrackerStatus, TransferRow, TransferState
from p2ptui.waiting_words import waiting_text
from tests.support.fake_node import CONNECTED, TIME, transfer

AWAY = TrackerStatus(state="waiting", reason="timed out", retry_s=12.0)


@pytest.fixture(autouse=True)
def _in_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def row(state: TransferState, **more: object) -> TransferRow:
    return msgspec.structs.replace(transfer(1, state), **more)


@pytest.mark.parametrize(
    ("waiting", "tracker", "told"),
    [
        (row("queued", turn=1), CONNECTED, "waits for its turn, the next one"),
        (row("queued", turn=3), CONNECTED, "waits for its turn, 2 before it"),
        (
            row("queued", turn=1, reason="more important ones go first"),
            CONNECTED,
            "waits for its turn, the next one: more important ones go first",
        ),
        (
            row("queued", turn=1),
            TrackerStatus(state="none"),
            "no tracker is joined: it begins once one is",
        ),
        (
            row("queued"),
            TrackerStatus(state="stopped", reason="you are banned"),
            "the tracker is not tried again: you are banned",
        ),
        (row("locating"), CONNECTED, "asking who has it"),
        (
            row("stalled", reason="no source is online (2 known)"),
            CONNECTED,
            "no source is online (2 known); goes on by itself as soon as one does",
        ),
        (
            row("stalled", reason="timed out", retry=TIME + 24),
            CONNECTED,
            "next try at 08:00:24: timed out",
        ),
        (
            row("stalled", reason="the tracker is away and no source is known"),
            AWAY,
            "next try in 12 s: the tracker is away and no source is known",
        ),
        (row("paused"), CONNECTED, "you paused it: s lets it go on"),
        (
            row("no_space", reason="needs 1.2 GB and has 300 MB in /d"),
            CONNECTED,
            "goes on with more room: needs 1.2 GB and has 300 MB in /d",
        ),
        (row("active", place=3, rate_bps=0), CONNECTED, "place 3 in the queue of a source"),
        (row("active", place=3), CONNECTED, ""),
        (row("failed", reason="its content does not verify"), None, "its content does not verify"),
        (row("finished"), None, ""),
    ],
)
def test_each_state_says_what_is_missing_and_when_it_goes_on(
    waiting: TransferRow, tracker: TrackerStatus | None, told: str
) -> None:
    assert waiting_text(waiting, tracker, "s") == told
