"""The one-shot commands against real processes: rows, exit codes, messages."""

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import Swarm
from tests.support.processes import Result, random_file, until


def fails(result: Result, code: int, title: str) -> Result:
    """A command that failed as it must: in one short message with something to do."""
    assert result.code == code, result
    assert result.out == ""
    lines = result.err.splitlines()
    told = [line for line in lines if line.startswith("p2ptui: ")]
    assert told == [f"p2ptui: {title}"], result.err
    assert len(lines) - lines.index(told[0]) >= 2, "what happened and what to do"
    return result


def test_publish_search_fetch_and_remove(swarm: Swarm, tmp_path: Path) -> None:
    world = swarm.world
    original = random_file(tmp_path / "local.bin", 3_000_001, seed=2)
    published = world.done("anna", "publish", original, "holiday film.mkv").row
    assert (published["name"], published["size"]) == ("holiday film.mkv", 3_000_001)
    assert (published["state"], published["path"]) == ("shared", str(original))
    content_id = published["content_id"]
    assert world.done("anna", "hash", original).row["content_id"] == content_id

    def found() -> list[dict[str, object]]:
        return world.done("ben", "search", "HOLI film").rows

    (hit,) = until(found, "the hit")
    assert hit["content_id"] == content_id
    assert (hit["name"], hit["names"]) == ("holiday film.mkv", ["holiday film.mkv"])
    assert (hit["size"], hit["owners"], hit["known"]) == (3_000_001, 1, 1)
    (source,) = world.done("ben", "sources", content_id).rows
    assert (source["peer_id"], source["addresses"]) == (swarm.anna.peer_id, [swarm.anna.address])

    fetched = world.done("ben", "fetch", "holiday film.mkv").row
    assert fetched["event"] == "fetch_finished"
    assert fetched["content_id"] == content_id
    assert (fetched["bytes"], fetched["sources"]) == (3_000_001, 1)
    copy = world.home("ben").node.repository / "holiday film.mkv"
    assert Path(fetched["path"]) == copy
    assert copy.read_bytes() == original.read_bytes()

    # What was fetched is published in turn.
    def owners() -> bool:
        return [row["owners"] for row in world.done("anna", "search", "holiday").rows] == [2]

    until(owners, "the second owner")

    # In the repository folder a file is deleted; elsewhere it is left where it lies.
    removed = world.done("ben", "remove", "holiday film.mkv").row
    assert removed["deleted"] == str(copy)
    assert not copy.exists()
    removed = world.done("anna", "remove", "holiday film.mkv").row
    assert removed["deleted"] == ""
    assert original.exists()
    until(lambda: not found(), "its end in the index")
    fails(world.run("ben", "fetch", "holiday film.mkv"), 4, "Not found")


def test_fetch_from_an_address_asks_that_peer_alone(swarm: Swarm, tmp_path: Path) -> None:
    world = swarm.world
    where = swarm.anna.ip_and_port
    fetched = world.done("ben", "fetch", "big.bin", *where, "--to", tmp_path / "new").row
    assert Path(fetched["path"]).read_bytes() == (swarm.files / "big.bin").read_bytes()
    fails(world.run("ben", "fetch", "no such.bin", *where), 4, "Not found")
    fails(world.run("ben", "fetch", "big.bin", "127.0.0.1", "1"), 5, "Cannot reach the peer")
    fails(world.run("ben", "fetch", "big.bin", "127.0.0.1", "99999"), 2, "Not a port")


def test_f85_an_empty_file_is_fetched(swarm: Swarm, tmp_path: Path) -> None:
    fetched = swarm.world.done("ben", "fetch", "empty.txt", "--to", tmp_path).row
    assert Path(fetched["path"]).read_bytes() == b""


def test_lists_and_figures(swarm: Swarm) -> None:
    world = swarm.world
    names = {"files/big.bin", "files/note.txt", "files/empty.txt"}
    assert names <= {row["name"] for row in world.done("ben", "browse", "anna").rows}
    assert names <= {row["name"] for row in world.done("anna", "files").rows}
    hosts = {row["nick"]: row for row in world.done("ben", "peers").rows}
    assert hosts["anna"]["online"] is True
    status = world.done("anna", "status").row
    assert status["peer_id"] == swarm.anna.peer_id
    assert status["tracker"]["state"] == "connected"
    found = world.done("tracker", "tracker", "discover", "anna").rows
    assert names <= {row["name"] for row in found}
    (ping,) = world.done("tracker", "tracker", "ping", swarm.ben.peer_id[:8]).rows
    assert ping["nick"] == "ben"
    assert ping["ping_ms"] > 0
    listed = {row["nick"] for row in world.done("tracker", "tracker", "hosts").rows}
    assert {"anna", "ben"} <= listed
    assert world.done("tracker", "tracker", "stats").row["hosts"] >= 2


@pytest.mark.parametrize(
    ("words", "code", "title"),
    [
        (["frobnicate"], 2, "Unknown command"),
        (["tracker", "frobnicate"], 2, "Unknown command"),
        (["fetch"], 2, "Wrong arguments"),
        (["search", "--sideways", "x"], 2, "Wrong arguments"),
        (["publish", "files"], 2, "This is a folder"),
        (["publish", "files/note.txt", "../evil"], 2, "Not a name to publish under"),
        (["share", "files/note.txt"], 2, "Not a folder"),
        (["publish", "no/such/file"], 4, "No such file or folder"),
        (["fetch", "no such name"], 4, "Not found"),
        (["remove", "no such name"], 4, "No such file in the library"),
        (["browse", "nobody"], 4, "No such host"),
        (["cancel", "999"], 4, "No such download"),
        (["fetch", "note.txt", "--to", "files/note.txt/below"], 6, "Could not fetch note.txt"),
    ],
)
def test_what_is_wrong_is_told_with_its_exit_code(
    swarm: Swarm, words: list[str], code: int, title: str
) -> None:
    fails(swarm.world.run("ben", *words), code, title)


def test_errors_as_json(swarm: Swarm) -> None:
    result = swarm.world.run("ben", "fetch", "no such name", "--json")
    assert (result.code, result.out) == (4, "")
    assert result.error["error"] == "Not found"
    assert result.error["hint"]


def test_f86_a_disk_without_room_ends_the_command_with_6(swarm: Swarm, tiny_disk: Path) -> None:
    world = swarm.world
    result = world.run("ben", "fetch", "big.bin", "--to", tiny_disk)
    fails(result, 6, "No space for big.bin")
    assert "needs 261 MB and has 1.0 MB" in result.err
    (waiting,) = world.done("ben", "transfers").rows
    assert waiting["state"] == "no_space"
    world.done("ben", "cancel", str(waiting["id"]))
    until(lambda: not list(tiny_disk.iterdir()), "the end of its partial file")


def test_without_a_tracker_the_message_says_how_to_get_one(swarm: Swarm) -> None:
    result = fails(swarm.world.run("nobody", "search", "x"), 2, "No tracker is known")
    assert "p2ptui join LINK" in result.err


def test_join_by_link_and_its_refusals(swarm: Swarm) -> None:
    world, link = swarm.world, swarm.tracker.link
    status = world.done("dora", "join", link).row
    assert (status["state"], status["swarm"]) == ("connected", "swarm")
    address, _, _pin = link.partition("/#")
    wrong = f"{address}/#{'a' * 32}"
    fails(world.run("dora", "join", wrong), 3, "Another key than the one known here")
    fails(world.run("emil", "join", wrong), 3, "Another key than the link's")
    fails(world.run("emil", "join", f"{address}/#short"), 2, "Not a join link")
    fails(world.run("emil", "join", "127.0.0.1:1"), 5, "Cannot reach the tracker")
    # Nothing of that left a membership behind.
    fails(world.run("emil", "search", "x"), 2, "No tracker is known")


def test_f33_an_invite_is_used_once(swarm: Swarm) -> None:
    world = swarm.world
    closed = world.tracker("closed", "--invite-only")
    fails(world.run("fred", "join", closed.link), 2, "An invite is needed")
    invite = world.done("closed", "tracker", "invite").row
    assert invite["uses"] == 1
    assert world.done("fred", "join", invite["link"]).row["state"] == "connected"
    fails(world.run("gina", "join", invite["link"]), 2, "The invite cannot be used any more")
    # Who is a member needs it no more.
    assert world.done("fred", "join", closed.link).row["state"] == "connected"


def test_f120_the_second_engine_of_a_home_says_so(swarm: Swarm) -> None:
    result = fails(swarm.world.run("ben", "--headless"), 2, "This home is in use")
    assert str(swarm.ben.process.popen.pid) in result.err
    fails(swarm.world.run("tracker", "tracker", "--headless"), 2, "This home is in use")


def test_f114_a_port_in_use_is_told_at_the_start(swarm: Swarm) -> None:
    world, taken = swarm.world, swarm.tracker.address
    fails(world.run("hugo", "tracker", "--headless", "--listen", taken), 2, "Port in use")
    words = ("--headless", "--listen", taken, "--tracker", swarm.tracker.link)
    fails(world.run("hugo", *words), 2, "Port in use")


def test_no_tracker_runs_in_this_home(swarm: Swarm) -> None:
    result = swarm.world.run("ines", "tracker", "hosts")
    fails(result, 5, "No tracker is running in this home")


def test_f117_a_wrong_setting_is_named_with_its_line(swarm: Swarm) -> None:
    home = swarm.world.home("jan")
    home.folder.mkdir()
    home.settings.write_text('[peer]\nnick = "jan"\nlisen = ":0"\n')
    result = fails(swarm.world.run("jan", "status"), 2, "Settings are wrong")
    assert f"{home.settings}:3: " in result.err
    assert "peer.listen" in result.err


def test_without_a_node_a_command_opens_one_for_as_long_as_it_runs(
    swarm: Swarm, tmp_path: Path
) -> None:
    world = swarm.world
    world.done("kim", "join", swarm.tracker.link)
    fetched = world.done("kim", "fetch", "files/note.txt").row
    assert Path(fetched["path"]).read_text() == "a note\n"
    assert fetched["name"] == "note.txt"
    (hit,) = world.done("kim", "search", "big.bin").rows
    # The id says nothing of the name: it comes from the swarm.
    fetched = world.done("kim", "fetch", hit["content_id"], "--to", tmp_path).row
    assert Path(fetched["path"]) == tmp_path / "big.bin"
    shutil.rmtree(world.home("kim").node.repository)
    assert world.run("kim", "stop").out == "No node is running in this home.\n"


def test_modules_in_the_working_folder_are_never_run(swarm: Swarm, tmp_path: Path) -> None:
    # It may be the folder that files are fetched into.
    for name in ("json", "asyncio", "msgspec", "tracker", "p2ptui"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('run from the working folder')\n")
    lines = f"join {swarm.tracker.link}\nsearch note.txt --json\n"
    result = swarm.world.run("lea", "--shell", input_text=lines, cwd=tmp_path)
    assert result.code == 0, result
    assert json.loads(result.out.splitlines()[-1])["name"] == "files/note.txt"
