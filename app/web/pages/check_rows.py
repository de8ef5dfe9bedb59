"""The checks of a probe as rows of a table, each with a command that repeats it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from app.registry.exchange.curl import form_text, joined, plainly_to, with_json
from app.web.pages import display


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check or capability: what a person said, what the probe saw, and the call that showed it.

    `seen` is a state of `states.BADGES`; `check` is the report's, None if it had no call of its own.
    """

    label: str
    declared: bool | None
    seen: str
    evidence: str
    check: Mapping[str, Any] | None
    curl: str | None


def check_rows(
    base_url: str,
    report: Mapping[str, Any] | None,
    capabilities: Mapping[str, Mapping[str, Any]],
    *,
    keyed: bool,
) -> list[CheckRow]:
    """Every check of a report in its order, then the capabilities that had none of their own."""
    checks: Sequence[Mapping[str, Any]] = report["checks"] if report else ()
    asked = {check["name"] for check in checks}
    calls = {check["name"]: curl_of_check(base_url, check, keyed=keyed) for check in checks}
    rows = [
        _check_row(check["name"], check, capabilities.get(check["name"]), calls[check["name"]])
        for check in checks
    ]
    told = [name for name, capability in capabilities.items() if name not in asked and _tells(capability)]
    return rows + [_check_row(name, None, capabilities[name], None) for name in told]


def _check_row(
    name: str, check: Mapping[str, Any] | None, capability: Mapping[str, Any] | None, curl: str | None
) -> CheckRow:
    evidence = (check or capability or {}).get("evidence") or ""
    declared = capability["declared"] if capability else None
    return CheckRow(display.label_of(name), declared, _seen(check, capability), evidence, check, curl)


def _tells(capability: Mapping[str, Any]) -> bool:
    return capability["observed"] is not None or capability["declared"] is not None


def _seen(check: Mapping[str, Any] | None, capability: Mapping[str, Any] | None) -> str:
    if capability is None or capability["observed"] is None:
        return str(check["status"]) if check else "inconclusive"
    if capability["observed"]:
        return "yes"
    return "contradicted" if capability["declared"] else "no"


_FILES = ("file", "image")
"""Members of a recorded form that are files: their name after an `@`."""


def _parts(method: str, url: str, body: Any, *, keyed: bool) -> list[str]:
    """One call as parts of a shell command; the key is taken from a variable, never written out."""
    if _is_form(body):
        return [*plainly_to(url, keyed=keyed), *(_form_part(name, value) for name, value in body.items())]
    if body is not None:
        return [*plainly_to(url, keyed=keyed), *with_json(body)]
    return plainly_to(url, *(["-X POST"] if method == "POST" else []), keyed=keyed)


def _is_form(body: Any) -> bool:
    return isinstance(body, Mapping) and any(str(body.get(name, "")).startswith("@") for name in _FILES)


def _form_part(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"-F {shlex.quote(f'{name}={text}')}" if name in _FILES else form_text(name, text)


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
    return joined([*made, *(_UPGRADE if method == "GET" and route.endswith("/realtime") else ())])


_UPGRADE = (
    "-i -N --http1.1",
    "-H 'Connection: Upgrade'",
    "-H 'Upgrade: websocket'",
    "-H 'Sec-WebSocket-Version: 13'",
    "-H 'Sec-WebSocket-Key: bXVzdGVyLWJ5LWhhbmQhIQ=='",
)
"""What makes a GET ask for a WebSocket; curl then shows the first messages as they come."""
