"""The certificates that the swarm's authority makes (PROTOCOL.md 1, *Leaf*). Pure.

Everything in a certificate is decided here: from a request only its public key ever arrives. Times
are seconds since 1970, given by the caller.
"""

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from p2ptui.net.identity import (
    NAME_SUFFIX,
    PRIVATE_KEY,
    PUBLIC_KEY,
    TRACKER_NAME,
    id_of_key,
    read_certificate,
)

DAY_S = 86400.0
PEER_LIFE_S = 7 * DAY_S
TRACKER_LIFE_S = 30 * DAY_S
CA_LIFE_S = 3652 * DAY_S
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""notBefore of everything: a member's clock may be years behind."""


def make_ca(key: PRIVATE_KEY, now: float) -> bytes:
    """The swarm's own certificate (DER), for ten years.

    Its subject follows from the key alone, so that one made again from the same key replaces the
    old one everywhere.
    """
    public_key = key.public_key()
    name = _name(f"p2ptui swarm {id_of_key(public_key)}")
    builder = (
        _builder(public_key, name, name, now + CA_LIFE_S)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(_authority_of(public_key), critical=False)
    )
    return _signed(builder, key)


def make_peer_leaf(ca_key: PRIVATE_KEY, ca_der: bytes, key: PUBLIC_KEY, now: float) -> bytes:
    """A member's certificate (DER), for seven days."""
    name = id_of_key(key) + NAME_SUFFIX
    return _leaf(ca_key, ca_der, key, name, now + PEER_LIFE_S)


def make_tracker_leaf(ca_key: PRIVATE_KEY, ca_der: bytes, key: PUBLIC_KEY, now: float) -> bytes:
    """The tracker's own certificate (DER), for thirty days."""
    return _leaf(ca_key, ca_der, key, TRACKER_NAME, now + TRACKER_LIFE_S)


def _leaf(
    ca_key: PRIVATE_KEY, ca_der: bytes, key: PUBLIC_KEY, dns_name: str, until: float
) -> bytes:
    both_ways = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        _builder(key, _name(dns_name), read_certificate(ca_der).subject, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both_ways), critical=False)
        .add_extension(_authority_of(ca_key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(dns_name)]), critical=False)
    )
    return _signed(builder, ca_key)


def _builder(
    key: PUBLIC_KEY, subject: x509.Name, issuer: x509.Name, until: float
) -> x509.CertificateBuilder:
    end = dt.datetime.fromtimestamp(int(until), dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_EPOCH)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _signed(builder: x509.CertificateBuilder, key: PRIVATE_KEY) -> bytes:
    certificate = builder.sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.DER)


def _authority_of(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
