"""Kicks, bans, roles, limits and messages, on a whole tracker in memory."""

from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.requests import RequestFailed
from p2ptui.net.wire import messages as m
from tests.support.admin_rig import AdminRig, admin_in, host_of
from tests.support.fake_time import virtual_time
from tests.support.memory_net import peer_id_of
from tests.support.tracker_rig import content_of, entry
from tracker import api, events

DAY_S = 86400.0


async def refused(rig: AdminRig, name: str) -> m.Goodbye:
    """Why a member is not let in."""
    member = await rig.connect(name)
    end = await member.ended
    return m.Goodbye(end.code, end.text, end.until)  # type: ignore[arg-type]


@virtual_time
async def test_f70_a_kick_cuts_at_once_and_is_over_after_a_minute(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        anna, bert = await rig.connect("anna"), await rig.connect("bert")
        await anna.announce(entry("song"))
        await bert.locate(content_of("song"))
        before = rig.clock.wall()
        row = await rig.console.members.kick(
            api.KickRequest(host="anna", why="too loud", for_s=api.KICK_S)
        )
        end = await anna.ended
        assert rig.clock.wall() - before < 2
        assert (end.code, end.text, end.until) == ("kicked", "too loud", int(before) + 60)
        assert row.until == int(before) + 60
        kicks = await bert.next_push(m.KickList)
        assert [(kick.peer, kick.until) for kick in kicks.kicks] == [(anna.peer, end.until)]
        assert (await bert.next_push(m.SourceLeft)).peer == anna.peer
        rig.clock.advance(61)
        assert await rig.console.members.bans() == ()
        await rig.welcomed("anna")
        assert await rig.acts() == [("console", "kick", f"anna ({anna.peer[:8]})")]


@virtual_time
async def test_f70_a_ban_of_an_address_range_cuts_all_there_and_lets_nobody_in(
    tmp_path: Path,
) -> None:
    async with admin_in(tmp_path) as rig:
        anna, bert = await rig.connect("anna"), await rig.connect("bert")
        await bert.next_push(m.Welcome)
        there = f"{host_of(rig, 'anna')}/32"
        row = await rig.console.members.kick(api.KickRequest(host=there, why="flood", for_s=DAY_S))
        assert (row.network, row.peer_id, row.nick) == (there, "", "")
        end = await anna.ended
        assert (end.code, end.text) == ("kicked", "flood")
        goodbye = await refused(rig, "anna")
        assert (goodbye.code, goodbye.text) == ("kicked", "flood")
        assert goodbye.until == end.until == int(row.until or 0)
        assert not bert.ended.done()
        assert [each.network for each in await rig.console.members.bans()] == [there]
        await rig.stop()
        await rig.begin()
        assert (await refused(rig, "anna")).code == "kicked", "a restart pardons nobody"
        assert (await rig.console.members.unban(host_of(rig, "anna"))).network == there
        await rig.welcomed("anna")
        assert [act for _, act, _ in await rig.acts()] == ["ban", "unban"]


@virtual_time
async def test_a_bar_is_explained_to_some_and_a_flood_is_dropped(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        await rig.console.members.kick(api.KickRequest(host="10.99.0.0/16"))
        door = rig.entrance.door
        dropped = [door.refuses("10.99.1.1") for _ in range(100)]
        assert not any(dropped[:10])
        assert all(dropped[10:])
        assert not door.refuses("10.98.1.1")
        rig.clock.advance(1)
        assert [door.refuses("10.99.1.1") for _ in range(4)] == [False, False, True, True]


@virtual_time
async def test_what_a_target_may_be(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        desk = rig.console.members
        address = host_of(rig, "anna")
        for text in ("anna", anna.peer, anna.peer[:8], address, f"{address}:7071"):
            found = await desk.target(text)
            assert getattr(found, "peer", None) == anna.peer
        assert str(await desk.target("10.77.0.1")) == "10.77.0.1/32"
        assert str(await desk.target(f"{address}/24")).endswith(".0/24")
        with pytest.raises(P2PError) as missing:
            await desk.target("nobody")
        assert missing.value.exit_code is ExitCode.NOT_FOUND
        for for_s in (0.0, -5.0, 1e12):
            with pytest.raises(P2PError, match="Cannot ban"):
                await desk.kick(api.KickRequest(host="anna", for_s=for_s))
        with pytest.raises(P2PError, match="nobody known"):
            await desk.unban("10.77.0.1")


@virtual_time
async def test_roles_are_told_kept_and_shown(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        row = await rig.console.members.change(
            api.MemberChange(host="anna", role="operator", why="helps")
        )
        assert row.role == "operator"
        assert "role operator" in (await anna.next_push(m.Notice)).text
        await rig.stop()
        await rig.begin()
        (row,) = (await rig.console.lookout.hosts(api.Page())).rows
        assert row.role == "operator"
        page = await rig.console.upkeep.audit(api.Page())
        assert (page.rows[0].act, page.rows[0].why) == ("role", "helps")
        await rig.console.members.change(api.MemberChange(host="anna"))
        assert len(await rig.acts()) == 1, "a look changes nothing"


@virtual_time
async def test_f66_the_search_rate_of_one_member(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        await rig.console.members.change(
            api.MemberChange(host="anna", limits=api.Limits(searches_s=0.5))
        )
        await anna.search("a")
        await anna.search("b")
        with pytest.raises(RequestFailed) as caught:
            await anna.search("c")
        assert caught.value.code == "limit"
        rig.clock.advance(2)
        await anna.search("c")
        bert, _ = await rig.welcomed("bert")
        for _ in range(20):
            await bert.search("as all others")


@virtual_time
async def test_f63_the_quota_of_one_member(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        limits = api.Limits(max_entries=2)
        anna, bert = await rig.connect("anna"), await rig.connect("bert")
        await anna.next_push(m.Welcome)
        await rig.console.members.change(api.MemberChange(host="anna", limits=limits))
        assert "files at most 2" in (await anna.next_push(m.Notice)).text
        with pytest.raises(RequestFailed, match="may announce 2 files") as caught:
            await anna.announce(entry("1"), entry("2"), entry("3"))
        assert caught.value.code == "limit"
        await bert.announce(entry("1"), entry("2"), entry("3"))
        again, welcome = await rig.welcomed("anna")
        assert welcome.max_entries == 2
        await again.announce(entry("1"), entry("2"), whole=True)


@pytest.mark.parametrize(
    "limits",
    [api.Limits(searches_s=0.0), api.Limits(searches_s=float("nan")), api.Limits(searches_s=1e9),
     api.Limits(max_entries=-1), api.Limits(connections=0)],
)  # fmt: skip
@virtual_time
async def test_limits_that_cannot_be(tmp_path: Path, limits: api.Limits) -> None:
    async with admin_in(tmp_path) as rig:
        await rig.welcomed("anna")
        with pytest.raises(P2PError) as caught:
            await rig.console.members.change(api.MemberChange(host="anna", limits=limits))
        assert caught.value.exit_code is ExitCode.USAGE
        assert rig.standings.of(peer_id_of("anna")).limits is None


@virtual_time
async def test_messages_reach_one_or_all(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        anna, bert = await rig.connect("anna"), await rig.connect("bert")
        await anna.next_push(m.Welcome)
        await bert.next_push(m.Welcome)
        desk = rig.console.members
        assert await desk.message(api.Message(host="all", text=" back at noon ")) == 2
        assert (await anna.next_push(m.Notice)).text == "back at noon"
        assert (await bert.next_push(m.Notice)).text == "back at noon"
        assert await desk.message(api.Message(host="bert", text="hello bert")) == 1
        assert (await bert.next_push(m.Notice)).text == "hello bert"
        assert anna.pushed.empty()
        for text in ("", "  ", "x" * 1001):
            with pytest.raises(P2PError, match="Not a message"):
                await desk.message(api.Message(host="all", text=text))
        await bert.link.close()
        await bert.ended
        with pytest.raises(P2PError, match="offline"):
            await desk.message(api.Message(host="bert", text="are you there?"))
        assert [target for _, _, target in await rig.acts()] == [
            "all", f"bert ({peer_id_of('bert')[:8]})",
        ]  # fmt: skip


@virtual_time
async def test_acts_are_events_and_a_full_disk_is_told(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        heard = rig.bus.subscribe()
        await rig.welcomed("anna")
        (rig.folder / "audit.jsonl").mkdir()  # it cannot be written
        await rig.console.members.kick(api.KickRequest(host="anna", why="x"))
        (kicked, acted, notice), _ = heard.drain()
        assert isinstance(kicked, events.HostKicked)
        assert isinstance(acted, events.Acted)
        assert (acted.by, acted.act, acted.why, acted.detail) == ("console", "ban", "x", "for good")
        assert isinstance(notice, events.TrackerNotice)
        assert notice.level == "error"
        assert rig.authority.is_kicked(peer_id_of("anna")), "the act itself is done"
