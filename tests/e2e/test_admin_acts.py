"""An admin at work on three real peers, and an operator on its own peer."""

import json
import re
import time
from pathlib import Path
from typing import Any

from p2ptui.base.errors import ExitCode
from tests.support.processes import Tracker, World, random_file, until

KICKED = r"kicked, for (59|60) s: "
SLOW = {"P2PTUI_PEER_UP_LIMIT": "2 MB/s"}


def admin(world: World, *words: str | Path) -> list[dict[str, Any]]:
    """What a command of the tracker's admin brings."""
    return world.done("tracker", "tracker", *words).rows


def acts(world: World) -> list[tuple[object, object]]:
    """What was done, the oldest first."""
    return [(row["act"], row["why"]) for row in reversed(admin(world, "audit"))]


def test_an_admin_with_three_peers(world: World) -> None:
    tracker = world.tracker()
    files = world.folder / "files"
    files.mkdir()
    (files / "song.txt").write_text("la la\n")
    anna = world.peer("anna", tracker.link, "--share", files)
    ben, carl = world.peer("ben", tracker.link), world.peer("carl", tracker.link)

    pings = admin(world, "ping", "all")
    assert {row["nick"] for row in pings} == {"anna", "ben", "carl"}
    assert all(row["ping_ms"] is not None for row in pings)
    assert [row["name"] for row in admin(world, "discover", "anna")] == ["files/song.txt"]
    (content,) = admin(world, "index", "--single")
    (owner,) = admin(world, "owners", str(content["content_id"]))
    assert (content["name"], owner["nick"]) == ("files/song.txt", "anna")

    # A message, and the message of the day, kept in the settings.
    admin(world, "message", "ben", "hello ben")
    ben.process.wait_for("notice", text="hello ben")
    admin(world, "motd", "tea at four")
    assert "tea at four" in (world.home("tracker").settings).read_text()

    # A kick: told with its reason, over after a minute; then a ban for good, and the way back.
    before = time.monotonic()
    admin(world, "kick", "ben", "--why", "too loud")
    told = ben.process.wait_for("disconnected")
    assert time.monotonic() - before < 2
    assert re.fullmatch(KICKED + "too loud", told["reason"])
    assert 55 < told["retry_s"] < 75
    assert world.done("ben", "status").row["tracker"]["reason"] == told["reason"]
    admin(world, "ban", "carl", "--why", "for ever")
    told = carl.process.wait_for("disconnected")
    assert (told["reason"], told["retry_s"]) == ("banned for good: for ever", None)
    refused = world.run("carl", "join", tracker.link, "--json")
    assert refused.code == ExitCode.UNREACHABLE
    assert "ask the tracker's admin" in refused.error["hint"]
    assert "banned for good: for ever" in refused.error["message"]
    assert {row["nick"] for row in admin(world, "bans")} == {"ben", "carl"}
    for name, process in (("ben", ben.process), ("carl", carl.process)):
        seen = len(process.events)
        admin(world, "unban", name)
        world.done(name, "join", tracker.link)
        process.wait_for("connected", after=seen, motd="tea at four")

    # Closed mode: an invite, revoked, lets nobody in; another lets one in.
    admin(world, "mode", "closed")
    first, second = admin(world, "invite"), admin(world, "invite")
    assert len(admin(world, "invites")) == 2
    admin(world, "revoke", str(first[0]["id"]))
    refused = world.run("dora", "join", str(first[0]["link"]), "--json")
    assert refused.code != 0
    assert "revoked" in refused.error["message"]
    world.peer("dora", str(second[0]["link"]))
    assert admin(world, "invites") == []

    assert [act for act, _ in acts(world)] == [
        "message", "motd", "kick", "ban", "unban", "unban", "mode", "invite", "invite", "revoke",
    ]  # fmt: skip
    assert ("kick", "too loud") in acts(world)
    assert anna.process.popen.poll() is None


def test_an_operator_acts_from_its_own_peer(world: World) -> None:
    tracker = world.tracker()
    anna = world.peer("anna", tracker.link)
    ben = world.peer("ben", tracker.link)
    denied = world.run("anna", "operate", "kick", "ben", "--json")
    assert "no operator" in denied.error["message"]
    admin(world, "role", "anna", "operator")
    anna.process.wait_for("notice")
    done = world.done("anna", "operate", "kick", "ben", "--why", "spam").row
    assert str(done["done"]).startswith("ben (")
    assert re.fullmatch(KICKED + "spam", ben.process.wait_for("disconnected")["reason"])
    world.done("anna", "operate", "broadcast", "all quiet")
    anna.process.wait_for("notice", text="all quiet")
    link = str(world.done("anna", "operate", "invite").row["link"])
    assert "#" in link
    by = {row["by"] for row in admin(world, "audit") if row["act"] in {"kick", "invite"}}
    assert by == {f"anna ({anna.peer_id[:8]})"}
    told = tracker.process.wait_for("act", act="kick")
    assert (told["why"], told["by"]) == ("spam", f"anna ({anna.peer_id[:8]})")


def test_f70_a_kick_in_the_middle_of_an_upload_is_cut_and_others_go_on(world: World) -> None:
    tracker = world.tracker()
    original = random_file(world.folder / "film.mkv", 16_000_000)
    for name in ("anna", "ben"):
        folder = world.folder / f"{name}-files"
        folder.mkdir()
        (folder / "film.mkv").write_bytes(original.read_bytes())
        world.peer(name, tracker.link, "--share", folder, env=SLOW)
    carl = world.peer("carl", tracker.link)
    world.done("carl", "fetch", "film.mkv", "--no-wait")

    def uploading() -> bool:
        return any(int(row["rate_bps"]) > 0 for row in rows("anna", "up"))

    def rows(name: str, direction: str) -> list[dict[str, Any]]:
        found = world.done(name, "transfers").rows
        return [row for row in found if row["direction"] == direction]

    until(uploading, "anna gives")
    before = time.monotonic()
    admin(world, "kick", "anna", "--ban", "1h", "--why", "no more")
    carl.process.wait_for("source_lost", nick="anna")
    assert time.monotonic() - before < 2 + 1, "the command itself takes part of that"
    finished = carl.process.wait_for("fetch_finished")
    assert Path(finished["path"]).read_bytes() == original.read_bytes()


def test_a_drain_before_an_upgrade(world: World) -> None:
    tracker: Tracker = world.tracker()
    anna = world.peer("anna", tracker.link)
    (row,) = admin(world, "drain", "on")
    assert row == {"draining": True, "hosts": 1}
    assert "upgrade" in anna.process.wait_for("notice")["text"]
    refused = world.run("ben", "join", tracker.link, "--json")
    assert refused.code == ExitCode.UNREACHABLE
    assert "come back" in refused.error["message"]
    (status,) = admin(world, "stats")
    assert status["draining"] is True
    seen = len(anna.process.events)
    assert tracker.process.terminate() == 0
    anna.process.wait_for("disconnected", after=seen)
    world.tracker(listen=tracker.address)
    anna.process.wait_for("connected", after=seen)
    lines = (world.home("tracker").tracker.audit).read_text().splitlines()
    assert [json.loads(line)["act"] for line in lines] == ["drain"]
