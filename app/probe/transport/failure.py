"""What can go wrong below HTTP, as a value and as the one exception of the transport."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """The outside went wrong below HTTP, or went outside the limits.

    `kind` is one of egress_denied, no_host, refused, unreachable, reset, tls, timeout, too_large,
    undecodable, protocol, bad_header, cancelled. `detail` is a plain sentence fragment for people
    ("the certificate for 10.0.0.5 expired on 2026-01-01"); it never holds a key.
    """

    kind: str
    detail: str


class TransportError(Exception):
    """A call ends here because of `failure`.

    It is no OSError on purpose: the HTTP libraries in between wrap and retry those, and let this one through.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(kind, detail)
