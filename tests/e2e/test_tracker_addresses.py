"""The addresses of a tracker (F107), and a tracker or sources that come back elsewhere."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.chaos_proxy import ChaosProxy
from tests.support.processes import LOOPBACK, PROGRAM, World, random_file, until

SIZE = 3 << 20


def link_to(link: str, *addresses: str) -> str:
    """The link with other addresses."""
    scheme, _, rest = link.partition("://")
    return f"{scheme}://{','.join(addresses)}/{rest.partition('/')[2]}"


def state_of(world: World, name: str) -> str:
    return str(world.done(name, "status").row["tracker"]["state"])


def test_f107_a_link_of_several_addresses_works_when_one_of_them_does(world: World) -> None:
    tracker = world.tracker()
    dead = ChaosProxy()
    dead.close()
    told = world.done("anna", "join", link_to(tracker.link, dead.address, tracker.address)).row
    assert (told["state"], told["address"]) == ("connected", tracker.address)


def test_f107_a_name_of_several_addresses_of_which_one_answers(world: World) -> None:
    tracker = world.tracker()  # on 127.0.0.1 alone; localhost is ::1 as well on most machines
    port = tracker.address.rpartition(":")[2]
    told = world.done("anna", "join", link_to(tracker.link, f"localhost:{port}")).row
    assert told["state"] == "connected"


def test_f107_a_name_that_nobody_knows_is_told(world: World) -> None:
    tracker = world.tracker()
    result = world.run("anna", "join", link_to(tracker.link, "tracker.invalid:7070"), "--json")
    assert result.code == 5
    assert result.error["error"] == "No such host"
    assert result.error["message"].startswith("tracker.invalid: ")
    both = link_to(tracker.link, "tracker.invalid:7070", tracker.address)
    assert world.done("anna", "join", both).row["state"] == "connected"


def private_hosts(hosts: Path) -> list[str]:
    """Words that run a program with its own /etc/hosts; skips where that is not allowed."""
    unshare = shutil.which("unshare")
    if unshare is None or os.geteuid() != 0:
        pytest.skip("needs root and unshare")
    script = f'mount --bind {hosts} /etc/hosts && exec "$@"'
    words = [unshare, "--mount", "sh", "-c", script, "sh"]
    done = subprocess.run([*words, "true"], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no mount namespace here: {done.stderr.decode().strip()}")
    return words


def test_f107_a_name_that_changes_its_address_leads_to_the_new_one(world: World) -> None:
    hosts = world.folder / "hosts"
    hosts.write_text("127.0.0.5 tracker.swarm.test\n")
    private = private_hosts(hosts)
    first = world.tracker(listen="127.0.0.5:0")
    port = first.address.rpartition(":")[2]
    anna = world.start(
        "anna", "peer", "--headless", "--json", "--listen", LOOPBACK,
        "--tracker", link_to(first.link, f"tracker.swarm.test:{port}"),
        program=(*private, *PROGRAM),
    )  # fmt: skip
    anna.wait_for("connected")
    first.process.terminate()
    anna.wait_for("disconnected")
    world.tracker(listen=f"127.0.0.6:{port}")
    after = len(anna.events)
    hosts.write_text("127.0.0.6 tracker.swarm.test\n")  # in place: it is mounted
    anna.wait_for("connected", after=after)


def test_a_tracker_that_starts_again_on_another_port_is_joined_with_its_new_link(
    world: World,
) -> None:
    first = world.tracker()
    film = random_file(world.folder / "film.mkv", SIZE)
    anna = world.peer("anna", first.link)
    world.done("anna", "publish", film)
    ben = world.peer("ben", first.link)
    first.process.kill()
    for peer in (anna, ben):
        peer.process.wait_for("disconnected")
    second = world.tracker()
    assert second.address != first.address
    for name in ("anna", "ben"):
        told = world.done(name, "join", second.link).row
        assert (told["state"], told["address"]) == ("connected", second.address)
    until(lambda: world.done("ben", "search", "film").row["owners"] == 1, "anna's list")
    fetched = world.done("ben", "fetch", "film.mkv").row
    assert Path(fetched["path"]).read_bytes() == film.read_bytes()
    # And it is the one from now on.
    ben.process.terminate()
    assert world.peer("ben", "").process.wait_for("connected")["address"] == second.address


def test_a_queue_that_waited_goes_on_when_its_sources_are_back_elsewhere(world: World) -> None:
    link = world.tracker().link
    films = [random_file(world.folder / f"{name}.mkv", SIZE, seed=5) for name in ("one",)]
    films.append(random_file(world.folder / "two.mkv", SIZE, seed=6))
    anna = world.peer("anna", link)
    for film in films:
        world.done("anna", "publish", film)
    ben = world.peer("ben", link, env={"P2PTUI_PEER_MAX_DOWNLOADS": "1"})
    until(lambda: len(world.done("ben", "search", "mkv").rows) == len(films), "the index")
    world.done("ben", "limit", "down", "200 kB/s")
    ids = [world.done("ben", "fetch", film.name, "--no-wait").row["id"] for film in films]
    ben.process.wait_for("fetch_started")
    anna.process.kill()
    ben.process.wait_for("fetch_state", state="stalled")
    ben.process.kill()

    again = world.peer("ben", "")
    stalled = again.process.wait_for("fetch_state", state="stalled")
    assert stalled["reason"] == "no source is online (1 known)"
    back = world.peer("anna", "")
    assert back.address != anna.address
    for number, film in zip(ids, films, strict=True):
        finished = again.process.wait_for("fetch_finished", id=number)
        assert Path(finished["path"]).read_bytes() == film.read_bytes()
