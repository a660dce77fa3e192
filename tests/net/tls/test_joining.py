from pathlib import Path

import msgspec
import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.links import JoinLink
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.net.dialer import dial
from p2ptui.net.gate import Proven, vet_tracker
from p2ptui.net.identity import (
    certificate_hash,
    invite_hash,
    join_proof,
    make_csr,
    new_key,
    peer_id_of_certificate,
)
from p2ptui.net.joining import TRUST_FIRST, join_swarm
from p2ptui.net.link import Link
from p2ptui.net.listener import Listener
from p2ptui.net.tls import stranger_context, tracker_context
from p2ptui.net.wire.messages import Challenge, Failure, Join, Joined
from p2ptui.net.wire.protocol import Role
from tests.support.tls_swarm import DAY_S, HOST, ShiftedClock, TlsSwarm, write_pair
from tracker.certificates import make_ca, make_peer_leaf, make_tracker_leaf

CLOCK = ShiftedClock()


class Home:
    """A home that wants to join."""

    def __init__(self, folder: Path, clock: ShiftedClock = CLOCK) -> None:
        self.credentials = Credentials.open(folder)
        self.clock = clock

    async def join(self, link: JoinLink, trust: str = "") -> Membership:
        return await join_swarm(self.credentials, link, nick="anna", trust=trust, clock=self.clock)

    async def refused(self, link: JoinLink, trust: str = "") -> P2PError:
        with pytest.raises(P2PError) as caught:
            await self.join(link, trust)
        return caught.value


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home" / "keys")


def spy_on_strangers(swarm: TlsSwarm, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Everything that strangers say to a tracker."""
    heard: list[object] = []

    async def listen(link: Link) -> None:
        authority = swarm.authority
        link.post(Challenge(authority.ca_der, bytes(32), authority.name, True, 0))
        heard.append(await link.receive())

    monkeypatch.setattr(swarm.admission, "admit", listen)
    return heard


async def test_a_link_with_an_invite_makes_a_member(swarm: TlsSwarm, home: Home) -> None:
    link = swarm.link()
    membership = await home.join(link)
    assert membership.pin == swarm.authority.pin
    assert membership.name == "test swarm"
    assert membership.hosts == link.hosts
    assert membership.expires == pytest.approx(CLOCK.wall() + 7 * DAY_S, abs=60)
    assert peer_id_of_certificate(membership.leaf) == home.credentials.peer_id
    assert home.credentials.swarms() == (membership,)
    assert swarm.authority.is_member(home.credentials.peer_id)


async def test_an_invite_is_good_for_one_key(swarm: TlsSwarm, home: Home, tmp_path: Path) -> None:
    link = swarm.link()
    await home.join(link)
    error = await Home(tmp_path / "second").refused(link)
    assert error.title == "The invite cannot be used any more"
    assert error.exit_code is ExitCode.USAGE
    assert "used" in error.message


async def test_a_wrong_invite_an_expired_one_and_none_are_told_apart(
    swarm: TlsSwarm, home: Home
) -> None:
    wrong = msgspec.structs.replace(swarm.link(), invite="a" * 16)
    assert (await home.refused(wrong)).title == "The invite is wrong"
    late = swarm.link()
    swarm.clock.shift_s = 2 * DAY_S
    error = await home.refused(late)
    assert error.title == "The invite cannot be used any more"
    assert "expired" in error.message
    swarm.clock.shift_s = 0
    error = await home.refused(swarm.link(invite=False))
    assert error.title == "An invite is needed"
    assert home.credentials.swarms() == ()
    assert swarm.authority.member_count == 0


async def test_open_mode_admits_private_addresses_without_an_invite(
    swarm: TlsSwarm, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm.is_open = True
    await home.join(swarm.link(invite=False))
    monkeypatch.setattr("tracker.admission.is_private", lambda _: False)
    error = await Home(tmp_path / "far").refused(swarm.link(invite=False))
    assert error.title == "An invite is needed"


async def test_first_contact_stops_and_names_the_fingerprint(
    swarm: TlsSwarm, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm.is_open = True
    link = JoinLink(((HOST, swarm.port),))
    with monkeypatch.context() as patch:
        heard = spy_on_strangers(swarm, patch)
        error = await home.refused(link)
        assert error.exit_code is ExitCode.SECURITY
        assert swarm.authority.pin in error.message
        assert f"--trust {swarm.authority.pin}" in error.hint
        error = await home.refused(link, trust="a" * 32)
        assert error.exit_code is ExitCode.SECURITY
        await swarm.listener.close()
        assert heard == []
    assert home.credentials.swarms() == ()


@pytest.mark.parametrize("trust", ["pin", "PIN", TRUST_FIRST])
async def test_first_contact_goes_on_with_trust(swarm: TlsSwarm, home: Home, trust: str) -> None:
    swarm.is_open = True
    link = JoinLink(((HOST, swarm.port),))
    pin = swarm.authority.pin
    given = {"pin": pin, "PIN": f" {pin.upper()} "}.get(trust, trust)
    membership = await home.join(link, given)
    assert membership.pin == pin
    # From now on the key is known and no trust is asked for.
    await home.join(link)


async def test_f113_a_known_address_with_another_key_is_a_hard_stop(
    swarm: TlsSwarm, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    membership = await home.join(swarm.link())
    port = swarm.port
    await swarm.close()
    impostor = await TlsSwarm.start(tmp_path / "impostor", port=port)
    try:
        with monkeypatch.context() as patch:
            heard = spy_on_strangers(impostor, patch)
            pinned = impostor.link()
            for link, trust in (
                (JoinLink(((HOST, port),)), ""),
                (JoinLink(((HOST, port),)), TRUST_FIRST),
                (JoinLink(((HOST, port),)), impostor.authority.pin),
                (swarm_link(membership), ""),
                (pinned, ""),
            ):
                error = await home.refused(link, trust)
                assert error.exit_code is ExitCode.SECURITY
                assert f"p2ptui forget {membership.pin}" in error.hint
        home.credentials.forget(membership.pin)
        assert (await home.join(pinned)).pin == impostor.authority.pin
    finally:
        await impostor.close()
    assert heard == []


async def test_a_link_that_contradicts_what_is_known_of_its_address_is_a_hard_stop(
    swarm: TlsSwarm, other_swarm: TlsSwarm, home: Home
) -> None:
    membership = await home.join(swarm.link())
    link = msgspec.structs.replace(swarm.link(), pin=other_swarm.authority.pin)
    error = await home.refused(link)
    assert error.exit_code is ExitCode.SECURITY
    assert f"p2ptui forget {membership.pin}" in error.hint
    assert home.credentials.swarms() == (membership,)


def swarm_link(membership: Membership) -> JoinLink:
    return JoinLink(membership.hosts, membership.pin)


async def test_a_link_with_another_pin_stops_before_anything_is_sent(
    swarm: TlsSwarm, other_swarm: TlsSwarm, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = spy_on_strangers(swarm, monkeypatch)
    link = msgspec.structs.replace(swarm.link(), pin=other_swarm.authority.pin)
    error = await home.refused(link)
    assert error.exit_code is ExitCode.SECURITY
    assert swarm.authority.pin in error.message
    assert other_swarm.authority.pin in error.message
    await swarm.listener.close()
    assert heard == []


@pytest.mark.parametrize("trick", ["relay", "rogue leaf", "member", "no ca", "rubbish"])
async def test_who_stands_in_between_gets_nothing(
    swarm: TlsSwarm, home: Home, tmp_path: Path, trick: str
) -> None:
    """The attacker shows the true CA certificate, which is public, but owns no leaf of it."""
    ca = swarm.authority.ca_der
    key, rogue_key = new_key(), new_key()
    rogue_ca = make_ca(rogue_key, CLOCK.wall())
    leaf, shown_ca = {
        # His own swarm's leaf, and the true CA.
        "relay": (make_tracker_leaf(rogue_key, rogue_ca, key.public_key(), CLOCK.wall()), ca),
        # A leaf that names the true CA as its issuer, signed by himself.
        "rogue leaf": (make_tracker_leaf(rogue_key, ca, key.public_key(), CLOCK.wall()), ca),
        # A true member, posing as the tracker.
        "member": (swarm.authority.issue(make_csr(key)), ca),
        # A leaf that claims to be the CA of itself.
        "no ca": (
            make_tracker_leaf(key, ca, key.public_key(), CLOCK.wall()),
            swarm.authority.leaf_der,
        ),
        "rubbish": (make_tracker_leaf(rogue_key, rogue_ca, key.public_key(), CLOCK.wall()), b"x"),
    }[trick]
    files = write_pair(tmp_path / "attacker", leaf, key)
    heard: list[object] = []

    async def attack(link: Link) -> None:
        link.post(Challenge(shown_ca, bytes(32), "test swarm", True, int(CLOCK.wall())))
        heard.append(await link.receive())

    listener = await Listener.open(
        HOST,
        0,
        context=tracker_context(ca, files),
        vet=vet_nobody,
        handler=attack,
        clock=CLOCK,
    )
    link = JoinLink(((HOST, listener.endpoint.port),), swarm.authority.pin, "a" * 16)
    error = await home.refused(link)
    assert error.exit_code is ExitCode.SECURITY
    error = await home.refused(JoinLink(link.hosts), trust=TRUST_FIRST)
    assert error.exit_code is ExitCode.SECURITY
    await listener.close()
    assert heard == []
    assert home.credentials.swarms() == ()


def vet_nobody(_certificate: bytes | None) -> Proven:
    return Proven(Role.TRACKER_STRANGER, None)


async def challenged(swarm: TlsSwarm) -> tuple[Link, Challenge, bytes]:
    """A stranger's link, as far as the tracker's challenge."""
    link, leaf = await dial(
        HOST,
        swarm.port,
        whom="the tracker",
        context=stranger_context(),
        vet=vet_tracker(Role.STRANGER),
        clock=CLOCK,
    )
    challenge = await link.receive()
    assert isinstance(challenge, Challenge)
    return link, challenge, leaf


async def test_f33_a_replayed_proof_is_refused(swarm: TlsSwarm) -> None:
    code = swarm.authority.invite(uses=5).code
    csr = make_csr(new_key())
    link, challenge, leaf = await challenged(swarm)
    proof = join_proof(invite_hash(code), challenge.nonce, certificate_hash(leaf), csr)
    # It was recorded, and never arrived.
    link.abort()
    link, _, _ = await challenged(swarm)
    await link.send(Join(csr, "mallory", proof))
    answer = await link.receive()
    assert isinstance(answer, Failure)
    assert answer.code == "not_found"
    assert swarm.authority.member_count == 0
    link, challenge, leaf = await challenged(swarm)
    fresh = join_proof(invite_hash(code), challenge.nonce, certificate_hash(leaf), csr)
    await link.send(Join(csr, "anna", fresh))
    assert isinstance(await link.receive(), Joined)


async def test_who_came_just_before_the_trackers_leaf_was_renewed_is_admitted(
    swarm: TlsSwarm,
) -> None:
    code = swarm.authority.invite(for_s=60 * DAY_S).code
    csr = make_csr(new_key())
    link, challenge, leaf = await challenged(swarm)
    swarm.clock.shift_s = 25 * DAY_S
    assert swarm.authority.renew_leaf()
    assert swarm.authority.leaf_der != leaf
    proof = join_proof(invite_hash(code), challenge.nonce, certificate_hash(leaf), csr)
    await link.send(Join(csr, "anna", proof))
    assert isinstance(await link.receive(), Joined)


async def test_every_challenge_has_a_nonce_of_its_own(swarm: TlsSwarm) -> None:
    nonces = set()
    for _ in range(5):
        link, challenge, _ = await challenged(swarm)
        nonces.add(challenge.nonce)
        link.abort()
    assert len(nonces) == 5


async def test_f12_a_request_full_of_wishes_gets_none_of_them(swarm: TlsSwarm, home: Home) -> None:
    membership = await home.join(swarm.link())
    assert b"tracker.p2ptui" not in membership.leaf
    assert membership.leaf.count(b".p2ptui") == 2  # subject and SAN


async def test_an_expired_member_comes_back_with_its_key_and_no_invite(
    swarm: TlsSwarm, home: Home
) -> None:
    await home.join(swarm.link())
    again = await home.join(swarm.link(invite=False))
    assert again.expires >= CLOCK.wall() + 6.9 * DAY_S
    # And an invite in the link is not spent on it.
    link = swarm.link()
    await home.join(link)
    other = Home(home.credentials._folder.parent / "other")
    await other.join(link)


async def test_a_kicked_member_does_not_come_back(swarm: TlsSwarm, home: Home) -> None:
    await home.join(swarm.link())
    swarm.authority.kick(home.credentials.peer_id, "rude")
    error = await home.refused(swarm.link())
    assert error.exit_code is ExitCode.SECURITY
    assert error.message.endswith("banned for good: rude")
    swarm.authority.unban(home.credentials.peer_id)
    await home.join(swarm.link())


async def test_a_tracker_that_is_away_is_unreachable_and_the_next_address_is_tried(
    swarm: TlsSwarm, other_swarm: TlsSwarm, home: Home
) -> None:
    dead = other_swarm.port
    await other_swarm.close()
    link = swarm.link()
    error = await home.refused(msgspec.structs.replace(link, hosts=((HOST, dead),)))
    assert error.exit_code is ExitCode.UNREACHABLE
    both = msgspec.structs.replace(link, hosts=((HOST, dead), *link.hosts))
    membership = await home.join(both)
    # The one that answered comes first from now on.
    assert membership.hosts == ((HOST, swarm.port), (HOST, dead))


async def test_f109_a_clock_far_ahead_gets_an_exact_message(
    swarm: TlsSwarm, tmp_path: Path
) -> None:
    ahead = Home(tmp_path / "ahead", ShiftedClock(8 * DAY_S))
    error = await ahead.refused(swarm.link())
    assert error.title == "The clocks are too far apart"
    assert "8.0 days ahead" in error.message
    for shift in (6 * DAY_S, DAY_S, -20 * 365 * DAY_S):
        fine = Home(tmp_path / f"shift{shift}", ShiftedClock(shift))
        await fine.join(swarm.link())


async def test_a_certificate_for_another_key_is_not_taken(
    swarm: TlsSwarm, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = make_csr(new_key())
    issue = swarm.authority.issue
    monkeypatch.setattr(swarm.authority, "issue", lambda _csr: issue(somebody))
    error = await home.refused(swarm.link())
    assert error.exit_code is ExitCode.SECURITY
    assert home.credentials.swarms() == ()


async def test_a_certificate_of_another_authority_is_not_taken(
    swarm: TlsSwarm, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    rogue = new_key()
    ca = make_ca(rogue, CLOCK.wall())
    own = home.credentials._key.public_key()
    leaf = make_peer_leaf(rogue, ca, own, CLOCK.wall())
    monkeypatch.setattr(swarm.authority, "issue", lambda _csr: leaf)
    assert (await home.refused(swarm.link())).exit_code is ExitCode.SECURITY


async def test_what_a_tracker_says_is_shown_harmless(
    swarm: TlsSwarm, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rude(link: Link) -> None:
        link.post(Failure(id=0, code="busy", text="\x1b[2Jgo away"))

    monkeypatch.setattr(swarm.admission, "admit", rude)
    error = await home.refused(swarm.link())
    assert "go away" in error.message
    assert "\x1b" not in error.message
