"""Who may join, message of the day and drain: what holds at once and what outlives the process."""

import functools
from pathlib import Path

import pytest
from msgspec import structs

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.settings import load_settings
from p2ptui.net.wire import messages as m
from tests.support.admin_rig import admin_in
from tests.support.fake_time import virtual_time
from tests.support.tracker_rig import content_of
from tracker import api, events
from tracker.upkeep import DRAINING


@virtual_time
async def test_invites_are_listed_by_an_id_and_revoked(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        door = rig.console.door
        one, two = await door.invite(1, 60.0), await door.invite(5, 3600.0)
        rows = await door.invites()
        assert [(row.id, row.uses, row.left) for row in rows] == [(one.id, 1, 1), (two.id, 5, 5)]
        code = two.link.rpartition(".")[2]
        assert two.id not in code
        assert code not in str(rows)
        assert (await door.revoke(two.id[:4])).id == two.id
        assert [row.id for row in await door.invites()] == [one.id]
        for unknown in (two.id, "", "zzzz"):
            with pytest.raises(P2PError) as caught:
                await door.revoke(unknown)
            assert caught.value.exit_code is ExitCode.NOT_FOUND
        await rig.stop()
        await rig.begin()
        assert [row.id for row in await rig.console.door.invites()] == [one.id]
        rig.clock.advance(60)
        assert await rig.console.door.invites() == ()
        assert [act for _, act, _ in await rig.acts()] == ["invite", "invite", "revoke"]


@virtual_time
async def test_the_mode_holds_at_once_and_for_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("# mine\n[tracker]\nname = 'lan' # ours\n")
    async with admin_in(tmp_path) as rig:
        await rig.console.door.open(on=False)
        assert not rig.rules.open
        assert not (await rig.console.lookout.status(0)).open
        assert not load_settings(file, {}).tracker.open
        assert file.read_text().startswith("# mine\n[tracker]\nname = 'lan' # ours\n")
        link = await rig.network.host("carl").dial_as_stranger("10.0.0.1", 7070)
        challenge = await link.receive()
        assert isinstance(challenge, m.Challenge)
        assert not challenge.open
        link.abort()
        await rig.console.door.open(on=True)
        assert load_settings(file, {}).tracker.open
        assert await rig.acts() == [("console", "mode", "closed"), ("console", "mode", "open")]


@virtual_time
async def test_a_settings_file_that_cannot_be_edited_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[tracker\n")
    async with admin_in(tmp_path) as rig:
        with pytest.raises(P2PError, match="settings"):
            await rig.console.door.open(on=False)
        with pytest.raises(P2PError, match="settings"):
            await rig.console.upkeep.motd("x")
        assert rig.rules.open
        assert rig.rules.motd == "hello"
        assert await rig.acts() == []


@virtual_time
async def test_the_message_of_the_day_is_told_from_now_on(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        _, welcome = await rig.welcomed("anna")
        assert welcome.motd == "hello"
        await rig.console.upkeep.motd(' tea at "four" ')
        _, welcome = await rig.welcomed("bert")
        assert welcome.motd == 'tea at "four"'
        assert load_settings(tmp_path / "settings.toml", {}).tracker.motd == 'tea at "four"'
        with pytest.raises(P2PError, match="Too long"):
            await rig.console.upkeep.motd("x" * 501)
        await rig.console.upkeep.motd("")
        assert (await rig.console.lookout.status(0)).motd == ""


@virtual_time
async def test_draining_takes_nobody_new_and_tells_all(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        await rig.console.upkeep.drain(on=True)
        assert "upgrade" in (await anna.next_push(m.Notice)).text
        assert (await rig.console.lookout.status(0)).draining
        bert = await rig.connect("bert")
        end = await bert.ended
        assert (end.code, end.text) == ("stopping", DRAINING)
        link = await rig.network.host("carl").dial_as_stranger("10.0.0.1", 7070)
        with pytest.raises(Exception, match="stopping"):
            await link.receive()
        assert rig.told(events.Refused)
        assert await anna.search("still here") == []
        await rig.console.upkeep.drain(on=True)
        await rig.console.upkeep.drain(on=False)
        assert "no upgrade" in (await anna.next_push(m.Notice)).text
        await rig.welcomed("bert")
        assert await rig.acts() == [("console", "drain", "on"), ("console", "drain", "off")]


@virtual_time
async def test_pings_that_were_lost_are_counted(tmp_path: Path) -> None:
    async with admin_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        await rig.console.lookout.ping("anna")
        (before,) = (await rig.console.lookout.hosts(api.Page())).rows
        anna.link.cut()
        (row,) = await rig.console.lookout.ping("anna")
        assert row.ping_ms is None
        (after,) = (await rig.console.lookout.hosts(api.Page())).rows
        assert before.lost == 0
        assert after.pings > before.pings >= 1
        assert after.lost >= 1
        anna.link.mend()


@virtual_time
async def test_what_members_fetched_is_counted_and_as_much_remembered_as_the_settings_say(
    tmp_path: Path,
) -> None:
    async with admin_in(tmp_path) as rig:
        anna, _ = await rig.welcomed("anna")
        bert, _ = await rig.welcomed("bert")
        givers = (m.Giver(bert.peer, 10),)
        for name in ("song", "film"):
            fetches = tuple(
                m.Fetched(content_of(f"{name} {number}"), (name,), 10, 1.0, 0, givers)
                for number in range(m.MAX_REPORTS)
            )
            report = functools.partial(m.Report, fetches=fetches)
            await anna.ask(report, m.Noted)
        status = await rig.console.lookout.status(0)
        assert (status.fetched, status.fetched_bytes) == (2 * m.MAX_REPORTS, 20 * m.MAX_REPORTS)
        assert (await rig.console.lookout.history(api.Page())).total == 2 * m.MAX_REPORTS
        rig.settings = structs.replace(rig.settings, history=100)
        assert await rig.console.upkeep.reload() == ("tracker.history",)
        assert (await rig.console.lookout.history(api.Page())).total == 100
