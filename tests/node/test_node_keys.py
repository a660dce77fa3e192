"""What the keys of the screens ask of a real node: undo, slow mode, settings, folders."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.node import folder_fetch, owners_elsewhere
from p2ptui.node.api import BrowseRequest, FetchRequest, Page
from p2ptui.node.events import Disconnected, Section, Stopped
from p2ptui.node.node import Node
from p2ptui.node.removed_files import REMOVED
from p2ptui.node.store import NodeStore
from p2ptui.node.store_leftovers import LeftoverTable
from p2ptui.node.store_values import Leftover
from tests.support.contents import MIB, make_bytes
from tests.support.node_swarm import node_swarm, until


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


async def shared(node: Node, names: Sequence[str]) -> bool:
    page = await node.library(Page())
    return [row.name for row in page.rows if row.state == "shared"] == sorted(names)


async def connected(node: Node) -> bool:
    return (await node.status()).tracker.state == "connected"


async def test_the_library_tells_how_many_others_have_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners_elsewhere, "FRESH_S", 0.1)
    async with node_swarm(tmp_path) as swarm:
        await swarm.tracker()
        write(swarm.repository("anna"), "song", "album/mine")
        write(swarm.repository("bert"), "song")
        anna = await swarm.node("anna")
        await swarm.node("bert")

        async def counted() -> bool:
            page = await anna.library(Page())
            return {row.name: row.owners for row in page.rows} == {"song": 1, "album/mine": 0}

        await until(counted)
        (row,) = (await anna.folder("album", Page())).rows
        assert row.owners == 0


async def test_a_removal_is_undone_once(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        write(swarm.repository("anna"), "song")
        node = await swarm.node("anna")
        await until(lambda: shared(node, ["song"]))
        removal = await node.remove("song")
        assert removal.deleted == str(swarm.repository("anna") / "song")
        assert await shared(node, [])
        assert (await node.undo()).text == "song is shared again"
        assert await shared(node, ["song"])
        with pytest.raises(P2PError, match="Nothing to undo") as caught:
            await node.undo()
        assert caught.value.exit_code is ExitCode.NOT_FOUND


async def test_a_stop_deletes_what_was_removed(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        write(swarm.repository("anna"), "song")
        node = await swarm.open("anna")
        await until(lambda: shared(node, ["song"]))
        await node.remove("song")
        assert (swarm.repository("anna") / REMOVED).exists()
        await node.close()
        assert list(swarm.repository("anna").iterdir()) == []


async def test_what_a_killed_run_left_is_deleted_at_the_next_start(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        repository = swarm.repository("anna")
        write(repository, f"{REMOVED}/00ff", "song")
        (repository / REMOVED).chmod(0o700)
        swarm.home("anna").folder.mkdir(exist_ok=True)
        store = await NodeStore.open(swarm.home("anna").database)
        await LeftoverTable(store).add(Leftover(folder=str(repository), name="00ff"))
        await LeftoverTable(store).add(Leftover(folder=str(tmp_path / "gone"), name="00fe"))
        await store.close()
        node = await swarm.open("anna")
        await until(lambda: shared(node, ["song"]))
        assert [path.name for path in repository.iterdir()] == ["song"]
        await node.close()
        store = await NodeStore.open(swarm.home("anna").database)
        assert await LeftoverTable(store).all() == []
        await store.close()


async def test_slow_mode_and_limits(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        node = await swarm.node("anna")
        status = await node.slow(on=True)
        assert (status.slow, status.up_limit_bps, status.down_limit_bps) == (
            True, 1_000_000, 1_000_000,
        )  # fmt: skip
        await node.configure("peer.slow_up_limit", "300 KB/s")
        await node.configure("peer.down_limit", "5 MB/s")
        status = await node.limit("down", 200_000)
        assert (status.up_limit_bps, status.down_limit_bps) == (300_000, 200_000)
        status = await node.slow(on=False)
        assert (status.slow, status.up_limit_bps, status.down_limit_bps) == (
            False, None, 5_000_000,
        )  # fmt: skip


async def test_settings_are_felt_now_and_at_the_next_start(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        write(tmp_path / "music", "song")
        node = await swarm.open("anna")
        await node.configure("peer.shares", str(tmp_path / "music"))
        await until(lambda: shared(node, ["music/song"]))
        with pytest.raises(P2PError) as caught:
            await node.configure("peer.shares", str(tmp_path / "nowhere"))
        assert caught.value.exit_code is ExitCode.NOT_FOUND
        await node.configure("peer.rescan_s", "1h")
        await node.configure("peer.reserve_bytes", "1 GB")
        row = await node.configure("peer.nick", "änne")
        assert "next start" in row.note, "a flag gave the nick"
        assert (await node.status()).nick == "änne"
        await node.close()
        node = await swarm.node("anna")
        values = {row.key: row.value for row in await node.settings()}
        assert values["peer.nick"] == "änne"
        assert values["peer.shares"] == str(tmp_path / "music")
        assert (values["peer.rescan_s"], values["peer.reserve_bytes"]) == ("3600s", "1 GB")
        await until(lambda: shared(node, ["music/song"]))
        await node.configure("peer.shares", "")
        await until(lambda: shared(node, []))


async def test_another_nick_is_known_to_the_swarm_at_once(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        await swarm.tracker()
        anna, bert = await swarm.node("anna"), await swarm.node("bert")

        async def sees(nick: str) -> bool:
            hosts = (await bert.peers(Page())).rows
            return [host.nick for host in hosts if host.online and host.nick != "bert"] == [nick]

        await until(lambda: sees("anna"))
        await anna.configure("peer.nick", "änne")
        await until(lambda: sees("änne"))
        # The tracker may list the new link a moment before its welcome has come to us.
        await until(lambda: connected(anna))


async def test_a_node_that_leaves_does_not_promise_to_come_back(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        await swarm.tracker()
        anna = await swarm.open("anna")
        await until(lambda: connected(anna))
        feed = anna.feed(("status",), 1.0)
        await anext(feed)
        await anna.close()
        told = [item async for item in feed if not isinstance(item, Section)]
        ends = [item for item in told if isinstance(item, Disconnected)]
        assert [(event.reason, event.retry_s) for event in ends] == [("this node leaves", None)]
        assert isinstance(told[-1], Stopped)


async def test_a_folder_of_another_is_fetched_with_its_structure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node_swarm(tmp_path) as swarm:
        await swarm.tracker()
        names = ("music/jazz/a", "music/jazz/deep/b", "music/jazz/deep/c", "music/other", "jazz")
        write(swarm.repository("anna"), *names)
        write(swarm.repository("bert"), "here")
        (swarm.repository("bert") / "here").write_text("music/jazz/a")
        await swarm.node("anna")
        bert = await swarm.node("bert")

        async def listed() -> bool:
            try:
                page = await bert.browse(BrowseRequest(host="anna"))
            except P2PError:
                return False
            return page.total == len(names)

        await until(listed)
        await until(lambda: shared(bert, ["here"]))
        with pytest.raises(P2PError) as caught:
            await bert.fetch_folder("anna", "nothing", "")
        assert caught.value.exit_code is ExitCode.NOT_FOUND
        row = await bert.fetch_folder("anna", "/music/jazz/", "")
        assert row.files == 3
        files = ["here", "jazz/a", "jazz/deep/b", "jazz/deep/c"]
        await until(lambda: shared(bert, files))
        path = swarm.repository("bert") / "jazz" / "deep" / "b"
        assert path.read_text() == "music/jazz/deep/b"
        again = await bert.fetch_folder("anna", "music/jazz", "")
        assert (again.files, again.files_done, again.path) == (3, 3, row.path)
        monkeypatch.setattr(folder_fetch, "MAX_FOLDER_FILES", 1)
        with pytest.raises(P2PError, match="Too large a folder"):
            await bert.fetch_folder("anna", "music", "")


async def test_a_cancelled_download_goes_on_where_it_was(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        await swarm.tracker()
        swarm.repository("anna").mkdir(parents=True)
        data = make_bytes(12 * MIB)
        (swarm.repository("anna") / "song").write_bytes(data)
        anna = await swarm.node("anna")
        await anna.limit("up", 4 * MIB)
        bert = await swarm.node("bert")

        async def found() -> bool:
            return bool((await bert.search("song", Page())).rows)

        await until(found)
        number = (await bert.fetch(FetchRequest(target="song"))).id

        async def came() -> bool:
            return (await bert.transfer(number)).row.done >= 3 * MIB

        await until(came)
        row = await bert.steer(number, "cancel")
        assert (row.state, row.id) == ("cancelled", number)
        partials = swarm.repository("bert") / ".p2ptui-partial"
        assert list(partials.glob("*.part"))
        sources = (await bert.transfer(number)).sources
        assert [source.nick for source in sources] == ["anna"]
        assert sources[0].story
        assert (await bert.undo()).text == "the download of song goes on"
        assert (await bert.transfer(number)).row.state != "cancelled"
        await bert.steer(number, "pause")
        await bert.steer(number, "cancel")
        assert (await bert.undo()).text == "the download of song is there again, paused"
        row = await bert.steer(number, "raise")
        assert (row.state, row.priority) == ("paused", 1)
        await anna.limit("up", None)
        await bert.steer(number, "resume")
        await until(lambda: shared(bert, ["song"]))
        assert (swarm.repository("bert") / "song").read_bytes() == data


async def test_a_stop_throws_away_what_was_cancelled(tmp_path: Path) -> None:
    async with node_swarm(tmp_path) as swarm:
        await swarm.tracker()
        swarm.repository("anna").mkdir(parents=True)
        (swarm.repository("anna") / "song").write_bytes(make_bytes(8 * MIB))
        anna = await swarm.node("anna")
        await anna.limit("up", 2 * MIB)
        bert = await swarm.open("bert")

        async def begun() -> bool:
            try:
                number = (await bert.fetch(FetchRequest(target="song"))).id
            except P2PError:
                return False
            return (await bert.transfer(number)).row.done > 0

        await until(begun)
        (row,) = (await bert.transfers(Page())).rows
        await bert.steer(row.id, "cancel")
        partials = swarm.repository("bert") / ".p2ptui-partial"
        assert list(partials.glob("*.part"))
        await bert.close()
        assert not list(partials.glob("*.part"))


@pytest.mark.parametrize("runs", [True, False], ids=["while it runs", "at its start"])
async def test_a_tracker_that_moved_is_found_where_the_new_link_says(
    tmp_path: Path, runs: bool
) -> None:
    async with node_swarm(tmp_path) as swarm:
        await swarm.tracker()
        node = await (swarm.node("anna") if runs else swarm.open("anna"))
        if not runs:
            await until(lambda: connected(node))
            await node.close()
        link = await swarm.tracker()
        if runs:
            await until(lambda: lost(node))
            await node.join(link, "")
        else:
            node = await swarm.node_at("anna", link)
        await until(lambda: connected(node))


async def lost(node: Node) -> bool:
    return not await connected(node)
