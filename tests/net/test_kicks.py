import itertools
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import PeerId
from p2ptui.net.identity import BadIdentity, new_key
from p2ptui.net.kicks import KickBook, sign_kicks, signed_bytes
from p2ptui.net.wire.messages import Kick, KickList
from tests.support.memory_net import peer_id_of
from tracker.certificates import make_ca

NOW = 1_800_000_000.0
CA_KEY = new_key()
CA = make_ca(CA_KEY, NOW)
ANNA, BERT = peer_id_of("anna"), peer_id_of("bert")


def kicks_of(*peers: PeerId, until: int = 0) -> tuple[Kick, ...]:
    return tuple(Kick(peer=peer, until=until, why="") for peer in peers)


def test_a_newer_list_of_the_ca_replaces_the_older() -> None:
    book = KickBook(CA)
    assert book.number == 0
    assert book.take(sign_kicks(CA_KEY, 1, kicks_of(ANNA)))
    assert book.is_kicked(ANNA, NOW)
    assert not book.is_kicked(BERT, NOW)
    assert book.take(sign_kicks(CA_KEY, 3, kicks_of(BERT)))
    assert not book.is_kicked(ANNA, NOW)
    assert book.is_kicked(BERT, NOW)
    assert (book.number, book.newest.number) == (3, 3)


def test_nobody_brings_back_an_older_list() -> None:
    book = KickBook(CA)
    older, newer = (sign_kicks(CA_KEY, 1, ()), sign_kicks(CA_KEY, 2, kicks_of(ANNA)))
    assert book.take(newer)
    assert not book.take(older)
    assert not book.take(sign_kicks(CA_KEY, 2, ()))
    assert book.is_kicked(ANNA, NOW)


@pytest.mark.parametrize("change", ["key", "number", "kicks", "signature", "empty"])
def test_a_list_that_the_ca_did_not_sign_is_refused(change: str) -> None:
    book = KickBook(CA)
    good = sign_kicks(CA_KEY, 1, kicks_of(ANNA))
    bad = {
        "key": sign_kicks(new_key(), 1, kicks_of(ANNA)),
        "number": msgspec.structs.replace(good, number=2),
        "kicks": msgspec.structs.replace(good, kicks=kicks_of(BERT)),
        "signature": msgspec.structs.replace(
            good, signature=good.signature[:-1] + bytes([good.signature[-1] ^ 1])
        ),
        "empty": msgspec.structs.replace(good, signature=b""),
    }[change]
    with pytest.raises(BadIdentity):
        book.take(bad)
    assert book.number == 0
    assert not book.is_kicked(ANNA, NOW)
    assert book.take(good)


def test_a_kick_for_a_time_ends() -> None:
    book = KickBook(CA)
    book.take(sign_kicks(CA_KEY, 1, kicks_of(ANNA, until=int(NOW) + 60)))
    assert book.is_kicked(ANNA, NOW + 59)
    assert not book.is_kicked(ANNA, NOW + 60)


def test_the_signed_bytes_can_never_be_those_of_a_certificate() -> None:
    for number, kicks in itertools.product((0, 1, 2**53), ((), kicks_of(ANNA))):
        assert signed_bytes(number, kicks)[0] == 0
    assert CA[0] == 0x30


def test_the_book_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "kicks.bin"
    book = KickBook.open(CA, path)
    book.take(sign_kicks(CA_KEY, 5, kicks_of(ANNA)))
    book.save()
    again = KickBook.open(CA, path)
    assert again.number == 5
    assert again.is_kicked(ANNA, NOW)


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"[]", None])
def test_f97_a_damaged_or_forged_file_is_as_none(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "kicks.bin"
    forged = msgspec.msgpack.encode(KickList(number=9, kicks=kicks_of(ANNA), signature=b"x"))
    path.write_bytes(forged if damage is None else damage)
    path.chmod(0o600)
    book = KickBook.open(CA, path)
    assert book.number == 0
    assert book.take(sign_kicks(CA_KEY, 1, kicks_of(BERT)))
    book.save()
    assert KickBook.open(CA, path).is_kicked(BERT, NOW)


def test_f116_a_file_that_others_can_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kicks.bin"
    book = KickBook.open(CA, path)
    book.take(sign_kicks(CA_KEY, 1, ()))
    book.save()
    path.chmod(0o666)
    with pytest.raises(P2PError):
        KickBook.open(CA, path)
