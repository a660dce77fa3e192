import base64
import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.ids import is_key_digest, key_digest
from p2ptui.net.identity import (
    BadIdentity,
    check_issued,
    dump_certificate,
    dump_key,
    expiry_of,
    id_of_key,
    invite_hash,
    is_tracker_certificate,
    join_proof,
    key_of_csr,
    load_certificate,
    load_key,
    make_csr,
    new_key,
    peer_id_of_certificate,
    pin_of,
    read_certificate,
    tracker_id_of_certificate,
)
from tracker.certificates import make_ca, make_peer_leaf, make_tracker_leaf

NOW = 1_800_000_000.0
CA_KEY = new_key()
CA = make_ca(CA_KEY, NOW)
KEY = new_key()
LEAF = make_peer_leaf(CA_KEY, CA, KEY.public_key(), NOW)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])


def csr_of(key: object, algorithm: hashes.HashAlgorithm | None) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(NAME)
    request = builder.sign(key, algorithm)  # type: ignore[arg-type]
    return request.public_bytes(serialization.Encoding.DER)


def forge(
    issuer_key: ec.EllipticCurvePrivateKey, issuer: bytes, key: object, *names: x509.GeneralName
) -> bytes:
    """A leaf as a rogue authority would make it, with any names."""
    now = dt.datetime.fromtimestamp(NOW, dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(read_certificate(issuer).subject)
        .public_key(key)  # type: ignore[arg-type]
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_the_id_is_the_digest_of_the_key() -> None:
    spki = KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert id_of_key(KEY.public_key()) == key_digest(spki)
    assert is_key_digest(id_of_key(KEY.public_key()))
    assert peer_id_of_certificate(LEAF) == id_of_key(KEY.public_key())
    assert str(pin_of(CA)) == str(id_of_key(CA_KEY.public_key()))


def test_keys_and_certificates_survive_their_files() -> None:
    assert id_of_key(load_key(dump_key(KEY)).public_key()) == id_of_key(KEY.public_key())
    assert load_certificate(dump_certificate(LEAF)) == LEAF
    assert expiry_of(LEAF) == NOW + 7 * 86400


def test_a_request_gives_its_key_and_nothing_else() -> None:
    assert id_of_key(key_of_csr(make_csr(KEY))) == id_of_key(KEY.public_key())


@pytest.mark.parametrize(
    "csr",
    [
        pytest.param(csr_of(ec.generate_private_key(ec.SECP521R1()), hashes.SHA256()), id="P-521"),
        pytest.param(csr_of(ec.generate_private_key(ec.SECP384R1()), hashes.SHA256()), id="P-384"),
        pytest.param(csr_of(ec.generate_private_key(ec.SECP256K1()), hashes.SHA256()), id="k1"),
        pytest.param(csr_of(rsa.generate_private_key(65537, 1024), hashes.SHA256()), id="RSA"),
        pytest.param(csr_of(dsa.generate_private_key(1024), hashes.SHA256()), id="DSA"),
        pytest.param(csr_of(ed25519.Ed25519PrivateKey.generate(), None), id="Ed25519"),
    ],
)
def test_f13_only_p256_is_admitted(csr: bytes) -> None:
    with pytest.raises(BadIdentity) as caught:
        key_of_csr(csr)
    assert caught.value.fault == "unsupported_key"


def test_f13_rsa_512_is_refused() -> None:
    # Made with the openssl command: libraries of today do not make such keys any more.
    csr = base64.b64decode(
        "MIHFMHECAQAwDDEKMAgGA1UEAwwBeDBcMA0GCSqGSIb3DQEBAQUAA0sAMEgCQQDhyEjT9C7xwBlgosEiqmyj2pnK"
        "X8U1XWvDB1p5gpdqhmpcAZEpWz/EN4oAcrZMiSY0Ko0LNZB+e6Ixuu90pTg5AgMBAAGgADANBgkqhkiG9w0BAQsF"
        "AANBAGDaLIDuH2GN8jmKfIa/3lx0Pkz8FGFYLmKx3jNQAhGEkwCe3jCNAPAaULE2DcBObUm4WC6MJrzocSn/tXgA"
        "HJc="
    )
    with pytest.raises(BadIdentity) as caught:
        key_of_csr(csr)
    assert caught.value.fault == "unsupported_key"


def test_f13_a_request_that_its_key_did_not_sign_is_refused() -> None:
    csr = bytearray(make_csr(KEY))
    csr[-5] ^= 1
    with pytest.raises(BadIdentity) as caught:
        key_of_csr(bytes(csr))
    assert caught.value.fault in {"bad_signature", "unreadable"}
    stolen = bytearray(make_csr(KEY))
    mine = make_csr(new_key())
    # Somebody else's key inside my request: the signature is mine.
    point = KEY.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    at = stolen.find(point)
    forged = mine[:at] + point + mine[at + len(point) :]
    with pytest.raises(BadIdentity) as caught:
        key_of_csr(forged)
    assert caught.value.fault == "bad_signature"


@given(st.binary(max_size=600))
def test_no_bytes_do_more_than_raise_bad_identity(data: bytes) -> None:
    for read in (key_of_csr, peer_id_of_certificate, tracker_id_of_certificate, pin_of, expiry_of):
        with pytest.raises(BadIdentity):
            read(data)


ROOT = Path(__file__).parents[2]
NEGATIVE_SERIAL = """
import sys
from p2ptui.net.identity import BadIdentity, read_certificate
try:
    read_certificate(bytes.fromhex(sys.argv[1]))
except BadIdentity:
    print("refused")
"""


def test_what_the_library_only_warns_of_is_refused_in_silence() -> None:
    """In a process of its own, for the tests turn all warnings into errors."""
    negative = bytearray(LEAF)
    assert negative[8:14] == bytes.fromhex("a00302010202")
    negative[15] |= 0x80  # the first byte of the serial number
    done = subprocess.run(
        [sys.executable, "-c", NEGATIVE_SERIAL, bytes(negative).hex()],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=ROOT,
    )
    assert (done.stdout, done.stderr) == ("refused\n", "")


@given(st.integers(0, len(LEAF) - 1), st.integers(1, 255))
def test_a_leaf_with_a_changed_byte_proves_no_other_id(at: int, change: int) -> None:
    changed = bytearray(LEAF)
    changed[at] ^= change
    try:
        check_issued(bytes(changed), CA)
        peer_id = peer_id_of_certificate(bytes(changed))
    except BadIdentity:
        return
    assert peer_id == id_of_key(KEY.public_key())


def test_f11_a_rogue_authority_cannot_name_a_key_after_somebody_else() -> None:
    victim = id_of_key(KEY.public_key())
    forged = forge(CA_KEY, CA, new_key().public_key(), x509.DNSName(f"{victim}.p2ptui"))
    with pytest.raises(BadIdentity) as caught:
        peer_id_of_certificate(forged)
    assert caught.value.fault == "wrong_name"


@pytest.mark.parametrize("kind", ["none", "two", "ip", "wildcard", "tracker"])
def test_f11_a_leaf_bears_exactly_the_name_of_its_key(kind: str) -> None:
    own = x509.DNSName(f"{id_of_key(KEY.public_key())}.p2ptui")
    names: dict[str, list[x509.GeneralName]] = {
        "none": [],
        "two": [own, x509.DNSName("tracker.p2ptui")],
        "ip": [x509.RFC822Name("a@b.c")],
        "wildcard": [x509.DNSName("*.p2ptui")],
        "tracker": [x509.DNSName("tracker.p2ptui")],
    }
    with pytest.raises(BadIdentity):
        peer_id_of_certificate(forge(CA_KEY, CA, KEY.public_key(), *names[kind]))


def test_a_member_is_not_a_tracker_and_a_tracker_no_member() -> None:
    tracker = make_tracker_leaf(CA_KEY, CA, KEY.public_key(), NOW)
    assert tracker_id_of_certificate(tracker) == id_of_key(KEY.public_key())
    assert is_tracker_certificate(tracker)
    assert not is_tracker_certificate(LEAF)
    with pytest.raises(BadIdentity):
        peer_id_of_certificate(tracker)
    with pytest.raises(BadIdentity):
        tracker_id_of_certificate(LEAF)


def test_issued_means_signed_by_this_ca_and_fit_for_tls() -> None:
    check_issued(LEAF, CA)
    other_key = new_key()
    other_ca = make_ca(other_key, NOW)
    for leaf, ca in (
        (LEAF, other_ca),  # another swarm's
        (CA, CA),  # a CA is no leaf
        (make_peer_leaf(KEY, LEAF, other_key.public_key(), NOW), LEAF),  # F10: signed by a leaf
        (forge(CA_KEY, CA, KEY.public_key(), x509.DNSName("tracker.p2ptui")), CA),  # no usage
    ):
        with pytest.raises(BadIdentity):
            check_issued(leaf, ca)


def test_issued_asks_for_the_signature_and_not_for_the_name_alone() -> None:
    # The impostor's CA bears the subject of the true one, and another key.
    impostor = new_key()
    fake = make_peer_leaf(impostor, CA, KEY.public_key(), NOW)
    assert read_certificate(fake).issuer == read_certificate(CA).subject
    with pytest.raises(BadIdentity) as caught:
        check_issued(fake, CA)
    assert caught.value.fault == "wrong_issuer"


def test_a_ca_made_again_from_the_same_key_is_the_same_swarm() -> None:
    again = make_ca(CA_KEY, NOW + 1e8)
    assert again != CA
    assert pin_of(again) == pin_of(CA)
    check_issued(LEAF, again)


def test_a_key_of_another_kind_is_not_loaded() -> None:
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for wrong in (pem, b"", b"-----BEGIN PRIVATE KEY-----\n", dump_key(KEY)[:80]):
        with pytest.raises(BadIdentity):
            load_key(wrong)


def test_a_proof_holds_for_one_nonce_one_tracker_and_one_key() -> None:
    args = (invite_hash("a" * 16), b"n" * 32, b"l" * 32, b"csr")
    proof = join_proof(*args)
    assert len(proof) == 32
    others = (invite_hash("b" * 16), b"m" * 32, b"k" * 32, b"CSR")
    for index, other in enumerate(others):
        changed = [*args]
        changed[index] = other
        assert join_proof(*changed) != proof
