"""The full-screen peer in a real terminal, against a real tracker and a real second peer."""

import os
import sys
from pathlib import Path

import pytest

from tests.support.processes import LOOPBACK, PROGRAM, World, random_file, until
from tests.support.tmux import TMUX, Terminal, terminal

pytestmark = pytest.mark.skipif(TMUX is None, reason="there is no tmux here")

HOSTILE = "a\u202egpj.exe [@click=app.quit]x[red].txt"
"""A name that the wire allows, bidi and markup in it (F43, F44)."""
BIDI = "\u202e"
SKIPPED = (b"\x1b[2Jclear.txt", b"\x1b]52;c;eA==\x07", b"line\nbreak", b"\xc2\x9b31m", b"\xff.txt")
"""Names that nobody can share: terminal sequences, a line break, no UTF-8 (F42, F50)."""


def start(screen: Terminal, world: World, name: str, *words: str | Path) -> None:
    """The program itself, on that terminal, with a home of its own."""
    env = world.env(name) | {"TERM": "screen-256color"}
    arguments = ["peer", "--listen", LOOPBACK, "--nick", name, *map(str, words)]
    screen.start([*PROGRAM, *arguments], env)


def test_search_fetch_publish_remove_quit(world: World, screen: Terminal) -> None:
    shared = world.folder / "shared"
    shared.mkdir()
    random_file(shared / "needle-in-hay.bin", 3_000_000)
    (shared / HOSTILE).write_text("harmless\n")
    (world.folder / "mine.txt").write_text("of my own\n")
    tracker = world.tracker()
    world.peer("anna", tracker.link, "--share", shared)

    start(screen, world, "carl", "--tracker", tracker.link)
    screen.until_seen("1 Library", "2 Search", "3 Transfers", "4 Log", "connected to swarm")

    # Another's file: found, fetched, verified.
    screen.press("2")
    screen.type("/needle")  # at once: the letters are for the box, not for the table
    screen.until_seen("1 result")
    screen.press("Enter", "f")
    screen.until_seen("verified", "needle-in-hay.bin", "100%")
    fetched = [*(world.home("carl").folder / "repo").rglob("needle-in-hay.bin")]
    assert [path.read_bytes() for path in fetched] == [(shared / "needle-in-hay.bin").read_bytes()]

    # A file of our own: published by the command line, seen by the other peer, removed by a key.
    screen.press(":")
    screen.type(f"publish {world.folder / 'mine.txt'} ours.txt")
    screen.press("Enter")
    screen.until_seen("published ours.txt")
    until(lambda: world.done("anna", "search", "ours.txt").rows, "the published file")
    screen.press("1")
    screen.type("/ours")
    screen.press("Enter")
    until(lambda: "\u258cours.txt" in screen.text, "the only file that the filter leaves")
    screen.press("r")
    screen.until_seen("removed ours.txt")
    until(lambda: not world.done("anna", "search", "ours.txt").rows, "the removal")
    assert (world.folder / "mine.txt").exists(), "published from elsewhere: it stays"

    # Hostile names are shown, not obeyed, and no byte of them reaches the terminal as it is.
    screen.press("2", "/", *["BSpace"] * len("needle"))
    screen.type("gpj")
    screen.until_seen("a\\u202egpj.exe [@", "[red].txt")

    screen.press("Enter", "q")
    assert screen.until_ended() == 0
    written = screen.written.read_bytes()
    assert BIDI.encode() not in written
    assert b"\\u202egpj.exe" in written
    assert b"[?1049l" in written, "the terminal is given back"
    until(
        lambda: "No node is running" in world.run("carl", "stop").out,
        "a node that this screen started ends with it",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_f42_f43_f50_hostile_names_of_our_own_files_are_told_and_not_obeyed(
    world: World, screen: Terminal
) -> None:
    shared = world.folder / "shared"
    shared.mkdir()
    for name in (*SKIPPED, HOSTILE.encode(), b"decent.txt"):
        with open(os.fsencode(shared) + b"/" + name, "wb") as file:  # noqa: PTH123  (bytes)
            file.write(name)
    tracker = world.tracker()
    start(screen, world, "carl", "--tracker", tracker.link, "--share", shared)
    # The scan is over before the screen is there, or not yet: it is told either way.
    screen.until_seen("connected to swarm", f"{len(SKIPPED)} files", "cannot be shared")
    screen.until_seen("▸ shared", "2 files")
    screen.press("1", "Right")
    screen.until_seen("▾ shared", "decent.txt", "a\\u20")
    screen.press("Down")
    screen.until_seen("▌    a\\u20")
    for key, told in (("w", "Why: "), ("o", "owners online")):
        screen.press(key)
        screen.until_seen(told)
        screen.press("Escape")  # waited for: with a key at once behind it, it would be alt and that
        until(lambda told=told: told not in screen.text, "the dialog's end")
    for key, told in (("y", "sent to the clip"), ("r", "removed "), ("u", "shared again")):
        screen.press(key)
        screen.until_seen(told)
    screen.type("/gpj")
    screen.press("Enter")
    screen.until_seen("▌shared/a…ed].txt")
    screen.press("q")
    assert screen.until_ended() == 0
    written = screen.written.read_bytes()
    for raw in (b"\x1b[2Jclear", b"\x1b]52;c;eA==", b"\xc2\x9b31m", b"\xff.txt", BIDI.encode()):
        assert raw not in written
    log = world.home("carl").node.log.read_text(encoding="utf-8")
    assert "\\x1b[2Jclear.txt is skipped" in log


def test_a_second_screen_attaches_and_the_node_outlives_the_first(
    world: World, screen: Terminal, short_folder: Path
) -> None:
    tracker = world.tracker()
    world.peer("carl", tracker.link)
    start(screen, world, "carl")
    screen.until_seen("connected", "carl")
    other_folder = short_folder / "b"
    other_folder.mkdir()
    with terminal(other_folder, (80, 24)) as other:
        start(other, world, "carl")
        other.until_seen("connected", "2 Search", "5 Hosts")
        other.press("(")
        screen.until_seen("of 100.0 MB/s")
        screen.press("q")
        assert screen.until_ended() == 0
        other.press("4")
        other.until_seen("4 Log")
        assert other.exit_code is None
        other.press("q")
        assert other.until_ended() == 0
    assert world.done("carl", "status").row["up_limit_bps"] == 100_000_000, "it goes on"


def test_f118_a_resize_storm_and_a_terminal_of_20_by_5(world: World, screen: Terminal) -> None:
    tracker = world.tracker()
    start(screen, world, "carl", "--tracker", tracker.link)
    screen.until_seen("1 Library", "connected to swarm")
    for columns, rows in ((200, 60), (81, 24), (20, 5), (39, 9), (100, 30), (20, 5)) * 3:
        screen.resize(columns, rows)
    screen.until_seen("needs 40 x 10")
    screen.resize(80, 24)
    screen.until_seen("1 Library   2 Search")
    screen.resize(120, 36)
    screen.until_seen("╭─ 1 Library", "╭─ 4 Log")
    screen.press("q")
    assert screen.until_ended() == 0
