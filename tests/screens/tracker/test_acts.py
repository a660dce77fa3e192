"""The door, upkeep and export: each by its key."""

import csv
import json
from pathlib import Path

import pytest
from msgspec import structs

from p2ptui.base.errors import P2PError
from p2ptui.screens.invite import LinkDialog
from p2ptui.screens.prompt import Prompt
from p2ptui.screens.tracker import TrackerScreen
from p2ptui.widgets.dialog import Question
from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.qr_code import QrCode, qr_lines
from tests.support.console_rig import NARROW
from tests.support.screen_tracker import LINK, ScreenTracker, host
from tests.support.tracker_console import TrackerRig, TrackerWays, still, tracker_opened
from tracker.api import Message

# --- the door -------------------------------------------------------------------------------------


async def test_an_invite_is_shown_with_its_code(rig: TrackerRig) -> None:
    await rig.press("I")
    await rig.until_on(LinkDialog)
    assert rig.tracker.named("invite") == [("invite", 1, 86_400.0)]
    assert "Lets in one peer, until 2027-01-16 08:00." in rig.text
    link = f"p2ptui://10.0.0.1:7070/#{'c' * 32}.{'e' * 16}"
    assert all(line.strip() in rig.text for line in qr_lines(link))
    await rig.press("y")
    assert rig.app.clipboard == link
    await rig.press("escape")
    assert isinstance(rig.app.screen, TrackerScreen)


async def test_a_small_terminal_has_the_link_alone(tracker: ScreenTracker) -> None:
    async with tracker_opened(TrackerWays(tracker), NARROW) as rig:
        await rig.press("I")
        await rig.until_on(LinkDialog)
        assert not rig.widget(QrCode).region
        assert "eeeeeeeeeeeeeeee" in rig.text
        await rig.pilot.resize_terminal(120, 40)
        await rig.until(lambda: rig.widget(QrCode).region, "room for the code")


async def test_ascii_has_the_link_alone(tracker: ScreenTracker) -> None:
    async with tracker_opened(TrackerWays(tracker), looks=still(ASCII)) as rig:
        await rig.press("I")
        await rig.until_on(LinkDialog)
        assert not rig.app.screen.query(QrCode)
        assert rig.text.isascii()


async def test_the_command_makes_other_invites(rig: TrackerRig) -> None:
    await rig.command("invite --uses 5 --for 7d")
    await rig.until_on(LinkDialog)
    assert rig.tracker.named("invite") == [("invite", 5, 604_800.0)]
    assert "Lets in 5 peers" in rig.text


async def test_a_wrong_number_of_uses_is_told(rig: TrackerRig) -> None:
    await rig.command("invite --uses none")
    assert rig.tracker.named("invite") == []
    assert "number of uses" in rig.notices[-1]


async def test_the_join_link(rig: TrackerRig) -> None:
    await rig.press("L")
    await rig.until_on(LinkDialog)
    assert LINK in rig.text.replace("│\n", "")
    assert "Members of this network join with it" in rig.text


async def test_open_and_closed(rig: TrackerRig) -> None:
    assert "open" in rig.text.splitlines()[0]
    await rig.press("O")
    assert "invite only" in rig.text.splitlines()[0]
    await rig.press("O")
    assert rig.tracker.named("open") == [("open", False), ("open", True)]
    assert rig.notices[-2:] == [
        "closed: nobody joins without an invite",
        "open: members of this network join without an invite",
    ]


# --- telling --------------------------------------------------------------------------------------


async def test_a_message_to_all(rig: TrackerRig) -> None:
    await rig.press("W")
    await rig.until_on(Prompt)
    await rig.enter("lunch")
    await rig.press("enter")
    assert rig.tracker.named("message") == [("message", Message(host="all", text="lunch"))]
    assert rig.notices == ["told 1 host"]


async def test_the_message_of_the_day_is_changed_and_taken_away(rig: TrackerRig) -> None:
    await rig.press("M")
    await rig.until_on(Prompt)
    await rig.enter("noon")
    await rig.press("enter")
    await rig.press("M")
    await rig.until_on(Prompt)
    assert "noon" in rig.text
    await rig.press(*["backspace"] * 4, "enter")
    assert rig.tracker.named("motd") == [("motd", "noon"), ("motd", "")]
    assert rig.notices == ["the message of the day is set", "no message of the day"]


# --- upkeep ---------------------------------------------------------------------------------------


async def test_draining_asks_and_ends_without(rig: TrackerRig) -> None:
    await rig.press("D")
    await rig.until_on(Question)
    await rig.press("enter")
    assert rig.tracker.named("drain") == [], "the safe answer comes first"
    await rig.press("D", "d")
    assert rig.tracker.named("drain") == [("drain", True)]
    assert "draining" in rig.text.splitlines()[0]
    await rig.press("D")
    assert rig.tracker.named("drain")[-1] == ("drain", False)
    assert "draining" not in rig.text.splitlines()[0]


async def test_a_backup(rig: TrackerRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await rig.press("S")
    await rig.until_on(Prompt)
    await rig.press("enter")
    path = str(tmp_path / "tracker-backup.tar")
    assert rig.tracker.named("backup") == [("backup", path)]
    assert rig.notices == [f"backed up to {path}, 82 KB"]


async def test_settings_are_read_again(rig: TrackerRig) -> None:
    await rig.press("E")
    assert rig.tracker.named("reload") == [("reload",)]
    assert rig.notices == ["in force now: tracker.motd"]


# --- export ---------------------------------------------------------------------------------------


async def write(rig: TrackerRig, path: Path) -> None:
    """Export to a path."""
    await rig.press("x")
    prompt = await rig.until_on(Prompt)
    prompt.fields[0].value = str(path)
    await rig.press("enter")
    await rig.until(lambda: any("wrote" in notice for notice in rig.notices), "the end")


async def test_all_hosts_become_json_lines(tmp_path: Path) -> None:
    hosts = [host(number) for number in range(2_345)]
    async with tracker_opened(TrackerWays(ScreenTracker(hosts))) as rig:
        await write(rig, tmp_path / "hosts.jsonl")
        assert rig.notices[-1] == f"wrote 2 345 rows to {tmp_path / 'hosts.jsonl'}"
    rows = [json.loads(line) for line in (tmp_path / "hosts.jsonl").read_text().splitlines()]
    assert [row["peer_id"] for row in rows] == [row.peer_id for row in hosts]
    assert rows[0]["seen"] == "2027-01-15T08:00:00.000Z"


async def test_f42_files_become_csv_that_no_spreadsheet_obeys(
    rig: TrackerRig, tmp_path: Path
) -> None:
    hostile = rig.tracker.file_rows[0]
    rig.tracker.file_rows[0] = structs.replace(hostile, name='=cmd|" /C calc"!A0\x1b[2J')
    await rig.press("d", "2")
    await write(rig, tmp_path / "files.csv")
    text = (tmp_path / "files.csv").read_text()
    assert "\x1b" not in text
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 9
    assert rows[0]["name"] == '\'=cmd|" /C calc"!A0\\x1b[2J'
    assert rows[1]["size"] == "41000000000"


async def test_nothing_is_overwritten(rig: TrackerRig, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("precious")
    await rig.press("x")
    prompt = await rig.until_on(Prompt)
    for text, said in (
        (str(path), "It exists already"),
        (str(tmp_path / "no" / "x.csv"), "There is no such folder."),
        ("  ", "A name"),
    ):
        prompt.fields[0].value = text
        await rig.press("enter")
        assert said in rig.text
    await rig.press("escape")
    assert path.read_text() == "precious"


async def test_an_export_that_fails_leaves_no_half_file(rig: TrackerRig, tmp_path: Path) -> None:
    async def fail(*_page: object) -> None:
        raise P2PError("The index fails", "it is gone")

    await rig.press("x")
    prompt = await rig.until_on(Prompt)
    prompt.fields[0].value = str(tmp_path / "hosts.csv")
    rig.tracker.hosts = fail  # type: ignore[assignment]
    await rig.press("enter")
    await rig.until(lambda: any("The index fails" in notice for notice in rig.notices), "the error")
    # The pane that brings hosts may have met the error first.
    await rig.until(lambda: not list(tmp_path.iterdir()), "the end of the half file")
