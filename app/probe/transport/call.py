"""What of a call goes over the wire: to which origin, with which headers and body."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from app.probe.transport.failure import TransportError
from app.probe.values import EndpointSettings


@dataclass(frozen=True, slots=True)
class Call:
    """One request, before it is sent. The key is in clear, so the repr hides it."""

    method: str
    url: str
    json: Any = None
    """The body as a JSON value; None sends no body."""
    body: bytes | None = field(default=None, repr=False)
    """A body made by the caller, sent as `content_type`, in place of `json`."""
    content_type: str | None = None
    key: str = field(default="", repr=False)
    """Sent in the header that the settings name; empty sends no such header."""
    settings: EndpointSettings = EndpointSettings()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float | None = None
    """A bound for the whole call, besides the limits and the deadline of the client."""
    stop: Callable[[bytes], bool] | None = field(default=None, repr=False)
    """Given the end of the decoded body so far (the newest piece, 8 KiB before it); True ends the reading."""


def is_header_value(value: str) -> bool:
    """Whether a text can stand in an HTTP header everywhere: printable ASCII, no space at either end.

    RFC 9110, section 5.5. Latin-1 is left out: clients and servers disagree about it.
    """
    return value.isascii() and value.isprintable() and value == value.strip()


def user_agent() -> str:
    """`Muster/<version>`, the only name that Muster goes by."""
    try:
        return f"Muster/{metadata.version('muster')}"
    except metadata.PackageNotFoundError:
        return "Muster/0"


def headers_of(call: Call) -> dict[str, str]:
    """The headers to send, but for those that HTTP itself needs; raises Broken("bad_header")."""
    settings = call.settings
    headers = {**_STANDING, **dict(settings.headers), **call.headers}
    content_type = call.content_type or ("application/json" if call.json is not None else None)
    if content_type:
        headers["Content-Type"] = content_type
    if not is_header_value(call.key):
        raise TransportError("bad_header", "the API key holds characters that can't stand in an HTTP header")
    if call.key:
        headers[settings.auth_header] = f"{settings.auth_scheme} {call.key}".strip()
    for name, value in headers.items():
        if not is_header_value(value):
            raise TransportError("bad_header", f"the value of {name} can't stand in an HTTP header")
    return headers


def body_of(call: Call) -> bytes | None:
    """The body to send. Raises ValueError or TypeError for what JSON has no form for (NaN)."""
    if call.json is None:
        return call.body
    return json.dumps(call.json, allow_nan=False).encode("ascii")


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port that a prepared URL is sent to; raises Broken."""
    try:
        parsed = parse_url(url)
    except LocationParseError:
        raise bad_url() from None
    scheme = parsed.scheme or ""
    host = (parsed.host or "").strip("[]").partition("%")[0]  # the zone of an IPv6 address stays at home
    return scheme, host, parsed.port or (443 if scheme == "https" else 80)


def bad_url() -> TransportError:
    """What a URL is that no call can be made to."""
    return TransportError("no_host", "the URL can't be read: it needs http:// or https:// and a valid host")


_STANDING = {"User-Agent": user_agent(), "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
