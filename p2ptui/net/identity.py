"""Keys, certificates and the ids that follow from them (PROTOCOL.md 1). Pure; reads no clock.

A key decides who somebody is: an id is always recomputed from the key that was presented, and then
compared with what the certificate claims and with what the caller expects. Only ECDSA P-256 occurs.
Certificates and requests come from strangers: every reader here raises `BadIdentity` alone.
"""

import hashlib
import hmac
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from p2ptui.base.ids import PeerId, Pin, key_digest

TRACKER_NAME = "tracker.p2ptui"
NAME_SUFFIX = ".p2ptui"
JOIN_CONTEXT = b"p2ptui-join-1"
PRIVATE_KEY = ec.EllipticCurvePrivateKey
PUBLIC_KEY = ec.EllipticCurvePublicKey

# What cryptography only warns of, on standard error (a negative serial number), a stranger can
# send: here it is refused like everything else that is malformed.
warnings.filterwarnings("error", "(The p|P)arsed ", CryptographyDeprecationWarning)
_UNREADABLE = (
    CryptographyDeprecationWarning,
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    InvalidSignature,
    x509.ExtensionNotFound,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    x509.InvalidVersion,
)
IdentityFault = Literal[
    "unreadable", "unsupported_key", "bad_signature", "wrong_name", "wrong_issuer", "kicked"
]


class BadIdentity(Exception):  # noqa: N818  (named for what it found, as LinkClosed is)
    """A certificate or request that proves nothing. `fault` is for programs, `text` for people."""

    def __init__(self, fault: IdentityFault, text: str) -> None:
        super().__init__(fault, text)
        self.fault: IdentityFault = fault
        self.text = text

    def __str__(self) -> str:
        return self.text


@contextmanager
def _reading(what: str) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise BadIdentity("unreadable", f"{what} cannot be read: {error}") from None


# --- keys ----------------------------------------------------------------------------------------


def new_key() -> PRIVATE_KEY:
    """A fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def dump_key(key: PRIVATE_KEY) -> bytes:
    """A key as unencrypted PKCS #8 PEM; it belongs in a private file and nowhere else."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_key(pem: bytes) -> PRIVATE_KEY:
    """The P-256 key in a PEM file. Raises `BadIdentity`."""
    with _reading("the key"):
        key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadIdentity("unsupported_key", "the key is not ECDSA P-256")
    return key


def id_of_key(key: PUBLIC_KEY) -> PeerId:
    """Peer id of a public key: the digest of its SubjectPublicKeyInfo."""
    return PeerId(
        key_digest(
            key.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
    )


def _p256(key: object, what: str) -> PUBLIC_KEY:
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadIdentity("unsupported_key", f"{what} is not ECDSA P-256")
    return key


# --- requests ------------------------------------------------------------------------------------


def make_csr(key: PRIVATE_KEY) -> bytes:
    """A certificate request (DER) for a key; its subject is of no importance to anybody."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, id_of_key(key.public_key()))])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


def key_of_csr(csr_der: bytes) -> PUBLIC_KEY:
    """The key that a request is for, after its signature is checked: nothing else is taken.

    Raises `BadIdentity` with `unsupported_key`, `bad_signature` or `unreadable`.
    """
    with _reading("the request"):
        request = x509.load_der_x509_csr(csr_der)
        try:
            public_key = request.public_key()
        except (UnsupportedAlgorithm, ValueError):
            raise BadIdentity("unsupported_key", "the key is not ECDSA P-256") from None
        # The kind of key comes first: no signature of another kind is even computed.
        key = _p256(public_key, "the key")
        if not request.is_signature_valid:
            raise BadIdentity("bad_signature", "the request is not signed by its own key")
    return key


# --- certificates --------------------------------------------------------------------------------


def read_certificate(der: bytes) -> x509.Certificate:
    """A certificate from DER. Raises `BadIdentity`; says nothing about who signed it."""
    with _reading("the certificate"):
        return x509.load_der_x509_certificate(der)


def dump_certificate(der: bytes) -> bytes:
    """A DER certificate as PEM, as OpenSSL wants it in a file. Raises `BadIdentity`."""
    return read_certificate(der).public_bytes(serialization.Encoding.PEM)


def load_certificate(pem: bytes) -> bytes:
    """The DER of the first certificate in a PEM file. Raises `BadIdentity`."""
    with _reading("the certificate"):
        return x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)


def expiry_of(der: bytes) -> float:
    """When a certificate ends, in seconds since 1970."""
    certificate = read_certificate(der)
    with _reading("the certificate"):
        return certificate.not_valid_after_utc.timestamp()


def certificate_hash(der: bytes) -> bytes:
    """SHA-256 over a certificate's DER, as it goes into a join proof."""
    return hashlib.sha256(der).digest()


def key_of_certificate(der: bytes) -> PUBLIC_KEY:
    """The P-256 key of a certificate. Raises `BadIdentity`."""
    certificate = read_certificate(der)
    with _reading("the certificate's key"):
        return _p256(certificate.public_key(), "the certificate's key")


def pin_of(ca_der: bytes) -> Pin:
    """The pin of a swarm: the digest of its CA's key. Raises `BadIdentity`."""
    return Pin(id_of_key(key_of_certificate(ca_der)))


def peer_id_of_certificate(der: bytes) -> PeerId:
    """Id of a member, recomputed from the key and compared with the name that the leaf bears.

    The chain must have been checked already (by OpenSSL, or by `check_issued`). Raises
    `BadIdentity`; a certificate of the tracker is not one of a member.
    """
    peer_id = id_of_key(key_of_certificate(der))
    _check_name(der, peer_id + NAME_SUFFIX)
    return peer_id


def tracker_id_of_certificate(der: bytes) -> PeerId:
    """Id of a tracker's key, after the name that only the tracker bears is checked.

    Without that a member could pose as the tracker. Raises `BadIdentity`.
    """
    peer_id = id_of_key(key_of_certificate(der))
    _check_name(der, TRACKER_NAME)
    return peer_id


def is_tracker_certificate(der: bytes) -> bool:
    """Whether the (already verified) certificate bears the tracker's name."""
    try:
        tracker_id_of_certificate(der)
    except BadIdentity:
        return False
    return True


def check_issued(leaf_der: bytes, ca_der: bytes) -> None:
    """Check that a CA signed a leaf, and that both are what they must be. Raises `BadIdentity`.

    For the one case in which OpenSSL has no trust store to check against: the first contact. Says
    nothing about the time of day.
    """
    leaf, ca = read_certificate(leaf_der), read_certificate(ca_der)
    key_of_certificate(leaf_der)
    key_of_certificate(ca_der)
    with _reading("the certificate"):
        if not _basic(ca).ca or not _usage(ca).key_cert_sign:
            raise BadIdentity("wrong_issuer", "the swarm's certificate may not sign others")
        if _basic(leaf).ca or not _usage(leaf).digital_signature:
            raise BadIdentity("wrong_issuer", "the certificate is not one of a member or tracker")
        extended = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH} <= set(extended):
            raise BadIdentity("wrong_issuer", "the certificate is not made for TLS")
        try:
            ca.verify_directly_issued_by(ca)
            leaf.verify_directly_issued_by(ca)
        except (InvalidSignature, ValueError, TypeError):
            raise BadIdentity("wrong_issuer", "the swarm's key did not sign it") from None


def _basic(certificate: x509.Certificate) -> x509.BasicConstraints:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value


def _usage(certificate: x509.Certificate) -> x509.KeyUsage:
    return certificate.extensions.get_extension_for_class(x509.KeyUsage).value


def _check_name(der: bytes, expected: str) -> None:
    certificate = read_certificate(der)
    with _reading("the certificate's name"):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        claimed = list(names)
    if claimed != [x509.DNSName(expected)]:
        raise BadIdentity("wrong_name", "the certificate bears a name that its key does not prove")


# --- proofs --------------------------------------------------------------------------------------


def invite_hash(code: str) -> bytes:
    """SHA-256 of an invite's 16 characters: what the tracker stores and what keys the proof."""
    return hashlib.sha256(code.encode("ascii")).digest()


def join_proof(hashed_invite: bytes, nonce: bytes, leaf_hash: bytes, csr: bytes) -> bytes:
    """Proof that an invite is known, bound to this connection's tracker, nonce and key."""
    return hmac.digest(hashed_invite, JOIN_CONTEXT + nonce + leaf_hash + csr, "sha256")
