"""The end of a tracker with many members."""

import asyncio
from pathlib import Path

from p2ptui.net.wire import messages as m
from tests.support.fake_time import virtual_time
from tests.support.tracker_rig import TrackerRig

MEMBERS = 1_000
STOP_S = 2.0


@virtual_time
async def test_a_tracker_with_a_thousand_idle_members_stops_in_time(tmp_path: Path) -> None:
    rig = await TrackerRig.start(tmp_path)
    members = []
    for number in range(MEMBERS):
        member, welcome = await rig.welcomed(f"member {number}")
        assert isinstance(welcome, m.Welcome)
        members.append(member)
    await asyncio.sleep(60)  # idle, but for heartbeats
    assert len(rig.registry) == MEMBERS
    loop = asyncio.get_running_loop()
    began = loop.time()
    await rig.stop()
    assert loop.time() - began < STOP_S
    assert len(rig.registry) == 0
    ends = [await member.ended for member in members]
    assert {end.code for end in ends} == {"stopping"}
