"""TLS: whom to trust, and what went wrong in words."""

from __future__ import annotations

import errno
import hashlib
import os
import ssl
import tempfile
import threading
from datetime import UTC, datetime

import certifi
from cryptography import x509
from cryptography.x509.oid import NameOID

from app.probe.transport.failure import TransportError
from app.probe.values import Validity

_contexts: dict[tuple[str | None, int, str], ssl.SSLContext] = {}
_KEPT = 64
_lock = threading.Lock()

_NO_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "HTTPS_PROXY_REQUEST",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
    "UNEXPECTED_MESSAGE",
    "RECORD_TOO_SMALL",
    "BAD_RECORD_TYPE",
)
_OLD = (
    "PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "VERSION_TOO_LOW",
    "INAPPROPRIATE_FALLBACK",
    "LEGACY_SIGALG",
)
_CLIENT = ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA", "PEER_DID_NOT_RETURN")
_UNKNOWN_ISSUER = "the certificate for {} was issued by somebody who is not trusted here"
_RESET = (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ENOTCONN)
_VERIFY = {
    9: "the certificate for {} is not valid yet",
    10: "the certificate for {} has expired",
    18: "the certificate for {} is self-signed",
    19: "the certificate for {} comes from a chain that ends in a self-signed certificate nobody here trusts",
    20: _UNKNOWN_ISSUER,
    21: _UNKNOWN_ISSUER,
    23: "the certificate for {} was revoked",
    62: "the certificate is for another host than {}",
    64: "the certificate is for another address than {}",
}


class NotTrusted(TransportError):
    """A certificate that does not hold; `code` is OpenSSL's reason."""

    def __init__(self, error: ssl.SSLCertVerificationError, host: str) -> None:
        unlisted = f"the certificate for {{}} is not trusted: {error.verify_message}"
        words = _VERIFY.get(error.verify_code, unlisted)
        super().__init__("tls", words.format(host))
        self.code = error.verify_code


def context(ca_bundle: str | None = None, ca_pem: str = "", client_certificate: str = "") -> ssl.SSLContext:
    """The context for every connection: it trusts the system, certifi, the PEM file `ca_bundle` and `ca_pem`.

    `client_certificate` (PEM, with its private key) is shown to who asks for one. Made once per content,
    since reading the certificates takes some 20 ms. Raises OSError or ssl.SSLError where one can't be read.
    """
    stamp = os.stat(ca_bundle).st_mtime_ns if ca_bundle else 0
    own = hashlib.sha256(f"{ca_pem}\0{client_certificate}".encode()).hexdigest()
    with _lock:
        made = _contexts.pop((ca_bundle, stamp, own), None)
        if made is None:
            made = _new_context(ca_bundle, ca_pem, client_certificate)
        _contexts[ca_bundle, stamp, own] = made
        while len(_contexts) > _KEPT:
            del _contexts[next(iter(_contexts))]
        return made


def blind_context() -> ssl.SSLContext:
    """A context that believes anybody: only to look at a certificate, never to send a byte over."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def _new_context(ca_bundle: str | None, ca_pem: str, client_certificate: str) -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.load_verify_locations(certifi.where())
    if ca_bundle:
        made.load_verify_locations(ca_bundle)
    if ca_pem:
        made.load_verify_locations(cadata=ca_pem)
    if ca_bundle or ca_pem:
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # among them may be a server's own certificate
    if client_certificate:
        _load_client_certificate(made, client_certificate)
    made.set_alpn_protocols(["http/1.1"])
    return made


def _load_client_certificate(made: ssl.SSLContext, pem: str) -> None:
    # OpenSSL takes it from a file only. This one can be read by nobody else, and is gone at once.
    with tempfile.NamedTemporaryFile("w", encoding="ascii", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        # An encrypted key would have OpenSSL ask the terminal for its password.
        made.load_cert_chain(file.name, password=lambda: "")


def read_error(error: Exception, host: str, port: int, *, handshake: bool = False) -> TransportError:
    """What an error of a connected socket means, as the exception that ends the call."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotTrusted(error, host)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) or _is_reset(error):
        when = "while TLS was being set up" if handshake else "before it had answered"
        return TransportError("reset", f"{host} port {port} broke the connection off {when}")
    if isinstance(error, ssl.SSLError):
        return TransportError("tls", _alert(error.reason or "", host, port))
    if isinstance(error, OSError):
        return TransportError(
            "unreachable", f"the connection to {host} port {port} broke: {os.strerror(error.errno or 0)}"
        )
    return TransportError("tls", f"{host} can't stand in a TLS handshake")


def _is_reset(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in _RESET


def _alert(reason: str, host: str, port: int) -> str:
    if any(word in reason for word in _CLIENT):
        return f"{host} port {port} asks for a client certificate, and got none that it takes"
    if any(word in reason for word in _OLD):
        return f"{host} port {port} speaks only a TLS version too old to be safe (below 1.2)"
    if any(word in reason for word in _NO_TLS):
        return plain_http(host, port)
    if "NO_APPLICATION_PROTOCOL" in reason:
        return f"{host} port {port} does not speak HTTP/1.1 over TLS"
    if "UNRECOGNIZED_NAME" in reason:
        return f"the server at port {port} has no certificate for {host}"
    why = reason.lower().replace("_", " ") or "no reason given"
    return f"the TLS handshake with {host} port {port} failed ({why})"


def plain_http(host: str, port: int) -> str:
    """What a port is that answers TLS with something else."""
    return f"{host} port {port} does not speak TLS: it answers plain HTTP, or another protocol"


_NAMES_SHOWN = 3


def validity_of(der: bytes) -> Validity | None:
    """From when until when a certificate holds; None where there is none that can be read."""
    try:
        certificate = x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        return None
    return Validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


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
