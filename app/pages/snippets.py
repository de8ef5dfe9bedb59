"""A check of a report as a call that a reader can repeat by hand."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from app.exchange import curl

_FILES = ("file", "image")
"""Members of a recorded form that are files: their name after an `@`."""


def _parts(method: str, url: str, body: Any, *, keyed: bool) -> list[str]:
    """One call as parts of a shell command; the key is taken from a variable, never written out."""
    if _is_form(body):
        return [*curl.to(url, keyed=keyed), *(_form_part(name, value) for name, value in body.items())]
    if body is not None:
        return [*curl.to(url, keyed=keyed), *curl.with_json(body)]
    return curl.to(url, *(["-X POST"] if method == "POST" else []), keyed=keyed)


def _is_form(body: Any) -> bool:
    return isinstance(body, Mapping) and any(str(body.get(name, "")).startswith("@") for name in _FILES)


def _form_part(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"-F {shlex.quote(f'{name}={text}')}" if name in _FILES else curl.form_text(name, text)


def curl_of_check(base_url: str, check: Mapping[str, Any], *, keyed: bool) -> str | None:
    """The call of a check of a report, or None for one that made none. A file in it is the reader's own.

    The path of a check begins at the server's root; the base's query string goes with every call.
    """
    method, path = check.get("method"), str(check.get("path") or "")
    if not path or method not in ("GET", "POST"):
        return None
    parts = urlsplit(base_url.strip())
    route, _, query = path.partition("?")
    query = "&".join(filter(None, (parts.query, query)))
    url = urlunsplit((parts.scheme, parts.netloc, route, query, ""))
    made = _parts(method, url, check.get("request"), keyed=keyed)
    return curl.joined([*made, *(_UPGRADE if method == "GET" and route.endswith("/realtime") else ())])


_UPGRADE = (
    "-i -N --http1.1",
    "-H 'Connection: Upgrade'",
    "-H 'Upgrade: websocket'",
    "-H 'Sec-WebSocket-Version: 13'",
    "-H 'Sec-WebSocket-Key: bXVzdGVyLWJ5LWhhbmQhIQ=='",
)
"""What makes a GET ask for a WebSocket; curl then shows the first messages as they come."""
