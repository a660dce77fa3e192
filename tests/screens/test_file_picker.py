"""The file picker: walking, filtering, choosing, and hostile names of the disk."""

import os
from pathlib import Path

import pytest

from p2ptui.screens.file_picker import FilePicker, Picked, check_published_name
from p2ptui.screens.prompt import Prompt
from p2ptui.widgets.field import Field
from p2ptui.widgets.virtual_table import VirtualTable
from tests.support.screen_rig import Rig

HOSTILE_LOCAL = "\x1b[2J\u202egpj.exe [red]x"


class Picker:
    """A picker on a rig, and what came of it."""

    def __init__(self, rig: Rig, start: Path) -> None:
        self.rig = rig
        self.result: list[Picked | None] = []
        rig.app.push_screen(FilePicker(start), self.result.append)

    @property
    def names(self) -> list[str]:
        table = self.rig.widget(VirtualTable)
        rows = [table.source.row(index) for index in range(table.source.count)]
        return [str(row.cells[1]) for row in rows if row is not None]

    async def until_in(self, folder: Path) -> None:
        await self.rig.until_seen(f"{folder.name} ")
        await self.rig.settle()


@pytest.fixture
async def picker(rig: Rig, tmp_path: Path) -> Picker:
    home = tmp_path / "home-of-anna"
    (home / "music").mkdir(parents=True)
    (home / "music" / "inner.ogg").write_bytes(b"123")
    (home / "song.flac").write_bytes(b"12345")
    (home / "other.flac").write_bytes(b"1")
    opened = Picker(rig, home)
    await rig.until_on(FilePicker)
    await rig.until(lambda: opened.names, "the entries of the folder")
    return opened


async def test_the_first_entry_is_chosen_and_not_the_way_up(picker: Picker) -> None:
    assert picker.names == ["..", "music/", "other.flac", "song.flac"]
    assert picker.rig.widget(VirtualTable).cursor == 1


async def test_enter_opens_a_folder_and_backspace_goes_back_to_it(picker: Picker) -> None:
    await picker.rig.press("enter")
    await picker.rig.until_seen("inner.ogg")
    await picker.rig.press("backspace")
    await picker.rig.until(lambda: "song.flac" in picker.names)
    assert picker.rig.widget(VirtualTable).cursor == picker.names.index("music/")


async def test_a_file_is_published_under_the_name_that_is_typed(
    picker: Picker, tmp_path: Path
) -> None:
    rig = picker.rig
    await rig.press("end", "enter")
    await rig.until_on(Prompt)
    assert rig.widget(Field).value == "song.flac"
    await rig.enter(".old")
    await rig.press("enter")
    await rig.until(lambda: picker.result)
    path = str(tmp_path / "home-of-anna" / "song.flac")
    assert picker.result == [Picked("file", path, "song.flac.old")]


async def test_a_name_that_others_cannot_take_is_refused_in_place(picker: Picker) -> None:
    rig = picker.rig
    await rig.press("end", "enter")
    await rig.until_on(Prompt)
    rig.widget(Field).value = "../up"
    await rig.press("enter")
    await rig.until_seen("a name that is . or ..")
    assert isinstance(rig.app.screen, Prompt)
    await rig.press("escape")
    await rig.until_on(FilePicker)
    assert picker.result == []


async def test_s_shares_the_open_folder(picker: Picker, tmp_path: Path) -> None:
    await picker.rig.press("enter")
    await picker.rig.until_seen("inner.ogg")
    await picker.rig.press("s")
    await picker.rig.until(lambda: picker.result)
    assert picker.result == [Picked("folder", str(tmp_path / "home-of-anna" / "music"))]


async def test_the_filter_finds_and_esc_takes_it_away_before_it_closes(picker: Picker) -> None:
    rig = picker.rig
    await rig.press("slash")
    await rig.enter("song")
    await rig.until(lambda: picker.names == ["song.flac"])
    await rig.press("escape")
    assert picker.names == ["..", "music/", "other.flac", "song.flac"]
    assert picker.result == []
    await rig.press("escape")
    await rig.until(lambda: picker.result)
    assert picker.result == [None]


async def test_enter_in_the_filter_opens_what_it_found(picker: Picker) -> None:
    await picker.rig.press("slash")
    await picker.rig.enter("mus")
    await picker.rig.press("enter")
    await picker.rig.until_seen("inner.ogg")
    assert picker.rig.widget(Field).value == ""


async def test_f42_f43_f44_local_names_are_shown_and_never_obeyed(
    picker: Picker, tmp_path: Path
) -> None:
    home = tmp_path / "home-of-anna"
    (home / "music" / HOSTILE_LOCAL).write_bytes(b"")
    Path(os.fsdecode(os.fsencode(home / "music") + b"/caf\xe9")).write_bytes(b"")
    rig = picker.rig
    await rig.press("enter")
    await rig.until_seen("inner.ogg")
    assert r"\x1b[2J\u202egpj.exe [red]x" in rig.text
    assert r"caf\udce9" in rig.text
    assert "\x1b" not in rig.text


async def test_f41_a_path_that_is_not_utf8_asks_to_be_renamed(
    picker: Picker, tmp_path: Path
) -> None:
    inside = os.fsencode(tmp_path / "home-of-anna" / "music")
    Path(os.fsdecode(inside + b"/caf\xe9")).write_bytes(b"")
    rig = picker.rig
    await rig.press("enter")
    await rig.until_seen(r"caf\udce9")
    rig.widget(VirtualTable).cursor = picker.names.index("caf\udce9")
    await rig.press("enter")
    await rig.until_seen("rename it first")
    assert isinstance(rig.app.screen, FilePicker)


async def test_a_bad_name_is_published_under_a_better_one(picker: Picker, tmp_path: Path) -> None:
    bad = tmp_path / "home-of-anna" / "line\nbreak"
    bad.write_bytes(b"x")
    rig = picker.rig
    await rig.press("enter")
    await rig.until_seen("inner.ogg")
    await rig.press("backspace")
    await rig.until_seen(r"line\nbreak")
    rig.widget(VirtualTable).cursor = picker.names.index("line\nbreak")
    await rig.until_seen("a control character in a name")
    await rig.press("enter")
    await rig.until_on(Prompt)
    await rig.enter("better")
    await rig.press("enter")
    await rig.until(lambda: picker.result)
    assert picker.result == [Picked("file", str(bad), "better")]


async def test_a_folder_that_went_away_is_told_in_place(picker: Picker, tmp_path: Path) -> None:
    music = tmp_path / "home-of-anna" / "music"
    (music / "inner.ogg").unlink()
    music.rmdir()
    await picker.rig.press("enter")
    await picker.rig.until_seen("no such file")
    assert "song.flac" in picker.names


async def test_p_publishes_what_was_picked(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "anna"
    home.mkdir()
    (home / "song.flac").write_bytes(b"1")
    monkeypatch.setenv("HOME", str(home))
    await rig.press("p")
    await rig.until_on(FilePicker)
    # Not by its text: a song of that name may be seen behind the dialog.
    await rig.until(lambda: rig.widget(VirtualTable).source.count, "the entries of the folder")
    await rig.press("enter")
    await rig.until_on(Prompt)
    await rig.press("enter")
    await rig.until(lambda: rig.node.named("publish"))
    assert rig.node.named("publish") == [("publish", str(home / "song.flac"), "song.flac")]


@pytest.mark.parametrize(
    ("name", "taken"),
    [("song.flac", True), ("a/b.flac", True), ("", False), ("a//b", False), ("a\x1b", False)],
)
def test_published_names_are_wire_paths(name: str, taken: bool) -> None:
    assert (check_published_name(name) == "") is taken
