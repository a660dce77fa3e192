"""A terminal that is closed under the full-screen peer (F98): it ends, its node goes on."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.processes import LOOPBACK, PROGRAM, World, random_file, until
from tests.support.tmux import TMUX, Terminal

pytestmark = pytest.mark.skipif(TMUX is None, reason="there is no tmux here")

SIZE = 4 << 20


def screens(world: World, name: str) -> list[int]:
    """Processes of that home that are no node (Linux)."""
    needle = f"P2PTUI_HOME={world.home(name).folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if needle in (process / "environ").read_bytes().split(b"\0"):
                words = (process / "cmdline").read_bytes()
                if b"p2ptui" in words and b"--headless" not in words:
                    found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_f98_a_fetch_goes_on_when_its_terminal_is_gone(
    world: World, screen: Terminal, how: str
) -> None:
    tracker = world.tracker()
    film = random_file(world.folder / "film.mkv", SIZE)
    world.peer("anna", tracker.link, env={"P2PTUI_PEER_UP_LIMIT": "300 kB/s"})
    world.done("anna", "publish", film)
    env = world.env("carl") | {"TERM": "screen-256color"}
    words = ["peer", "--listen", LOOPBACK, "--nick", "carl", "--tracker", tracker.link]
    screen.start([*PROGRAM, *words], env)
    screen.until_seen("connected to swarm")
    until(lambda: world.done("carl", "search", "film").rows, "the index")
    world.done("carl", "fetch", "film.mkv", "--no-wait")
    until(lambda: world.done("carl", "transfers").row["state"] == "active", "its begin")
    assert screens(world, "carl")

    if how == "closed":
        screen.close()
    else:
        for process in screens(world, "carl"):
            os.kill(process, signal.SIGKILL)
    until(lambda: not screens(world, "carl"), "the end of the screen")
    world.done("anna", "limit", "up", "off")
    until(lambda: not world.done("carl", "transfers").rows, "the end of the download")
    (row,) = world.done("carl", "history").rows
    assert row["state"] == "finished"
    assert Path(row["path"]).read_bytes() == film.read_bytes()
    status = world.done("carl", "status").row
    assert status["front_ends"] <= 1
    assert b"Traceback" not in screen.written.read_bytes()
    assert world.done("carl", "stop").row == {"stopped": True}
