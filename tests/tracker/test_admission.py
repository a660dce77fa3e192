import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from p2ptui.base.errors import storage_error
from p2ptui.net.identity import id_of_key, invite_hash, join_proof, make_csr, new_key
from p2ptui.net.link import LinkClosed
from p2ptui.net.loop import Inline
from p2ptui.net.wire.messages import Challenge, Failure, Goodbye, Join, Joined
from p2ptui.net.wire.protocol import Role
from tests.net.test_identity import csr_of
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.memory_net import MemoryLink, link_pair
from tracker.admission import Admission, Admitted, Turned
from tracker.authority import Authority

PRIVATE, PUBLIC = "192.168.1.9", "8.8.8.8"


class Desk:
    """An admission and strangers who come to it."""

    def __init__(self, folder: Path, *, open_mode: bool = False) -> None:
        self.clock = FakeClock()
        self.authority = Authority.open(folder / "authority", name="s", clock=self.clock)
        self.is_open = open_mode
        self.admission = Admission(
            self.authority, is_open=lambda: self.is_open, clock=self.clock, offload=Inline()
        )
        self.outcome: Admitted | Turned | None = None

    @asynccontextmanager
    async def stranger(self, address: str) -> AsyncIterator[tuple[MemoryLink, Challenge]]:
        """A stranger's end of a link, and what the tracker said first."""
        roles = (Role.STRANGER, Role.TRACKER_STRANGER)
        ours, theirs = link_pair(roles, (None, None), clock=self.clock, hosts=(address, "10.0.0.1"))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.admission.admit(theirs))
            challenge = await ours.receive()
            assert isinstance(challenge, Challenge)
            yield ours, challenge
            self.outcome = await task
            ours.abort()
            assert theirs.closed

    async def join(
        self, csr: bytes, address: str = PUBLIC, *, code: str = "", proof: bytes | None = None
    ) -> object:
        """What a stranger gets for a request."""
        async with self.stranger(address) as (link, challenge):
            if proof is None:
                leaf_hash = self.authority.leaf_hashes[0]
                made = join_proof(invite_hash(code), challenge.nonce, leaf_hash, csr)
                proof = made if code else b""
            await link.send(Join(csr, "anna", proof))
            try:
                return await link.receive()
            except LinkClosed as end:
                return Goodbye(end.code)  # type: ignore[arg-type]


def code_of(answer: object) -> str:
    assert isinstance(answer, Failure | Goodbye), answer
    return answer.code


@virtual_time
async def test_the_challenge_tells_what_the_caller_may(tmp_path: Path) -> None:
    desk = Desk(tmp_path, open_mode=True)
    for address, may in ((PRIVATE, True), (PUBLIC, False)):
        async with desk.stranger(address) as (link, challenge):
            assert challenge.open is may
            assert challenge.ca == desk.authority.ca_der
            assert challenge.swarm == "s"
            assert challenge.time == int(desk.clock.wall())
            link.abort()
    desk.is_open = False
    async with desk.stranger(PRIVATE) as (link, challenge):
        assert not challenge.open
        link.abort()


@virtual_time
async def test_who_proves_an_invite_is_admitted(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    key = new_key()
    code = desk.authority.invite().code
    assert isinstance(await desk.join(make_csr(key), code=code), Joined)
    peer_id = id_of_key(key.public_key())
    assert desk.outcome == Admitted(peer_id=peer_id, nick="anna", again=False, invited=True)
    assert isinstance(await desk.join(make_csr(key)), Joined)
    assert desk.outcome == Admitted(peer_id=peer_id, nick="anna", again=True)


@virtual_time
async def test_open_mode_is_for_private_addresses_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path, open_mode=True)
    assert isinstance(await desk.join(make_csr(new_key()), PRIVATE), Joined)
    assert code_of(await desk.join(make_csr(new_key()), PUBLIC)) == "denied"
    assert desk.outcome == Turned(reason="an invite is needed from this address")
    # A wrong invite is not forgiven for the address.
    assert code_of(await desk.join(make_csr(new_key()), PRIVATE, code="a" * 16)) == "not_found"


@virtual_time
async def test_the_outcomes_of_a_proof_are_told_apart(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    used, late = desk.authority.invite().code, desk.authority.invite(for_s=60).code
    assert isinstance(await desk.join(make_csr(new_key()), code=used), Joined)
    assert code_of(await desk.join(make_csr(new_key()), code=used)) == "gone"
    assert code_of(await desk.join(make_csr(new_key()), code="b" * 16)) == "not_found"
    desk.clock.advance(61)
    assert code_of(await desk.join(make_csr(new_key()), code=late)) == "gone"
    assert desk.authority.member_count == 1


@virtual_time
async def test_five_failures_a_minute_and_then_a_pause(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    code = desk.authority.invite().code
    csr = make_csr(new_key())
    for _ in range(5):
        assert code_of(await desk.join(csr, proof=b"x" * 32)) == "not_found"
    # Even the right one is not looked at now, nor used up by that.
    answer = await desk.join(csr, code=code)
    assert code_of(answer) == "limit"
    # Somebody else is not affected, and an address that was not wrong five times neither.
    assert code_of(await desk.join(csr, "8.8.4.4", proof=b"x" * 32)) == "not_found"
    desk.clock.advance(59)
    assert code_of(await desk.join(csr, code=code)) == "limit"
    desk.clock.advance(2)
    assert isinstance(await desk.join(csr, code=code), Joined)


@virtual_time
async def test_many_at_once_get_no_more_than_five_tries(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    csr = make_csr(new_key())
    answers: list[str] = []

    async def guess() -> None:
        answers.append(code_of(await desk.join(csr, proof=b"x" * 32)))

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(guess())
    assert sorted(answers) == ["limit"] * 15 + ["not_found"] * 5


@virtual_time
async def test_a_pause_does_not_keep_known_members_out(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    key = new_key()
    desk.authority.issue(make_csr(key))
    for _ in range(6):
        await desk.join(make_csr(new_key()), proof=b"x" * 32)
    assert isinstance(await desk.join(make_csr(key)), Joined)


@virtual_time
async def test_kicked_members_do_not_come_back_by_any_way(tmp_path: Path) -> None:
    desk = Desk(tmp_path, open_mode=True)
    key = new_key()
    desk.authority.issue(make_csr(key))
    desk.authority.kick(id_of_key(key.public_key()))
    code = desk.authority.invite().code
    assert code_of(await desk.join(make_csr(key), PRIVATE)) == "kicked"
    assert code_of(await desk.join(make_csr(key), code=code)) == "kicked"
    # The invite was not spent.
    assert isinstance(await desk.join(make_csr(new_key()), code=code), Joined)


@pytest.mark.parametrize("bad", ["curve", "signature", "rubbish"])
@virtual_time
async def test_f13_a_bad_request_is_an_error_and_spends_nothing(tmp_path: Path, bad: str) -> None:
    desk = Desk(tmp_path)
    code = desk.authority.invite().code
    broken = bytearray(make_csr(new_key()))
    broken[-1] ^= 1
    csr, expected = {
        "curve": (
            csr_of(ec.generate_private_key(ec.SECP521R1()), hashes.SHA256()),
            {"unsupported_key"},
        ),
        "signature": (bytes(broken), {"unsupported_key", "bad_request"}),
        "rubbish": (b"rubbish", {"bad_request"}),
    }[bad]
    assert code_of(await desk.join(csr, code=code)) in expected
    assert isinstance(await desk.join(make_csr(new_key()), code=code), Joined)


@virtual_time
async def test_who_says_nothing_is_sent_away(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.stranger(PUBLIC) as (link, _):
        with pytest.raises(LinkClosed):
            await link.receive()
    assert desk.outcome is None


@virtual_time
async def test_f91_a_tracker_that_cannot_write_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path)
    code = desk.authority.invite().code
    csr = make_csr(new_key())

    def no_space(*_: object) -> bytes:
        raise storage_error("Cannot write members.log", "No space left on device")

    monkeypatch.setattr(desk.authority, "issue", no_space)
    assert code_of(await desk.join(csr, code=code)) == "internal"
    assert desk.authority.member_count == 0
