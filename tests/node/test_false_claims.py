"""F62 with real nodes and a real tracker: one claims a file that it does not give to anybody."""

from pathlib import Path

import pytest

from p2ptui.base.errors import P2PError
from p2ptui.node.api import FetchRequest, Page
from p2ptui.node.node import Node
from tests.support.contents import MIB, make_bytes
from tests.support.node_swarm import NodeSwarm, node_swarm, until
from tracker import api as tracker_api


async def claimed(swarm: NodeSwarm, name: str) -> Node:
    """A node that has announced the song."""
    swarm.repository(name).mkdir(parents=True)
    (swarm.repository(name) / "song.bin").write_bytes(make_bytes(2 * MIB, seed=4))
    node = await swarm.node(name)

    async def found() -> bool:
        return bool((await node.search("song", Page())).rows)

    await until(found)
    return node


async def nothing(_content: object) -> None:
    """It has lost it, and does not know yet."""


async def owners(node: Node) -> list[str]:
    try:
        return [row.nick for row in (await node.sources("song.bin")).sources]
    except P2PError:
        return []


async def test_f62_after_three_members_tried_it_a_claim_is_handed_out_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node_swarm(tmp_path) as swarm:
        await swarm.tracker()
        liar = await claimed(swarm, "liar")
        takers = [await swarm.node(name) for name in ("anna", "bert", "carl")]
        dora = await swarm.node("dora")
        monkeypatch.setattr(liar._library, "open_content", nothing)
        for number, taker in enumerate(takers):
            assert await owners(dora) == ["liar"], f"{number} members alone do nothing"
            await taker.fetch(FetchRequest(target="song.bin"))

        async def forgotten() -> bool:
            return await owners(dora) == []

        await until(forgotten)
        server = swarm._server
        assert server is not None
        page = await server.history(tracker_api.Page())
        assert page.rows == ()

        # It has it after all, and says so anew: those that wait for it get it.
        monkeypatch.undo()
        await liar.remove("song.bin")
        (swarm.repository("liar") / "song.bin").write_bytes(make_bytes(2 * MIB, seed=4))
        await liar.rescan()

        async def told() -> bool:
            return len((await server.history(tracker_api.Page())).rows) == 3

        await until(told)
        rows = (await server.history(tracker_api.Page())).rows
        assert {row.nick for row in rows} == {"anna", "bert", "carl"}
        assert all(sum(each.bytes for each in row.givers) == 2 * MIB for row in rows)
