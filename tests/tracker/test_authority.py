import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.identity import (
    BadIdentity,
    check_issued,
    expiry_of,
    id_of_key,
    invite_hash,
    join_proof,
    make_csr,
    new_key,
    peer_id_of_certificate,
    pin_of,
)
from p2ptui.net.kicks import KickBook
from tests.support.fake_time import FakeClock
from tests.support.memory_net import peer_id_of
from tracker.authority import Authority
from tracker.bans import MAX_SENT
from tracker.certificates import DAY_S
from tracker.invites import ProofOutcome

ROOT = Path(__file__).parents[2]
NONCE = bytes(32)
ANNA = peer_id_of("anna")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def open_authority(folder: Path, clock: FakeClock) -> Authority:
    return Authority.open(folder / "authority", name="s", clock=clock)


def prove(authority: Authority, code: str, csr: bytes, nonce: bytes = NONCE) -> ProofOutcome:
    proof = join_proof(invite_hash(code), nonce, authority.leaf_hashes[0], csr)
    return authority.check_proof(proof, nonce, csr)


def test_a_swarm_is_founded_once(tmp_path: Path, clock: FakeClock) -> None:
    first = open_authority(tmp_path, clock)
    again = open_authority(tmp_path, clock)
    assert again.pin == first.pin == pin_of(first.ca_der)
    assert again.ca_der == first.ca_der
    assert again.leaf_der == first.leaf_der
    check_issued(first.leaf_der, first.ca_der)
    for path in (tmp_path / "authority", *(tmp_path / "authority").iterdir()):
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def test_f72_a_missing_key_with_members_known_is_never_a_silent_new_swarm(
    tmp_path: Path, clock: FakeClock
) -> None:
    first = open_authority(tmp_path, clock)
    first.issue(make_csr(new_key()))
    first.kick(ANNA)
    (tmp_path / "authority" / "ca.key").unlink()
    for known in (False, True):
        with pytest.raises(P2PError) as caught:
            Authority.open(tmp_path / "authority", name="s", clock=clock, members_known=known)
        assert caught.value.exit_code is ExitCode.SECURITY
        assert "--new-swarm" in caught.value.hint
    # The lists alone are warning enough, and so is the index alone.
    with pytest.raises(P2PError):
        Authority.open(tmp_path / "empty", name="s", clock=clock, members_known=True)
    assert not (tmp_path / "empty" / "ca.key").exists()


def test_f72_new_swarm_founds_another_and_puts_the_old_lists_aside(
    tmp_path: Path, clock: FakeClock
) -> None:
    first = open_authority(tmp_path, clock)
    first.issue(make_csr(new_key()))
    first.kick(ANNA)
    (tmp_path / "authority" / "ca.key").unlink()
    second = Authority.open(
        tmp_path / "authority", name="s", clock=clock, new_swarm=True, members_known=True
    )
    assert second.pin != first.pin
    assert (second.member_count, second.kick_number) == (0, 0)
    check_issued(second.leaf_der, second.ca_der)
    aside = [path.name for path in (tmp_path / "authority").glob("*.old")]
    assert any(name.startswith("members.log.") for name in aside)
    assert any(name.startswith("kicks.log.") for name in aside)


def test_new_swarm_harms_no_swarm_whose_key_is_there(tmp_path: Path, clock: FakeClock) -> None:
    first = open_authority(tmp_path, clock)
    again = Authority.open(tmp_path / "authority", name="s", clock=clock, new_swarm=True)
    assert again.pin == first.pin


@pytest.mark.parametrize("name", ["ca.key", "tracker.key"])
def test_f116_a_key_that_others_can_read_stops_the_tracker(
    tmp_path: Path, clock: FakeClock, name: str
) -> None:
    open_authority(tmp_path, clock)
    (tmp_path / "authority" / name).chmod(0o640)
    with pytest.raises(P2PError) as caught:
        open_authority(tmp_path, clock)
    assert caught.value.exit_code is ExitCode.SECURITY
    assert caught.value.hint.startswith("chmod 600")


def test_a_damaged_ca_key_is_told_and_kept(tmp_path: Path, clock: FakeClock) -> None:
    open_authority(tmp_path, clock)
    path = tmp_path / "authority" / "ca.key"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(P2PError) as caught:
        open_authority(tmp_path, clock)
    assert caught.value.exit_code is ExitCode.STORAGE
    assert len(path.read_bytes()) == 100


@pytest.mark.parametrize("name", ["ca.pem", "tracker.pem", "tracker.key"])
def test_what_follows_from_the_key_is_made_again(
    tmp_path: Path, clock: FakeClock, name: str
) -> None:
    first = open_authority(tmp_path, clock)
    (tmp_path / "authority" / name).unlink()
    again = open_authority(tmp_path, clock)
    assert again.pin == first.pin
    check_issued(again.leaf_der, again.ca_der)


def test_the_trackers_own_leaf_is_renewed_in_time(tmp_path: Path, clock: FakeClock) -> None:
    authority = open_authority(tmp_path, clock)
    before, tracker_id = authority.leaf_der, authority.tracker_id
    assert not authority.renew_leaf()
    clock.advance(19 * DAY_S)
    assert not authority.renew_leaf()
    clock.advance(2 * DAY_S)
    assert authority.renew_leaf()
    assert authority.leaf_der != before
    assert authority.tracker_id == tracker_id
    assert expiry_of(authority.leaf_der) == pytest.approx(clock.wall() + 30 * DAY_S, abs=1)
    assert open_authority(tmp_path, clock).leaf_der == authority.leaf_der


def test_members_are_known_after_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    authority = open_authority(tmp_path, clock)
    key = new_key()
    peer_id = id_of_key(key.public_key())
    assert not authority.is_member(peer_id)
    for _ in range(2):
        leaf = authority.issue(make_csr(key))
        assert peer_id_of_certificate(leaf) == peer_id
        check_issued(leaf, authority.ca_der)
    again = open_authority(tmp_path, clock)
    assert again.is_member(peer_id)
    assert again.member_count == 1


def test_a_renewal_is_for_the_key_that_asks(tmp_path: Path, clock: FakeClock) -> None:
    authority = open_authority(tmp_path, clock)
    mine, theirs = new_key(), new_key()
    my_id = id_of_key(mine.public_key())
    authority.issue(make_csr(mine), expect=my_id)
    with pytest.raises(BadIdentity):
        authority.issue(make_csr(theirs), expect=my_id)
    assert not authority.is_member(id_of_key(theirs.public_key()))
    authority.kick(my_id)
    with pytest.raises(BadIdentity) as caught:
        authority.issue(make_csr(mine), expect=my_id)
    assert caught.value.fault == "kicked"


def test_an_invite_is_80_bits_used_once_and_stored_hashed(tmp_path: Path, clock: FakeClock) -> None:
    authority = open_authority(tmp_path, clock)
    codes = {authority.invite().code for _ in range(20)}
    assert len(codes) == 20
    code = codes.pop()
    assert len(code) == 16
    for path in (tmp_path / "authority").iterdir():
        assert code.encode() not in path.read_bytes()
    csr = make_csr(new_key())
    assert prove(authority, code, csr) == "accepted"
    assert prove(authority, code, csr) == "used"
    assert prove(authority, "a" * 16, csr) == "unknown"
    assert authority.check_proof(b"", NONCE, csr) == "unknown"


def test_f33_a_proof_is_bound_to_nonce_key_and_tracker(tmp_path: Path, clock: FakeClock) -> None:
    authority = open_authority(tmp_path, clock)
    code = authority.invite(uses=10).code
    csr = make_csr(new_key())
    leaf_hash = authority.leaf_hashes[0]
    proof = join_proof(invite_hash(code), NONCE, leaf_hash, csr)
    assert authority.check_proof(proof, b"n" * 32, csr) == "unknown"
    assert authority.check_proof(proof, NONCE, make_csr(new_key())) == "unknown"
    elsewhere = join_proof(invite_hash(code), NONCE, bytes(32), csr)
    assert authority.check_proof(elsewhere, NONCE, csr) == "unknown"
    assert authority.check_proof(proof, NONCE, csr) == "accepted"


def test_uses_and_expiry_are_counted_across_restarts(tmp_path: Path, clock: FakeClock) -> None:
    authority = open_authority(tmp_path, clock)
    thrice, short = authority.invite(uses=3).code, authority.invite(for_s=60).code
    csr = make_csr(new_key())
    assert prove(authority, thrice, csr) == "accepted"
    authority = open_authority(tmp_path, clock)
    assert prove(authority, thrice, csr) == "accepted"
    assert prove(authority, thrice, csr) == "accepted"
    authority = open_authority(tmp_path, clock)
    assert prove(authority, thrice, csr) == "used"
    clock.advance(61)
    assert prove(authority, short, csr) == "expired"
    # What is long over is forgotten, what is not is kept.
    fresh = authority.invite(uses=2, for_s=30 * DAY_S).code
    assert prove(authority, fresh, csr) == "accepted"
    clock.advance(10 * DAY_S)
    authority = open_authority(tmp_path, clock)
    assert prove(authority, thrice, csr) == "unknown"
    assert prove(authority, fresh, csr) == "accepted"
    assert prove(authority, fresh, csr) == "used"


@pytest.mark.parametrize(("uses", "for_s"), [(0, 60), (-1, 60), (10**9, 60), (1, 0), (1, -5)])
def test_absurd_invites_are_usage_errors(
    tmp_path: Path, clock: FakeClock, uses: int, for_s: float
) -> None:
    with pytest.raises(P2PError) as caught:
        open_authority(tmp_path, clock).invite(uses=uses, for_s=for_s)
    assert caught.value.exit_code is ExitCode.USAGE


def test_one_use_is_taken_once_by_many_threads(tmp_path: Path, clock: FakeClock) -> None:
    authority = open_authority(tmp_path, clock)
    code = authority.invite().code
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def run() -> None:
        csr = make_csr(new_key())
        start.wait()
        outcomes.append(prove(authority, code, csr))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["accepted"] + ["used"] * 7


KILLED = """
import os, signal, sys
from pathlib import Path
from p2ptui.base.clock import SystemClock
from p2ptui.net.identity import invite_hash, join_proof, make_csr, new_key
from tracker.authority import Authority
from tests.support.memory_net import peer_id_of

authority = Authority.open(Path(sys.argv[1]), name="s", clock=SystemClock())
csr = make_csr(new_key())
proof = join_proof(invite_hash(sys.argv[2]), bytes(32), authority.leaf_hashes[0], csr)
assert authority.check_proof(proof, bytes(32), csr) == "accepted"
authority.issue(csr)
authority.kick(peer_id_of("anna"), "rude")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_f96_what_was_granted_or_forbidden_survives_kill_9(tmp_path: Path) -> None:
    from p2ptui.base.clock import SystemClock

    folder = tmp_path / "authority"
    authority = Authority.open(folder, name="s", clock=SystemClock())
    code = authority.invite().code
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), code], check=False, timeout=60, cwd=ROOT
    )
    assert process.returncode == -signal.SIGKILL
    again = Authority.open(folder, name="s", clock=SystemClock())
    assert again.pin == authority.pin
    assert prove(again, code, make_csr(new_key())) == "used"
    assert again.is_kicked(ANNA)
    assert again.member_count == 1


@pytest.mark.parametrize("name", ["kicks.log", "invites.log", "members.log"])
def test_f97_a_torn_last_line_is_cut_and_what_comes_next_is_whole(
    tmp_path: Path, clock: FakeClock, name: str
) -> None:
    authority = open_authority(tmp_path, clock)
    csr = make_csr(new_key())
    code = authority.invite().code
    authority.issue(csr)
    authority.kick(ANNA)
    path = tmp_path / "authority" / name
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"fact":"kick')
    again = open_authority(tmp_path, clock)
    assert path.read_bytes() == whole
    again.kick(peer_id_of("bert"))
    again.issue(make_csr(new_key()))
    once_more = open_authority(tmp_path, clock)
    assert once_more.is_kicked(ANNA)
    assert once_more.is_kicked(peer_id_of("bert"))
    assert once_more.member_count == 2
    assert prove(once_more, code, csr) == "accepted"


def test_f97_a_damaged_kick_is_an_error_and_never_a_pardon(
    tmp_path: Path, clock: FakeClock
) -> None:
    authority = open_authority(tmp_path, clock)
    authority.kick(ANNA)
    authority.kick(peer_id_of("bert"))
    path = tmp_path / "authority" / "kicks.log"
    path.write_bytes(path.read_bytes().replace(b'"kicked"', b'"kick\xffd"', 1))
    with pytest.raises(P2PError) as caught:
        open_authority(tmp_path, clock)
    assert caught.value.exit_code is ExitCode.STORAGE
    assert "line 1" in caught.value.message


def test_f91_a_use_that_could_not_be_written_down_is_not_granted(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = open_authority(tmp_path, clock)
    code = authority.invite().code
    csr = make_csr(new_key())

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(P2PError) as caught:
            prove(authority, code, csr)
        assert caught.value.exit_code is ExitCode.STORAGE
    assert prove(authority, code, csr) == "accepted"
    assert prove(open_authority(tmp_path, clock), code, csr) == "used"


def test_kicks_are_numbered_signed_and_kept(tmp_path: Path, clock: FakeClock) -> None:
    authority = open_authority(tmp_path, clock)
    book = KickBook(authority.ca_der)
    one = authority.kick(ANNA, "rude", for_s=60)
    two = authority.kick(peer_id_of("bert"), "ruder")
    assert (one.number, two.number) == (1, 2)
    assert book.take(one)
    assert book.take(two)
    assert book.is_kicked(ANNA, clock.wall() + 59)
    assert not book.is_kicked(ANNA, clock.wall() + 61)
    assert [kick.why for kick in authority.kicked()] == ["rude", "ruder"]
    clock.advance(61)
    assert not authority.is_kicked(ANNA)
    assert [kick.peer for kick in authority.kicked()] == [peer_id_of("bert")]
    again = open_authority(tmp_path, clock)
    assert again.kick_number == 2
    lifted = again.unban(peer_id_of("bert"))
    assert lifted is not None
    assert lifted.number == 3
    assert book.take(lifted)
    assert not book.is_kicked(peer_id_of("bert"), clock.wall())
    assert again.unban(peer_id_of("bert")) is None
    assert open_authority(tmp_path, clock).kick_number == 3


def test_the_list_that_goes_out_fits_into_a_frame(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from p2ptui.net.wire.codec import encode
    from p2ptui.net.wire.frames import MAX_CONTROL_BYTES

    monkeypatch.setattr(os, "fsync", lambda _: None)
    authority = open_authority(tmp_path, clock)
    peers = [peer_id_of(str(number)) for number in range(MAX_SENT + 10)]
    for peer in peers:
        authority.kick(peer, "\N{PILE OF POO}" * 256)
    sent = authority.signed_kicks()
    assert len(sent.kicks) == MAX_SENT
    assert len(encode(sent)) < MAX_CONTROL_BYTES
    assert sent.kicks[-1].peer == peers[-1]
    assert KickBook(authority.ca_der).take(sent)
    assert authority.is_kicked(peers[0])


# --- invites that are listed and revoked --------------------------------------------------------


def test_a_revoked_invite_admits_nobody_and_stays_revoked(tmp_path: Path, clock: FakeClock) -> None:
    authority = open_authority(tmp_path, clock)
    csr = make_csr(new_key())
    one, two = authority.invite(uses=2), authority.invite()
    assert [row.id for row in authority.invites()] == [one.id, two.id]
    assert prove(authority, one.code, csr) == "accepted"
    assert [row.left for row in authority.invites()] == [1, 1]
    authority.revoke(one.id)
    assert prove(authority, one.code, csr) == "revoked"
    again = open_authority(tmp_path, clock)
    assert [row.id for row in again.invites()] == [two.id]
    assert prove(again, one.code, csr) == "revoked"
    assert prove(again, two.code, csr) == "accepted"
    assert again.invites() == ()


def test_what_is_revoked_stays_so_when_old_invites_are_dropped(
    tmp_path: Path, clock: FakeClock
) -> None:
    authority = open_authority(tmp_path, clock)
    authority.invite(for_s=60)
    lasting = authority.invite(for_s=30 * DAY_S)
    authority.revoke(lasting.id)
    clock.advance(8 * DAY_S)
    csr = make_csr(new_key())
    for _ in range(2):  # the first reading drops the old one and writes the rest anew
        again = open_authority(tmp_path, clock)
        assert prove(again, lasting.code, csr) == "revoked"


def test_an_id_that_several_have_names_none(tmp_path: Path, clock: FakeClock) -> None:
    authority = open_authority(tmp_path, clock)
    ids = [authority.invite().id for _ in range(40)]
    first = next(one[0] for one in ids if sum(other[0] == one[0] for other in ids) > 1)
    with pytest.raises(P2PError, match="several") as caught:
        authority.revoke(first)
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_kick_says_why_and_until_when(tmp_path: Path, clock: FakeClock) -> None:
    authority = open_authority(tmp_path, clock)
    authority.kick(ANNA, "noise", 60)
    kick = authority.kick_of(ANNA)
    assert kick is not None
    assert (kick.why, kick.until) == ("noise", int(clock.wall()) + 60)
    clock.advance(61)
    assert authority.kick_of(ANNA) is None
