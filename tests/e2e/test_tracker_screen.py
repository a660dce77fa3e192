"""The tracker's console in a real terminal, with a real tracker and three real peers."""

from pathlib import Path

import pytest

from tests.support.processes import LOOPBACK, PROGRAM, Process, World, random_file, until
from tests.support.tmux import TMUX, Terminal, terminal

pytestmark = pytest.mark.skipif(TMUX is None, reason="there is no tmux here")


def start(screen: Terminal, world: World, *words: str) -> None:
    """The console of the home called `tracker`, on that terminal."""
    env = world.env("tracker") | {"TERM": "screen-256color"}
    screen.start([*PROGRAM, "tracker", *words], env)


def peer_with_file(world: World, name: str, link: str) -> Process:
    """A peer that shares one file of its name."""
    shared = world.folder / f"shared-{name}"
    shared.mkdir()
    random_file(shared / f"of-{name}.bin", 50_000)
    return world.peer(name, link, "--share", shared).process


def go_to(screen: Terminal, nick: str) -> None:
    """Put the cursor on a host, by a filter that only it passes."""
    screen.press("Escape", "Escape")
    screen.press("1")
    screen.type(f"/{nick}")
    screen.press("Enter")
    until(lambda: "▌" in screen.text and f"filter {nick}" in screen.text, f"{nick} alone")


def test_ping_discover_kick_ban_unban_and_invites(world: World, screen: Terminal) -> None:
    start(screen, world, "--listen", LOOPBACK, "--name", "swarm")
    screen.until_seen("1 Hosts", "4 Statistics", "No hosts yet", "p2ptui://")
    link = world.done("tracker", "tracker", "stats").row["link"]
    peers = {name: peer_with_file(world, name, link) for name in ("anna", "berta", "carla")}
    screen.until_seen("anna", "berta", "carla", "3 hosts", "● 3 online")

    # Asking.
    go_to(screen, "berta")
    screen.press("p")
    screen.until_seen("berta answered in")
    screen.press("d")
    screen.until_seen("Files of berta", "of-berta.bin", "1 file")
    screen.press("P")
    screen.until_seen("3 of 3 answered")

    # A kick, of which the peer is told why.
    screen.press("K")
    screen.until_seen("Kick berta")
    screen.type("too loud")
    screen.press("Enter")
    screen.until_seen("kicked berta", "too loud")
    peers["berta"].wait_for("disconnected")
    until(lambda: "too loud" in str(peers["berta"].events), "the reason at the peer")

    # A ban, and its end.
    go_to(screen, "carla")
    screen.press("B")
    screen.until_seen("Ban carla")
    screen.press("Tab", "Tab")
    screen.type("flooding")
    screen.press("Enter")
    screen.until_seen("banned carla for 7d")
    bans = world.done("tracker", "tracker", "bans").rows
    assert "flooding" in {row["why"] for row in bans}
    screen.press("b")
    screen.until_seen("carla", "flooding", "Let in again")
    screen.type("/carla")
    screen.press("Enter")
    until(lambda: "berta" not in screen.text and "flooding" in screen.text, "her ban alone")
    screen.press("u")
    screen.until_seen("may come back")
    screen.press("q")
    screen.until_seen("1 Hosts")

    # Closed: nobody joins without an invite, and one who has it does.
    screen.press("O")
    screen.until_seen("invite only")
    refused = world.run("dora", "join", link, "--json", "--timeout", "10s")
    assert refused.code != 0
    screen.press("I")
    screen.until_seen("Invite", "Lets in one peer", "▀", "Copy link")
    screen.press("Escape")
    made = world.done("tracker", "tracker", "invite").row["link"]
    peer_with_file(world, "dora", made)
    go_to(screen, "dora")
    screen.until_seen("dora", "1 host ")
    screen.press("a")
    screen.until_seen("Audit log", "kick", "ban", "unban", "flooding")
    screen.press("q")

    screen.press("q")
    screen.until_seen("Keep running", "Stop the tracker")
    screen.press("s")
    assert screen.until_ended() == 0
    assert "No tracker is running" in world.run("tracker", "tracker", "stop").out


def test_a_second_console_attaches_and_the_tracker_outlives_the_first(
    world: World, screen: Terminal, short_folder: Path
) -> None:
    tracker = world.tracker()
    world.peer("anna", tracker.link)
    start(screen, world)
    screen.until_seen("anna", "● 1 online", "open")
    other_folder = short_folder / "b"
    other_folder.mkdir()
    with terminal(other_folder, (80, 24)) as other:
        start(other, world)
        other.until_seen("anna", "1 Hosts   2 Files   3 Log   4 Statistics")
        other.press("D")
        other.until_seen("Take no new connections")
        other.press("d")
        screen.until_seen("draining")
        screen.press("q")
        assert screen.until_ended() == 0
        other.press("D")
        other.until_seen("not draining any more")
        other.press("q")
        other.until_seen("Keep running")
        other.press("Enter")
        assert other.until_ended() == 0
    assert world.done("tracker", "tracker", "stats").row["hosts"] == 1, "it goes on"


def test_a_tracker_that_dies_is_offered_to_be_started_again(world: World, screen: Terminal) -> None:
    start(screen, world, "--listen", LOOPBACK)
    screen.until_seen("No hosts yet")
    assert world.run("tracker", "tracker", "stop").code == 0
    screen.until_seen("The tracker is gone", "Start it again")
    screen.press("Enter")
    until(lambda: world.run("tracker", "tracker", "stats").code == 0, "another tracker")
    until(lambda: "The tracker is gone" not in screen.text, "its panes")
    screen.until_seen("No hosts yet")
    screen.press("q")
    screen.until_seen("Stop the tracker")
    screen.press("s")
    assert screen.until_ended() == 0
