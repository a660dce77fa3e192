"""The tracker's client against a fake tracker, through a real control endpoint."""

import inspect
from pathlib import Path

import pytest

from p2ptui.base.errors import P2PError
from p2ptui.net.control import ControlServer
from tests.support.fake_node import BERT, TIME
from tests.support.fake_tracker import FakeTracker
from tracker.api import (
    DiscoverRequest,
    IndexRequest,
    KickRequest,
    Limits,
    MemberChange,
    Message,
    Page,
    TrackerApi,
    TrackerStatus,
)
from tracker.events import HostJoined, Section, Stopped
from tracker.remote import RemoteTracker


async def test_every_method_there_and_back(tmp_path: Path) -> None:
    fake = FakeTracker()
    local: TrackerApi = fake
    server = ControlServer(tmp_path / "tracker.sock", fake, TrackerApi, software="0.1.0")
    await server.start()
    client = await RemoteTracker.connect(tmp_path / "tracker.sock")
    assert client is not None
    remote: TrackerApi = client
    request = DiscoverRequest(host="bert", page=Page(limit=5))
    kick = KickRequest(host="bert", why="noise", for_s=60.0)
    assert await remote.status() == await local.status()
    assert await remote.hosts(Page()) == await local.hosts(Page())
    assert await remote.discover(request) == await local.discover(request)
    assert await remote.ping("all") == await local.ping("all")
    assert await remote.search("song", Page()) == await local.search("song", Page())
    assert await remote.kick(kick) == await local.kick(kick)
    assert await remote.unban("bert") == await local.unban("bert")
    assert await remote.bans() == await local.bans()
    change = MemberChange(host="bert", role="operator", limits=Limits(searches_s=2.0))
    assert await remote.change(change) == await local.change(change)
    told = Message(host="all", text="hello")
    assert await remote.message(told) == await local.message(told)
    assert await remote.invite(2, 60.0) == await local.invite(2, 60.0)
    assert await remote.invites() == await local.invites()
    assert await remote.revoke("iii") == await local.revoke("iii")
    assert await remote.open(on=False) == await local.open(on=False)
    assert await remote.motd("hello") == await local.motd("hello")
    assert await remote.drain(on=True) == await local.drain(on=True)
    assert await remote.backup("/tmp/b") == await local.backup("/tmp/b")
    assert await remote.reload() == await local.reload()
    assert await remote.audit(Page()) == await local.audit(Page())
    assert await remote.history(Page()) == await local.history(Page())
    assert await remote.series() == await local.series()
    index = IndexRequest(text="song", single=True)
    assert await remote.index(index) == await local.index(index)
    assert await remote.owners("b3c1", Page()) == await local.owners("b3c1", Page())
    with pytest.raises(P2PError, match="No such host"):
        await remote.discover(DiscoverRequest(host="nobody"))
    await remote.stop()
    methods = {name for name, _ in inspect.getmembers(TrackerApi, inspect.isfunction)}
    assert {call[0] for call in fake.calls} == {m for m in methods if m[0] != "_"} - {"feed"}
    await client.close()
    await server.close()


async def test_its_feed(tmp_path: Path) -> None:
    fake = FakeTracker()
    server = ControlServer(tmp_path / "tracker.sock", fake, TrackerApi, software="0.1.0")
    await server.start()
    remote = await RemoteTracker.connect(tmp_path / "tracker.sock")
    assert remote is not None
    items = remote.feed(("status",), 60.0)
    first = await anext(items)
    assert isinstance(first, Section)
    assert isinstance(first.value, TrackerStatus)
    joined = HostJoined(time=TIME, peer_id=BERT, nick="bert", address="10.0.0.2:1", files=3)
    fake.emit(joined)
    fake.emit(Stopped(time=TIME))
    assert [item async for item in items] == [joined, Stopped(time=TIME)]
    await remote.close()
    await server.close()
