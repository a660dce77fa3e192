"""The queue for upload slots between real members: places are told, and everybody gets a turn."""

from pathlib import Path

from p2ptui.node.api import FetchRequest, Page, TransferRow
from p2ptui.node.node import Node
from tests.support.contents import MIB, make_bytes
from tests.support.node_swarm import node_swarm, until


async def row_of(node: Node) -> TransferRow:
    (row,) = (await node.transfers(Page())).rows
    return row


async def test_who_finds_no_slot_is_told_its_place_and_served_when_one_is_free(
    tmp_path: Path,
) -> None:
    async with node_swarm(tmp_path) as swarm:
        await swarm.tracker()
        swarm.repository("anna").mkdir(parents=True)
        for name in ("one", "two"):  # two contents: nobody has them from each other
            data = make_bytes(2 * MIB, seed=len(name) + ord(name[0]))
            (swarm.repository("anna") / name).write_bytes(data)
        anna = await swarm.node("anna")
        await anna.configure("peer.upload_slots", "1")
        await anna.limit("up", 256 * 1024)
        bert, carl = await swarm.node("bert"), await swarm.node("carl")

        async def listed() -> bool:
            return len((await bert.search("", Page())).rows) == 2

        await until(listed)
        await bert.fetch(FetchRequest(target="one"))

        async def begun() -> bool:
            return (await row_of(bert)).done > 0 or bool((await row_of(bert)).rate_bps)

        await until(begun)
        await carl.fetch(FetchRequest(target="two"))

        async def waits() -> bool:
            return (await row_of(carl)).place == 1

        await until(waits)
        assert (await row_of(bert)).place == 0
        number = (await row_of(carl)).id
        (source,) = (await carl.transfer(number)).sources
        assert any("place 1 in its queue" in line.text for line in source.story)
        await anna.configure("peer.upload_slots", "2")
        await anna.limit("up", None)

        async def both_over() -> bool:
            return {(await row_of(node)).state for node in (bert, carl)} == {"finished"}

        await until(both_over)
        (source,) = (await carl.transfer(number)).sources
        assert [line.text for line in source.story][-1] == "our turn"
