"""The line shells: a script in a pipe, and people at real terminals."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Swarm
from tests.support.processes import LOOPBACK, PROGRAM, World, homes_in_use, random_file
from tests.support.terminal import TMUX, Terminal

# --- in a pipe -----------------------------------------------------------------------------------


def test_a_script_runs_one_command_after_the_other(swarm: Swarm) -> None:
    script = "\n".join(
        [
            f"join {swarm.tracker.link}",
            "search --json note.txt",
            "/fetch files/big.bin",
            "# a comment",
            "",
            "files",
            "exit",
        ]
    )
    result = swarm.world.run("piped", "--shell", "--listen", LOOPBACK, input_text=script)
    assert result.code == 0, result
    connected, hit, fetched, header, row = result.out.splitlines()
    assert connected.startswith("connected to swarm at ")
    assert json.loads(hit)["name"] == "files/note.txt"
    assert fetched.startswith("fetched big.bin: 5.0 MB in ")
    assert header.split()[:2] == ["name", "size"]
    assert row.split()[:3] == ["big.bin", "5.0", "MB"], "it is shared once it is there"
    assert "peer>" not in result.out + result.err
    # The shell started the node, and ended it.
    assert swarm.world.run("piped", "stop").out == "No node is running in this home.\n"


def test_its_exit_code_is_that_of_the_first_command_that_failed(swarm: Swarm) -> None:
    script = "fetch no such name\nfrobnicate\nsearch note.txt\n"
    result = swarm.world.run("ben", "--shell", input_text=script)
    assert result.code == 4, result
    told = [line for line in result.err.splitlines() if line.startswith("p2ptui: ")]
    assert told == ["p2ptui: Not found", "p2ptui: Unknown command"]
    assert "files/note.txt" in result.out
    # It found the node running, and left it so.
    assert swarm.world.done("ben", "status").row["nick"] == "ben"


def test_a_shell_that_cannot_join_ends_with_its_reason(swarm: Swarm) -> None:
    wrong = f"{swarm.tracker.link.partition('#')[0]}#{'a' * 32}"
    result = swarm.world.run("lost", "--shell", "--tracker", wrong, input_text="search x\n")
    assert result.code == 3, result
    assert "Another key than the link's" in result.err
    assert result.out == ""


def test_the_trackers_console_in_a_pipe(swarm: Swarm) -> None:
    script = "discover anna note\nping ben\n/help\ndetach\n"
    result = swarm.world.run("tracker", "tracker", "--shell", input_text=script)
    assert result.code == 0, result
    assert "files/note.txt" in result.out
    assert "ben (" in result.out
    assert "discover HOST" in result.out
    assert "tracker>" not in result.out + result.err


# --- at a terminal -------------------------------------------------------------------------------

Open = Callable[..., Terminal]
PEER, TRACKER = "peer>", "tracker>"
INHERITED = {"PATH", "P2PTUI_HOME", "LC_ALL", "PYTHONPATH"}


@pytest.fixture
def terminal(world: World) -> Iterator[Open]:
    """Opens terminals with a program in them."""
    if TMUX is None:
        pytest.skip("tmux is not installed")
    opened: list[Terminal] = []
    folders: list[str] = []

    def open_terminal(name: str, *words: str, term: str = "screen-256color") -> Terminal:
        folders.append(tempfile.mkdtemp(prefix="p2ptui-"))
        shown = Terminal(Path(folders[-1]))
        opened.append(shown)
        # What is not said here is as a login finds it.
        env = {key: text for key, text in world.env(name).items() if key in INHERITED}
        shown.start([*PROGRAM, *words], env | {"TERM": term, "HOME": str(world.folder)})
        return shown

    yield open_terminal
    for shown in opened:
        shown.close()
    for folder in folders:
        shutil.rmtree(folder)


def assert_prompts_stand_alone(shown: Terminal, prompt: str, typed: list[str]) -> None:
    """Each line with a prompt holds what was typed there and nothing else."""
    expected = [f"{prompt} {line}".rstrip() for line in [*typed, ""]]
    # The last one comes when the last command is through.
    lines = shown.wait_for(prompt, times=len(expected))
    assert [line for line in lines if prompt in line] == expected, "\n".join(lines)


def test_a_first_session_at_three_terminals(world: World, terminal: Open) -> None:
    """What README.md shows: a tracker and two peers, each at a prompt."""
    film = random_file(world.folder / "holiday.mkv", 3_000_000)

    tracker = terminal("tracker", "tracker", "--shell", "--listen", LOOPBACK)
    shown = tracker.wait_for("Join link:")
    (link,) = [line.split()[-1] for line in shown if line.startswith("Join link:")]

    anna = terminal("anna", "--shell", "--tracker", link, "--nick", "anna", "--listen", LOOPBACK)
    anna.type(f"publish {film}", at=PEER)
    anna.wait_for("published holiday.mkv, 3.0 MB, b3c1")
    tracker.wait_for("offers 1 file, 3.0 MB")

    ben = terminal("ben", "--shell", "--tracker", link, "--nick", "ben", "--listen", LOOPBACK)
    ben.type("search holi", at=PEER)
    ben.wait_for("1 of 1")
    # On a terminal a fetch runs on, and its end is told above the prompt.
    ben.type("fetch holiday.mkv", at=PEER)
    ben.wait_for("fetched holiday.mkv: 3.0 MB in ")
    copy = world.home("ben").node.repository / "holiday.mkv"
    assert copy.read_bytes() == film.read_bytes()
    ben.type("/help", at=PEER)
    ben.wait_for("Finding and fetching:")
    ben.type("frobnicate", at=PEER)
    ben.wait_for("p2ptui: Unknown command")
    ben.type("remove holiday.mkv", at=PEER)
    ben.wait_for("removed holiday.mkv and deleted")
    assert not copy.exists()

    tracker.type("discover anna", at=TRACKER)
    tracker.wait_for("holiday.mkv")
    tracker.type("ping ben", at=TRACKER)
    tracker.wait_for(" ms")

    for shown_at, typed in (
        (anna, [f"publish {film}"]),
        (ben, ["search holi", "fetch holiday.mkv", "/help", "frobnicate", "remove holiday.mkv"]),
    ):
        assert_prompts_stand_alone(shown_at, PEER, typed)
    assert_prompts_stand_alone(tracker, TRACKER, ["discover anna", "ping ben"])

    for shown_at, prompt in ((ben, PEER), (anna, PEER), (tracker, TRACKER)):
        shown_at.type("exit", at=prompt)
        assert shown_at.exit_code() == 0
    assert homes_in_use(world.folder) == []


def test_ctrl_c_drops_the_line_and_ctrl_d_leaves(world: World, terminal: Open) -> None:
    peer = terminal("anna", "--shell", "--listen", LOOPBACK)
    peer.wait_for("Type: join LINK")
    peer.wait_at(PEER)
    peer.press("s", "e", "a", "C-c")
    peer.wait_for("(exit leaves, help lists the commands)")
    peer.wait_at(PEER)
    peer.press("h", "e", "l", "Tab")
    peer.wait_for("peer> help")
    peer.press("Enter")
    peer.wait_for("Offering files:")
    peer.wait_at(PEER)
    peer.press("C-d")
    assert peer.exit_code() == 0
    assert homes_in_use(world.folder) == []


def test_f118_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(
    world: World, terminal: Open
) -> None:
    peer = terminal("anna", "--shell", "--listen", LOOPBACK, term="dumb")
    peer.type("status", at=PEER)
    peer.wait_for("tracker:    none yet")
    peer.type("exit", at=PEER)
    assert peer.exit_code() == 0
