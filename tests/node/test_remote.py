"""The node's client against a fake node, through a real control endpoint."""

import inspect
import typing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.ids import TransferId
from p2ptui.net.control import ControlServer
from p2ptui.node.api import BrowseRequest, FetchRequest, NodeApi, NodeStatus, OperateRequest, Page
from p2ptui.node.events import Resync, Section, Stopped
from p2ptui.node.remote import SECTION_TYPES, RemoteNode
from tests.support.fake_node import CONTENT, TIME, FakeNode, finished, transfer


@asynccontextmanager
async def remote_of(node: FakeNode, folder: Path) -> AsyncIterator[RemoteNode]:
    path = folder / "node.sock"
    server = ControlServer(path, node, NodeApi, software="0.1.0")
    await server.start()
    remote = await RemoteNode.connect(path)
    assert remote is not None
    try:
        yield remote
    finally:
        await remote.close()
        await server.close()


def test_the_fake_and_the_client_have_the_protocol_s_shape() -> None:
    apis: list[NodeApi] = [typing.cast("RemoteNode", None), typing.cast("FakeNode", None)]
    assert len(apis) == 2  # the assignment is what counts: mypy checks it
    for name, function in inspect.getmembers(NodeApi, inspect.isfunction):
        if not name.startswith("_"):
            expected = list(inspect.signature(function).parameters)
            assert list(inspect.signature(getattr(RemoteNode, name)).parameters) == expected


async def test_every_method_there_and_back(tmp_path: Path) -> None:
    node = FakeNode()
    node.rows = [transfer(1), transfer(2, "finished", 2_000_000)]
    async with remote_of(node, tmp_path) as remote:
        assert await remote.status() == await node.status()
        assert await remote.join("host:7070", "pin") == node.tracker
        assert await remote.forget("office") is None  # type: ignore[func-returns-value]
        assert await remote.shares() == await node.shares()
        assert await remote.share("/music", on=False) == await node.share("/music", on=False)
        assert await remote.publish("/a/b", "") == await node.publish("/a/b", "")
        assert await remote.remove("b") == await node.remove("b")
        assert await remote.rescan() == 4
        page = Page(offset=0, limit=5, filter="x", sort="-size")
        assert await remote.library(page) == await node.library(page)
        assert await remote.search("song", Page()) == await node.search("song", Page())
        assert await remote.sources(CONTENT) == await node.sources(CONTENT)
        assert await remote.peers(Page()) == await node.peers(Page())
        browse = BrowseRequest(host="bert", page=page)
        assert await remote.browse(browse) == await node.browse(browse)
        fetch = FetchRequest(target="song.flac", address="[::1]:7071", folder="/x")
        assert await remote.fetch(fetch) == await node.fetch(fetch)
        assert await remote.transfers(Page()) == await node.transfers(Page())
        assert await remote.history(page) == await node.history(page)
        number = TransferId(1)
        assert await remote.transfer(number) == await node.transfer(number)
        assert await remote.steer(number, "pause") == await node.steer(number, "pause")
        kick = OperateRequest(act="kick", target="bert", text="noise")
        assert await remote.operate(kick) == await node.operate(kick)
        assert await remote.limit("up", None) == await node.limit("up", None)
        assert await remote.undo() == await node.undo()
        assert (await remote.fetch_folder("bert", "music", "")).files == 2
        assert (await remote.slow(on=True)).slow
        assert await remote.settings() == await node.settings()
        row = await remote.configure("peer.nick", "änne")
        assert (row.value, row.origin) == ("änne", "file")
        assert await remote.slow(True) == await node.slow(True)
        assert await remote.undo() == await node.undo()
        assert await remote.trackers() == await node.trackers()
        assert await remote.folder("", page) == await node.folder("", page)
        assert await remote.fetch_folder("bert", "music", "") == await node.fetch_folder(
            "bert", "music", ""
        )
        settings = await remote.settings()
        assert settings == await node.settings()
        key = settings[0].key
        assert await remote.configure(key, "x") == await node.configure(key, "x")
        await remote.stop()
    assert node.stopped.is_set()
    assert ("library", page) in node.calls
    assert ("steer", 1, "pause") in node.calls
    methods = {name for name, _ in inspect.getmembers(NodeApi, inspect.isfunction)}
    assert {call[0] for call in node.calls} >= {m for m in methods if m[0] != "_"} - {"feed"}


async def test_a_refusal_keeps_its_exit_code(tmp_path: Path) -> None:
    node = FakeNode()
    node.trouble["publish"] = usage_error("That is a folder", "/music", "Use share.")
    async with remote_of(node, tmp_path) as remote:
        with pytest.raises(P2PError) as caught:
            await remote.publish("/music", "")
    assert (caught.value.exit_code, caught.value.hint) == (2, "Use share.")


async def test_sections_first_then_events_each_of_its_own_type(tmp_path: Path) -> None:
    node = FakeNode()
    node.rows = [transfer(1)]
    async with remote_of(node, tmp_path) as remote:
        items = remote.feed(("status", "transfers", "hashing"), 0.2)
        first = [await anext(items) for _ in range(3)]
        for item in first:
            assert isinstance(item, Section)
        by_name = {item.name: item.value for item in first if isinstance(item, Section)}
        assert set(by_name) == set(SECTION_TYPES)
        assert isinstance(by_name["status"], NodeStatus)
        assert by_name["transfers"] == (transfer(1),)
        for number in range(20):
            node.emit(finished(number))
        node.emit(Stopped(time=TIME))
        events = [item async for item in items if not isinstance(item, Section)]
    assert events == [*(finished(number) for number in range(20)), Stopped(time=TIME)]


async def test_one_that_reads_too_slowly_is_told_to_resync(tmp_path: Path) -> None:
    node = FakeNode()
    async with remote_of(node, tmp_path) as remote:
        items = remote.feed(("status",), 60.0)
        await anext(items)
        # More than the node's queue for it holds, in one go: nothing can be read meanwhile.
        for number in range(3_000):
            node.emit(finished(number))
        resync = await anext(items)
        assert isinstance(resync, Resync)
        assert resync.dropped > 0
        await items.aclose()  # type: ignore[attr-defined]
