"""Events as lines: every event of both sides, for people and as JSON."""

import json
from collections.abc import AsyncIterator
from typing import Any, get_args

import msgspec
import pytest

from p2ptui.headless import chosen, event_time, fetched, follow, node_sentence
from p2ptui.node import events as node
from p2ptui.tracker_commands import tracker_sentence
from tests.support.fake_node import HOSTILE, TIME, finished
from tracker import events as tracker

FETCHED = "fetched song.flac: 2.0 MB in 4.0 s, 500.0 KB/s, from 2 sources -> /repo/song.flac"
NAMED_BY_THE_CONTRACT = {
    node.Connected: {"tracker", "peer_id", "address"},
    node.Disconnected: {"reason", "retry_s"},
    node.Published: {"files", "bytes"},
    node.FetchFinished: {"name", "content_id", "path", "bytes", "seconds", "sources"},
    node.FetchFailed: {"reason"},
    tracker.Listening: {"address", "link", "fingerprint"},
    tracker.HostJoined: set(),
    tracker.HostLeft: set(),
}


def example(kind: Any) -> Any:
    """An event with hostile text in every field that takes text."""
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        allowed = {"int": 3, "float": TIME, "bool": True}
        name = getattr(field.type, "__name__", "")
        if field.name == "peer_id":
            values[field.name] = "a" * 32
        elif field.name == "level":
            values[field.name] = "warning"
        elif field.name == "exit_code":
            values[field.name] = 4
        elif field.name == "state":
            values[field.name] = "stalled"
        else:
            values[field.name] = allowed.get(name, HOSTILE if field.type is str else 3)
    return kind(**values)


def kinds(*unions: Any) -> list[Any]:
    return [kind for union in unions for kind in get_args(union)]


async def feed_of(*items: Any) -> AsyncIterator[Any]:
    for item in items:
        yield item


@pytest.mark.parametrize(
    "kind", kinds(node.NodeEvent, tracker.TrackerEvent), ids=lambda k: k.__name__
)
def test_every_event_is_safe_and_complete_in_both_forms(kind: Any) -> None:
    event = example(kind)
    sentence = tracker_sentence if kind.__module__.startswith("tracker") else node_sentence
    assert sentence(event).isprintable()


@pytest.mark.parametrize("kind", NAMED_BY_THE_CONTRACT, ids=lambda k: k.__name__)
async def test_the_events_that_scripts_wait_for(kind: Any) -> None:
    lines: list[str] = []
    await follow(feed_of(example(kind)), lines.append, None)
    row = json.loads(lines[0])
    assert {"event", "time"} | NAMED_BY_THE_CONTRACT[kind] <= set(row)
    assert row["event"] == kind.__struct_config__.tag
    assert row["time"].endswith("Z")


async def test_people_get_sentences_with_the_time() -> None:
    lines: list[str] = []
    published = node.Published(time=TIME, files=1, bytes=4_100_000)
    await follow(feed_of(finished(), published, node.Resync(3)), lines.append, node_sentence)
    assert lines == [
        "2027-01-15T08:00:00Z " + FETCHED,
        "2027-01-15T08:00:00Z published 1 file, 4.1 MB",
        "(3 events were not shown)",
    ]


def test_a_download_is_told_with_its_time_and_rate() -> None:
    assert fetched("a", 0, 0.0, 0, "/a") == "fetched a: 0 B in 0 ms -> /a"
    assert "from 1 source ->" in fetched("a", 5, 1.0, 1, "/a")


def test_what_is_ordinary_is_not_told() -> None:
    def changed(state: str) -> node.FetchStateChanged:
        return node.FetchStateChanged(time=TIME, id=finished().id, name="a", state=state)

    assert node_sentence(changed("active")) == ""
    assert node_sentence(changed("no_space")) == "a waits for room on the disk"
    assert node_sentence(changed("paused")) == "a is paused"
    goes_on = node.FetchStateChanged(
        time=TIME, id=finished().id, name="a", state="active", before="stalled"
    )
    assert node_sentence(goes_on) == "a goes on"
    assert event_time(object()) == ""


def test_only_chosen_events_are_told() -> None:
    told = chosen(("published",), node_sentence)
    assert told(node.Published(time=TIME, files=2, bytes=0)) == "published 2 files, 0 B"
    assert told(finished()) == ""
