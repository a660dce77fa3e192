"""/metrics, /stats.json and /health: the same story as the console's, and to whom it is told."""

import asyncio
import json

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from p2ptui.base.errors import ExitCode, P2PError, unreachable
from tests.support.fake_tracker import FakeTracker
from tracker.api import TrackerStatus
from tracker.metrics import metrics_text
from tracker.stats_door import StatsDoor, health_of, stats_address, stats_warning


class Source:
    """Where the door gets the status."""

    def __init__(self, status: TrackerStatus) -> None:
        self.now = status
        self.fails = False

    async def status(self) -> TrackerStatus:
        if self.fails:
            raise unreachable("The index fails", "disk full")
        return self.now


@pytest.fixture
async def source() -> Source:
    status = await FakeTracker().status()
    return Source(
        msgspec.structs.replace(
            status, hosts=17, searches=123, announced=4_000, messages=5_000, dropped=3,
            fetched=6, fetched_bytes=7_000, relayed_bytes=8_000,
            search_p99_ms=12.5, name='a "quoted"\nname',
        )
    )  # fmt: skip


async def get(address: str, path: str) -> tuple[int, bytes]:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
    async with asyncio.timeout(10):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split(b" ", 2)[1]), body


def values_of(text: bytes) -> dict[str, float]:
    return {
        sample.name + "".join(sample.labels.values() if "quantile" in sample.labels else ()): (
            sample.value
        )
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_every_figure_of_the_status_is_a_metric(source: Source) -> None:
    values = values_of(metrics_text(source.now))
    status = source.now
    assert values["p2ptui_tracker_hosts"] == 17
    assert values["p2ptui_tracker_searches_total"] == 123
    assert values["p2ptui_tracker_announced_entries_total"] == 4_000
    assert values["p2ptui_tracker_messages_total"] == 5_000
    assert values["p2ptui_tracker_dropped_connections_total"] == 3
    assert values["p2ptui_tracker_fetched_files_total"] == 6
    assert values["p2ptui_tracker_fetched_bytes_total"] == 7_000
    assert values["p2ptui_tracker_relayed_bytes_total"] == 8_000
    assert values["p2ptui_tracker_search_seconds0.99"] == 0.0125
    assert values["p2ptui_tracker_shared_bytes"] == status.bytes
    assert values["p2ptui_tracker_memory_bytes"] == status.memory_bytes
    assert values["p2ptui_tracker_draining"] == 0


def test_names_of_others_cannot_break_the_format(source: Source) -> None:
    families = list(text_string_to_metric_families(metrics_text(source.now).decode()))
    (info,) = (family for family in families if family.name == "p2ptui_tracker_info")
    assert info.samples[0].labels["swarm"] == 'a "quoted"\nname'


async def test_the_pages_tell_the_same(source: Source) -> None:
    door = StatsDoor(source.status)
    await door.change("127.0.0.1:0", public=False)
    code, stats = await get(door.address, "/stats.json")
    assert (code, json.loads(stats)["hosts"], json.loads(stats)["searches"]) == (200, 17, 123)
    code, metrics = await get(door.address, "/metrics")
    assert (code, values_of(metrics)["p2ptui_tracker_hosts"]) == (200, 17)
    assert await get(door.address, "/health") == (200, b'{"ok":true,"reasons":[]}\n')
    await door.close()
    assert door.address == ""


async def test_health_says_why_nobody_should_be_sent_here(source: Source) -> None:
    door = StatsDoor(source.status)
    await door.change(":0", public=False)
    source.now = msgspec.structs.replace(
        source.now, draining=True, index_notice="the index is temporary"
    )
    code, body = await get(door.address, "/health")
    assert (code, json.loads(body)["ok"]) == (503, False)
    assert json.loads(body)["reasons"] == [
        "draining: nobody new is let in", "the index is temporary",
    ]  # fmt: skip
    source.fails = True
    code, body = await get(door.address, "/health")
    assert code == 503
    assert "disk full" in body.decode()
    assert (await get(door.address, "/stats.json"))[0] == 503
    await door.close()
    assert health_of(await FakeTracker().status()).ok


async def test_the_door_moves_and_stays_when_it_cannot(source: Source) -> None:
    door = StatsDoor(source.status)
    await door.change("127.0.0.1:0", public=False)
    first = door.address
    await door.change("127.0.0.1:0", public=False)
    assert door.address == first, "nothing changed"
    with pytest.raises(P2PError):
        await door.change("0.0.0.0:0", public=False)
    assert (await get(first, "/health"))[0] == 200
    await door.change("localhost:0", public=False)
    assert door.address != first
    with pytest.raises(ConnectionRefusedError):
        await get(first, "/health")
    await door.change("", public=False)
    assert door.address == ""


@pytest.mark.parametrize(
    ("listen", "bound"),
    [
        (":9071", ("127.0.0.1", 9071)),
        ("127.0.0.1", ("127.0.0.1", 9071)),
        ("[::1]:80", ("::1", 80)),
        ("localhost:1", ("localhost", 1)),
        ("127.8.8.8:1", ("127.8.8.8", 1)),
    ],
)
def test_addresses_of_this_machine_alone(listen: str, bound: tuple[str, int]) -> None:
    assert stats_address(listen, public=False) == bound


@pytest.mark.parametrize("listen", ["0.0.0.0:9071", "[::]:9071", "10.0.0.1:1", "stats.example:1"])
def test_other_addresses_only_when_said_in_as_many_words(listen: str) -> None:
    with pytest.raises(P2PError) as caught:
        stats_address(listen, public=False)
    assert caught.value.exit_code == ExitCode.USAGE
    assert "metrics_public" in caught.value.hint
    assert stats_address(listen, public=True)[0]
    assert stats_warning(listen) is not None


def test_an_address_of_this_machine_needs_no_warning() -> None:
    assert stats_warning("127.0.0.1:9071") is None
    assert stats_warning("") is None
