"""Names that would like to do something: shown as what they are, and made safe on disk."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.processes import World, opened

PUBLISHED = {
    "\u202egpj.exe": "_gpj.exe",
    "zero\u200bwidth.txt": "zero_width.txt",
    "\ufeffbom.txt": "_bom.txt",
    "[red]markup[": "[red]markup[",
    "[@click=app.quit]x.txt": "[@click=app.quit]x.txt",
    "--rm -rf ~.txt": "_-rm -rf ~.txt",
    "$(reboot).txt": "_(reboot).txt",
    "CON": "_CON",
    "~": "_",
}
"""Under what name a file is published, and under which it lands."""
SKIPPED = (b"\x1b[2Jclear.txt", b"\x1b]52;c;eA==\x07", b"line\nbreak", b"\xc2\x9b31m", b"\xff.txt")


class Hostile(NamedTuple):
    world: World
    files: int


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    if sys.platform != "linux":
        pytest.skip("other systems refuse such file names themselves")
    for world in opened(tmp_path_factory.mktemp("hostile")):
        folder = world.folder / "shared"
        folder.mkdir()
        for name in [*map(os.fsencode, PUBLISHED), *SKIPPED]:
            with open(os.fsencode(folder) + b"/" + name, "wb") as file:  # noqa: PTH123  (bytes)
                file.write(name)
        link = world.tracker().link
        words = ("--share", folder)
        mallory = world.start(
            "mallory", "peer", "--headless", "--json", "--listen", "127.0.0.1:0", "--tracker",
            link, "--nick", "\x1b[31mmallory\u202e", *words,
        )  # fmt: skip
        published = mallory.wait_for("published")
        world.peer("ben", link)
        yield Hostile(world, published["files"])


def test_f41_f50_what_cannot_be_a_name_is_counted_and_not_shared(hostile: Hostile) -> None:
    status = hostile.world.done("mallory", "status").row
    assert (status["files"], status["skipped"]) == (len(PUBLISHED), len(SKIPPED))
    assert hostile.files == len(PUBLISHED)


@pytest.mark.parametrize(
    ("home", "words"),
    [
        ("ben", ["search", "shared/"]),
        ("ben", ["peers"]),
        ("mallory", ["files"]),
        ("mallory", ["status"]),
        ("tracker", ["tracker", "hosts"]),
        ("tracker", ["tracker", "search", "shared/"]),
        ("tracker", ["tracker", "ping", "all"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_f42_f43_f55_nothing_unprintable_reaches_the_terminal(
    hostile: Hostile, home: str, words: list[str], form: list[str]
) -> None:
    # That there is no ESC in the bytes is asserted of every command.
    result = hostile.world.run(home, *words, *form)
    assert result.code == 0, result
    assert "mallory" in result.out or "gpj.exe" in result.out
    assert not [each for each in result.out if not each.isprintable() and each != "\n"]


def test_f43_f44_names_are_shown_as_what_they_are(hostile: Hostile) -> None:
    out = hostile.world.run("ben", "search", "shared/").out
    for shown in (
        r"shared/\u202egpj.exe ", r"shared/zero\u200bwidth.txt ", r"shared/\ufeffbom.txt ",
        "shared/[red]markup[ ", "shared/[@click=app.quit]x.txt ", "shared/$(reboot).txt ",
    ):  # fmt: skip
        assert shown in out


@pytest.mark.parametrize(("name", "landed"), PUBLISHED.items(), ids=map(repr, PUBLISHED))
def test_f43_f46_f58_a_fetched_file_has_a_safe_name(
    hostile: Hostile, name: str, landed: str
) -> None:
    # The id of each is asked for: a name of dashes would be taken for an option.
    world = hostile.world
    rows = world.done("ben", "search", "shared/").rows
    (content_id,) = [row["content_id"] for row in rows if row["name"] == f"shared/{name}"]
    path = Path(world.done("ben", "fetch", content_id).row["path"])
    assert path == world.home("ben").node.repository / landed
    assert path.read_bytes() == name.encode()
