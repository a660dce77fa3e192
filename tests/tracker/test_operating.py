"""What an operator may do from its own peer, and what it may not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import pytest

from p2ptui.base.links import parse_join_target
from p2ptui.net.requests import RequestFailed
from p2ptui.net.wire import messages as m
from tests.support.admin_rig import AdminRig, admin_in, host_of
from tests.support.fake_time import virtual_time
from tests.support.memory_net import peer_id_of
from tests.support.tracker_rig import ScriptedMember
from tracker import api

ANNA = f"anna ({peer_id_of('anna')[:8]})"


@asynccontextmanager
async def operated(folder: Path) -> AsyncIterator[tuple[AdminRig, ScriptedMember, ScriptedMember]]:
    """A rig with anna, an operator, and bert, who is none."""
    async with admin_in(folder) as rig:
        anna, _ = await rig.welcomed("anna")
        bert, _ = await rig.welcomed("bert")
        rig.standings.change(anna.peer, "operator", None)
        yield rig, anna, bert


async def operate(
    member: ScriptedMember,
    act: m.OperatorAct,
    *,
    target: str = "",
    text: str = "",
    for_s: float = 0,
    uses: int = 1,
) -> str:
    answer = await member.ask(
        lambda number: m.Operate(number, act, target, text, for_s, uses), m.Operated
    )
    return answer.text


@virtual_time
async def test_an_operator_kicks_bans_and_pardons_and_is_named_in_the_log(tmp_path: Path) -> None:
    async with operated(tmp_path) as (rig, anna, bert):
        text = await operate(anna, "kick", target="bert", text="noise")
        assert text == f"bert ({bert.peer[:8]}) is out"
        end = await bert.ended
        assert (end.code, end.text) == ("kicked", "noise")
        assert end.until <= rig.clock.wall() + 60
        await operate(anna, "ban", target="bert", text="again", for_s=3600.0)
        (ban,) = await rig.console.members.bans()
        assert ban.until is not None
        await operate(anna, "ban", target="bert")
        (ban,) = await rig.console.members.bans()
        assert ban.until is None, "without a time for good"
        assert "may come back" in await operate(anna, "unban", target="bert")
        await operate(anna, "ban", target="10.77.0.0/16")
        acts = await rig.acts()
        assert {by for by, _, _ in acts} == {ANNA}
        assert [act for _, act, _ in acts] == ["kick", "ban", "ban", "unban", "ban"]


@virtual_time
async def test_an_operator_invites_and_speaks(tmp_path: Path) -> None:
    async with operated(tmp_path) as (rig, anna, bert):
        link = await operate(anna, "invite", uses=3, for_s=3600.0)
        assert len(parse_join_target(link).invite) == 16
        (row,) = await rig.console.door.invites()
        assert (row.uses, row.left) == (3, 3)
        assert await operate(anna, "message", target="bert", text="hello") == "1 member was told"
        assert (await bert.next_push(m.Notice)).text == "hello"
        assert await operate(anna, "broadcast", text="all!") == "2 members were told"
        assert (await bert.next_push(m.Notice)).text == "all!"


@virtual_time
async def test_whoever_is_no_operator_is_denied(tmp_path: Path) -> None:
    async with operated(tmp_path) as (rig, anna, bert):
        for act in get_args(m.OperatorAct):
            with pytest.raises(RequestFailed, match="no operator") as caught:
                await operate(bert, act, target="anna", text="x")
            assert caught.value.code == "denied"
        assert await rig.acts() == []
        assert not anna.ended.done()
        rig.standings.change(anna.peer, "member", None)
        with pytest.raises(RequestFailed, match="no operator"):
            await operate(anna, "kick", target="bert")


@virtual_time
async def test_operators_cannot_touch_each_other(tmp_path: Path) -> None:
    async with operated(tmp_path) as (rig, anna, bert):
        rig.standings.change(bert.peer, "operator", None)
        for target in ("bert", "anna", bert.peer, host_of(rig, "bert"), "10.0.0.0/8"):
            with pytest.raises(RequestFailed) as kicking:
                await operate(anna, "kick", target=target)
            with pytest.raises(RequestFailed) as banning:
                await operate(anna, "ban", target=target)
            assert (kicking.value.code, banning.value.code) == ("denied", "denied")
        assert not bert.ended.done()
        assert await rig.console.members.bans() == ()


@virtual_time
async def test_mistakes_are_told(tmp_path: Path) -> None:
    async with operated(tmp_path) as (_, anna, _bert):
        with pytest.raises(RequestFailed, match="nobody is known") as caught:
            await operate(anna, "kick", target="carl")
        assert caught.value.code == "not_found"
        with pytest.raises(RequestFailed, match="Not a message"):
            await operate(anna, "broadcast", text=" ")
        with pytest.raises(RequestFailed, match="Not this machine"):
            await operate(anna, "ban", target="127.0.0.1")


@virtual_time
async def test_acts_are_not_taken_faster_than_searches(tmp_path: Path) -> None:
    async with operated(tmp_path) as (rig, anna, _bert):
        for _ in range(20):
            await operate(anna, "broadcast", text="spam")
        with pytest.raises(RequestFailed) as caught:
            await operate(anna, "broadcast", text="spam")
        assert caught.value.code == "limit"
        assert len(await rig.acts()) == 20


@virtual_time
async def test_a_fault_of_ours_fails_the_act_and_not_the_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with operated(tmp_path) as (rig, anna, _bert):

        async def broken(_message: api.Message, _by: str) -> int:
            raise ZeroDivisionError

        monkeypatch.setattr(rig.console.members, "message", broken)
        with pytest.raises(RequestFailed) as caught:
            await operate(anna, "broadcast", text="x")
        assert caught.value.code == "internal"
        assert isinstance(await anna.ask(m.Ping, m.Pong), m.Pong)
