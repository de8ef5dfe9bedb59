"""A certificate that was not trusted, in words that say why."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

_NAMES_SHOWN = 3


def why_not(der: bytes, code: int, host: str) -> str:
    """Why OpenSSL's verification of a certificate ended with `code`, with its dates, names or issuer.

    Empty where the certificate does not tell more than the code. `der` comes from an untrusted server, which
    may send what no parser takes.
    """
    try:
        return _why_not(x509.load_der_x509_certificate(der), code, host)
    except (ValueError, x509.InvalidVersion, x509.UnsupportedGeneralNameType, x509.DuplicateExtension):
        return ""


def _why_not(certificate: x509.Certificate, code: int, host: str) -> str:
    now = datetime.now(UTC)
    ends, begins = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    issuer = _printable(_issuer(certificate))
    if code == 10 and ends < now:
        return f"the certificate for {host} expired on {ends:%Y-%m-%d}"
    if code == 10:
        return f"a certificate above the one for {host}, issued by {issuer}, has expired"
    if code == 9 and begins > now:
        return f"the certificate for {host} is not valid before {begins:%Y-%m-%d}"
    if code in (62, 64):
        return f"the certificate is not for {host}: it is for {_printable(_names(certificate))}"
    if code in (19, 20, 21):
        return (
            f"the certificate for {host} was issued by {issuer}, which is not trusted here"
            + (", or the server leaves out a certificate in between" if code != 19 else "")
        )  # fmt: skip
    return ""


def _issuer(certificate: x509.Certificate) -> str:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in certificate.issuer.get_attributes_for_oid(oid):
            return f'"{attribute.value!s}"'
    return "somebody without a name"


def _names(certificate: x509.Certificate) -> str:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "no host at all (it names none)"
    names = [str(name.value) for name in extension if isinstance(name, x509.DNSName | x509.IPAddress)]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more or "no host at all (it names none)"


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:200]
