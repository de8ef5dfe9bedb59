"""Certificates as PEM: whether they can be used, and what of them may be shown."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.probe.values import Validity

LONGEST = 64 * 1024
"""Characters of a PEM text that are read."""


def wrong_with_ca(pem: str) -> str:
    """Why a text can't be trusted as a CA, as the end of a sentence; "" where it can."""
    try:
        return "" if x509.load_pem_x509_certificates(pem.encode()) else "holds no certificate"
    except (ValueError, UnsupportedAlgorithm):
        return "holds no certificate in PEM form that can be read"


def wrong_with_client_certificate(pem: str) -> str:
    """Why a text can't be used as a client certificate with its key; "" where it can."""
    why = wrong_with_ca(pem)
    if why:
        return why
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except TypeError:
        return "holds a private key with a password; send it without one"
    except (ValueError, UnsupportedAlgorithm):
        return "holds no private key in PEM form that can be read"
    certificate = x509.load_pem_x509_certificate(pem.encode())
    parts = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    same = key.public_key().public_bytes(*parts) == certificate.public_key().public_bytes(*parts)
    return "" if same else "holds a private key that belongs to another certificate than its first one"


def life_of_ca(pem: str) -> Validity:
    """How long at least one of these certificates holds: until then somebody is trusted by them."""
    last = max(x509.load_pem_x509_certificates(pem.encode()), key=lambda one: one.not_valid_after_utc)
    return Validity(last.not_valid_before_utc, last.not_valid_after_utc)


def summary(pem: str) -> dict[str, str]:
    """Subject, SHA-256 and end (RFC 3339, UTC) of the first certificate of a PEM text."""
    first = x509.load_pem_x509_certificates(pem.encode())[0]
    return {
        "subject": first.subject.rfc4514_string(),
        "sha256": first.fingerprint(hashes.SHA256()).hex(),
        "not_after": first.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
    }
