import stat
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import Pin
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.net.identity import PRIVATE_KEY, expiry_of, key_of_csr, new_key, pin_of
from p2ptui.net.kicks import sign_kicks
from tracker.certificates import make_ca, make_peer_leaf

NOW = 1_800_000_000.0


class Swarm:
    """An authority in memory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key: PRIVATE_KEY = new_key()
        self.ca = make_ca(self.key, NOW)

    def membership(self, credentials: Credentials, *hosts: tuple[str, int]) -> Membership:
        leaf = make_peer_leaf(self.key, self.ca, key_of_csr(credentials.csr()), NOW)
        found = hosts or (("tracker.lan", 7070),)
        return Membership(pin_of(self.ca), self.name, found, self.ca, leaf, expiry_of(leaf))


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return Credentials.open(tmp_path / "keys")


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    first = Credentials.open(tmp_path / "keys")
    assert Credentials.open(tmp_path / "keys").peer_id == first.peer_id
    for path in (tmp_path / "keys").rglob("*"):
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    assert Credentials.open(tmp_path / "other").peer_id != first.peer_id


def test_f116_a_key_that_others_can_read_stops_us(tmp_path: Path) -> None:
    Credentials.open(tmp_path / "keys")
    (tmp_path / "keys" / "peer.key").chmod(0o644)
    with pytest.raises(P2PError) as caught:
        Credentials.open(tmp_path / "keys")
    assert caught.value.exit_code is ExitCode.SECURITY
    assert caught.value.hint.startswith("chmod 600 ")


def test_a_damaged_key_is_told_and_not_replaced(tmp_path: Path) -> None:
    Credentials.open(tmp_path / "keys")
    (tmp_path / "keys" / "peer.key").write_bytes(b"rubbish")
    with pytest.raises(P2PError) as caught:
        Credentials.open(tmp_path / "keys")
    assert caught.value.exit_code is ExitCode.STORAGE
    assert (tmp_path / "keys" / "peer.key").read_bytes() == b"rubbish"


def test_memberships_are_kept_and_forgotten(tmp_path: Path, credentials: Credentials) -> None:
    one, two = Swarm("beta"), Swarm("alpha")
    memberships = [swarm.membership(credentials) for swarm in (one, two)]
    for membership in memberships:
        credentials.save(membership)
    again = Credentials.open(tmp_path / "keys")
    assert again.swarms() == (memberships[1], memberships[0])
    assert again.membership(memberships[0].pin) == memberships[0]
    again.forget(memberships[0].pin)
    assert again.swarms() == (memberships[1],)
    assert again.membership(memberships[0].pin) is None
    again.forget(memberships[0].pin)


def test_forgetting_takes_the_kick_list_along(credentials: Credentials) -> None:
    swarm = Swarm("s")
    membership = swarm.membership(credentials)
    credentials.save(membership)
    book = credentials.kick_book(membership)
    book.take(sign_kicks(swarm.key, 4, ()))
    book.save()
    assert credentials.kick_book(membership).number == 4
    credentials.forget(membership.pin)
    credentials.save(membership)
    assert credentials.kick_book(membership).number == 0


def test_what_is_not_ours_is_not_kept(tmp_path: Path, credentials: Credentials) -> None:
    swarm, other = Swarm("one"), Swarm("two")
    good = swarm.membership(credentials)
    somebody = swarm.membership(Credentials.open(tmp_path / "somebody"))
    for wrong in (
        somebody,
        msgspec.structs.replace(good, ca=other.ca),
        msgspec.structs.replace(good, pin=pin_of(other.ca)),
        msgspec.structs.replace(good, leaf=other.membership(credentials).leaf),
        msgspec.structs.replace(good, leaf=b"rubbish"),
    ):
        with pytest.raises(P2PError) as caught:
            credentials.save(wrong)
        assert caught.value.exit_code is ExitCode.SECURITY
    assert credentials.swarms() == ()


def test_a_swarm_is_found_by_name_address_and_pin(credentials: Credentials) -> None:
    one = Swarm("home").membership(credentials, ("192.168.0.2", 7070), ("Tracker.lan", 9000))
    two = Swarm("work").membership(credentials, ("10.0.0.1", 7070))
    for membership in (one, two):
        credentials.save(membership)
    for text in (
        "home",
        "192.168.0.2",
        "192.168.0.2:7070",
        "tracker.lan:9000",
        one.pin,
        one.pin[:6],
    ):
        assert credentials.find(text) == one
        assert credentials.resolve(text) == one.pin
    assert credentials.at_address("TRACKER.LAN", 9000) == one
    assert credentials.at_address("tracker.lan", 7070) is None
    for text in ("", "nobody", "192.168.0.2:7071", one.pin[:3], "x" * 32):
        with pytest.raises(P2PError) as caught:
            credentials.find(text)
        assert caught.value.exit_code is ExitCode.NOT_FOUND


def test_two_swarms_of_one_name_are_told_apart_by_pin(credentials: Credentials) -> None:
    swarms = [Swarm("home").membership(credentials) for _ in range(2)]
    for membership in swarms:
        credentials.save(membership)
    with pytest.raises(P2PError) as caught:
        credentials.find("home")
    assert caught.value.exit_code is ExitCode.USAGE
    assert all(membership.pin in caught.value.message for membership in swarms)


def test_the_name_of_a_swarm_is_shown_harmless(credentials: Credentials) -> None:
    credentials.save(Swarm("\x1b[2Jevil\u202e").membership(credentials))
    with pytest.raises(P2PError) as caught:
        credentials.find("nobody")
    assert "\x1b" not in caught.value.hint
    assert "\u202e" not in caught.value.hint


@pytest.mark.parametrize("name", ["ca.pem", "leaf.pem", "swarm.json"])
@pytest.mark.parametrize("damage", [b"", b"rubbish", None])
def test_f97_a_damaged_membership_is_told_and_harms_no_other(
    tmp_path: Path, credentials: Credentials, name: str, damage: bytes | None
) -> None:
    bad, good = Swarm("bad").membership(credentials), Swarm("good").membership(credentials)
    for membership in (bad, good):
        credentials.save(membership)
    path = tmp_path / "keys" / "swarms" / bad.pin / name
    if damage is None:
        path.write_bytes((tmp_path / "keys" / "swarms" / good.pin / name).read_bytes())
    else:
        path.write_bytes(damage)
    if (name, damage) != ("swarm.json", None):
        with pytest.raises(P2PError) as caught:
            credentials.membership(bad.pin)
        assert caught.value.exit_code is ExitCode.STORAGE
        assert credentials.swarms() == (good,)
    credentials.forget(credentials.resolve(bad.pin))
    assert credentials.swarms() == (good,)


def test_a_folder_that_was_not_finished_is_no_membership(
    tmp_path: Path, credentials: Credentials
) -> None:
    membership = Swarm("s").membership(credentials)
    credentials.save(membership)
    (tmp_path / "keys" / "swarms" / membership.pin / "swarm.json").unlink()
    assert credentials.swarms() == ()


def test_a_pin_is_never_a_path(credentials: Credentials) -> None:
    for wrong in ("../..", "/etc", "", "a" * 33):
        with pytest.raises(ValueError, match="not a pin"):
            credentials.forget(Pin(wrong))
