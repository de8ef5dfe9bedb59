"""Certificates of the simulated endpoints: one authority of this test run, and broken ones of every kind."""

from __future__ import annotations

import ssl
import tempfile
from datetime import datetime
from functools import cache
from pathlib import Path

import trustme


@cache
def authority() -> trustme.CA:
    """The authority that `bundle()` makes Muster trust."""
    return trustme.CA()


@cache
def stranger() -> trustme.CA:
    """An authority that nobody trusts."""
    return trustme.CA()


@cache
def bundle() -> str:
    """A PEM file with the trusted authority."""
    path = Path(tempfile.mkdtemp(prefix="muster-ca-")) / "ca.pem"
    authority().cert_pem.write_to_path(path)
    return str(path)


def served(*names: str, ca: trustme.CA | None = None, not_after: datetime | None = None) -> ssl.SSLContext:
    """A server's side of TLS with a certificate for these names (loopback's where none is given)."""
    names = names or ("127.0.0.1", "::1", "localhost")
    issued = (ca or authority()).issue_cert(*names, not_after=not_after)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    return context
