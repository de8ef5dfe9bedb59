"""A check of a report as a call that a reader can repeat by hand."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

KEY = "$API_KEY"


def _curl(method: str, url: str, body: Any, *, keyed: bool) -> str:
    """One call as a shell command; the key is taken from the variable API_KEY, never written out."""
    parts = [f"curl {shlex.quote(url)}"]
    if keyed:
        parts.append(f'-H "Authorization: Bearer {KEY}"')
    if _is_form(body):
        parts += [_form_part(name, value) for name, value in body.items()]
    elif body is not None:
        parts.append("-H 'Content-Type: application/json'")
        parts.append("-d " + shlex.quote(json.dumps(body, indent=2, ensure_ascii=False)))
    elif method == "POST":
        parts[0] = f"curl -X POST {shlex.quote(url)}"
    return " \\\n  ".join(parts)


def _is_form(body: Any) -> bool:
    """Whether a recorded request was a form: a file in it is its name after an `@`."""
    return isinstance(body, Mapping) and any(
        str(body.get(name, "")).startswith("@") for name in ("file", "image")
    )


def _form_part(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{'-F' if text.startswith('@') else '--form-string'} {shlex.quote(f'{name}={text}')}"


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
    command = _curl(
        method,
        urlunsplit((parts.scheme, parts.netloc, route, query, "")),
        check.get("request"),
        keyed=keyed,
    )
    return command + _UPGRADE if method == "GET" and route.endswith("/realtime") else command


_UPGRADE = "".join(
    f" \\\n  {part}"
    for part in (
        "-i -N --http1.1",
        "-H 'Connection: Upgrade'",
        "-H 'Upgrade: websocket'",
        "-H 'Sec-WebSocket-Version: 13'",
        "-H 'Sec-WebSocket-Key: bXVzdGVyLWJ5LWhhbmQhIQ=='",
    )
)
"""What makes a GET ask for a WebSocket; curl then shows the first messages as they come."""
