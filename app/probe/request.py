"""What of a call goes over the wire: its headers and its body."""

from __future__ import annotations

import json
from importlib import metadata

from app.probe.answer import Call
from app.probe.decoding import ACCEPTED
from app.probe.failure import Broken


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
    headers = {**_STANDING, **call.headers}
    content_type = call.content_type or ("application/json" if call.json is not None else None)
    if content_type:
        headers["Content-Type"] = content_type
    if not is_header_value(call.key):
        raise Broken("bad_header", "the API key holds characters that can't stand in an HTTP header")
    if call.key:
        headers["Authorization"] = f"Bearer {call.key}"
    for name, value in headers.items():
        if not is_header_value(value):
            raise Broken("bad_header", f"the value of {name} can't stand in an HTTP header")
    return headers


def body_of(call: Call) -> bytes | None:
    """The body to send. Raises ValueError or TypeError for what JSON has no form for (NaN)."""
    if call.json is None:
        return call.body
    return json.dumps(call.json, allow_nan=False).encode("ascii")


_STANDING = {"User-Agent": user_agent(), "Accept": "*/*", "Accept-Encoding": ACCEPTED}
