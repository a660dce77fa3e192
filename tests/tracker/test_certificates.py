import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

from p2ptui.net.identity import id_of_key, key_of_csr, new_key, read_certificate
from tracker.certificates import DAY_S, make_ca, make_peer_leaf, make_tracker_leaf

NOW = 1_800_000_000.0
CA_KEY, KEY = new_key(), new_key()
CA = make_ca(CA_KEY, NOW)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def greedy_csr() -> bytes:
    """F12: everything that a request must not get."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "\x1b[2Jtracker.p2ptui"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "the authorities"),
        ]
    )
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("tracker.p2ptui")]), critical=False
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .sign(KEY, hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.DER)


def test_f12_only_the_key_of_a_request_arrives_in_the_certificate() -> None:
    peer_id = id_of_key(KEY.public_key())
    leaf = make_peer_leaf(CA_KEY, CA, key_of_csr(greedy_csr()), NOW)
    for wish in (b"tracker", b"\x1b[2J", b"authorities"):
        assert wish not in leaf
    certificate = read_certificate(leaf)
    extensions = {extension.oid: extension for extension in certificate.extensions}
    assert len(extensions) == 6
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value) == (True, x509.BasicConstraints(False, None))
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not usage.value.crl_sign
    extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(extended) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.DNSName(f"{peer_id}.p2ptui")]
    assert id_of_key(certificate.public_key()) == peer_id  # type: ignore[arg-type]
    certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    assert certificate.signature_algorithm_oid == SignatureAlgorithmOID.ECDSA_WITH_SHA256


def test_lives_are_those_of_the_protocol() -> None:
    now = dt.datetime.fromtimestamp(NOW, dt.UTC)
    for der, days in (
        (make_peer_leaf(CA_KEY, CA, KEY.public_key(), NOW), 7),
        (make_tracker_leaf(CA_KEY, CA, KEY.public_key(), NOW), 30),
        (CA, 3652),
    ):
        certificate = read_certificate(der)
        assert certificate.not_valid_before_utc == EPOCH
        assert certificate.not_valid_after_utc == now + dt.timedelta(days=days)
    assert DAY_S == 86400


def test_the_ca_signs_leaves_and_no_other_ca() -> None:
    certificate = read_certificate(CA)
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value) == (True, x509.BasicConstraints(True, 0))
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature
    assert certificate.subject == certificate.issuer
    again = read_certificate(make_ca(CA_KEY, NOW + 1e7))
    assert again.subject == certificate.subject


def test_serial_numbers_differ() -> None:
    leaves = [make_peer_leaf(CA_KEY, CA, KEY.public_key(), NOW) for _ in range(3)]
    assert len({read_certificate(leaf).serial_number for leaf in leaves}) == 3
