"""Where the message, the code and the parameter stand in an error body of any shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

# The names that keys of errors have, in the form that `_form` gives them: "errorMessage" is "error_message".
_MESSAGE_KEYS = (
    "message",
    "msg",
    "detail",
    "details",
    "errordescription",
    "errormessage",
    "errormsg",
    "errmsg",
    "statusmsg",
    "faultstring",
    "reason",
    "title",
    "error",
    "raw",
    "description",
    "body",
)
_CODE_KEYS = (
    "code",
    "errorcode",
    "errcode",
    "statuscode",
    "status",
    "type",
    "errortype",
    "quotaid",
    "reason",
    "error",
)
_NESTED_KEYS = (
    "error",
    "errors",
    "detail",
    "details",
    "message",
    "baseresp",
    "fault",
    "metadata",
    "data",
    "response",
    "innererror",
    "upstreamerror",
    "violations",
    "result",
    "header",
)
_TOLD_KEYS = tuple(dict.fromkeys((*_MESSAGE_KEYS, *_NESTED_KEYS)))
"""Each once: what is read twice on every level is read a thousand times ten levels down."""
_WRAPPERS = frozenset({"result", "header"})
"""Nested keys of which only an object counts: good answers of other APIs hold a plain text there."""
READ = 2000
"""How many characters of a text or of its tags the rules read: patterns over megabytes would take minutes."""


def _form(name: str) -> str:
    """A key without its style: `error_msg`, `errorMsg` and `ErrorMsg` are one."""
    return name.replace("_", "").replace("-", "").lower()


def _by_form(body: Mapping[str, Any]) -> dict[str, Any]:
    """What stands under each form of a key; of two spellings the first that holds anything."""
    found: dict[str, Any] = {}
    for name, value in islice(body.items(), _KEYS_READ):
        form = _form(name) if isinstance(name, str) and len(name) < _LONGEST_KEY else ""
        if form and found.get(form) is None and not (form in _WRAPPERS and not isinstance(value, Mapping)):
            found[form] = value
    return found


_LONGEST_KEY, _KEYS_READ = 40, 500


def text_of(body: Any, depth: int = 0) -> str:
    """The most telling sentence of an error body: messages first, nested ones joined."""
    if isinstance(body, str):
        return _unwrapped(body, depth)
    if isinstance(body, list):
        return "; ".join(filter(None, (text_of(item, depth + 1) for item in body[:8]))) if depth < 5 else ""
    if not isinstance(body, Mapping) or depth > 5:
        return ""
    found: list[str] = []
    place = ".".join(str(p) for p in body["loc"] if p != "body") if isinstance(body.get("loc"), list) else ""
    forms = _by_form(body)
    for name in _TOLD_KEYS:
        words = text_of(forms[name], depth + 1) if forms.get(name) is not None else ""
        if words and not any(words in earlier for earlier in found):
            found.append(words)
    return " ".join(([f"{place}:"] if place and found else []) + found)


_INNER_READ = 30
"""Parts of an error, the outermost first, that are looked at."""


def told_inside(body: Any) -> Any:
    """The first object of an error that says anything, under names that nobody foresaw (`status` …); None
    where there is none.
    """
    parts: list[Any] = [body]
    for part in islice(parts, _INNER_READ):
        if isinstance(part, Mapping) and text_of(part):
            return part
        inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
        parts += islice(inner, _INNER_READ)
    return None


def _unwrapped(text: str, depth: int) -> str:
    """A sentence, of JSON inside it only what that says: gateways repeat the body of who is behind them."""
    inside = json_inside(text) if depth < 5 else None
    words = text_of(inside[1], depth + 1) if inside else ""
    return f"{text[: inside[0]]}{words}{text[inside[2] :]}" if inside and words else text


def json_inside(text: str) -> tuple[int, Any, int] | None:
    """The first JSON object in a text, where it begins and where it ends; None where there is none.

    Only the first brace is tried, and no text longer than an error has: the cost stays linear.
    """
    begins = text[:READ].find('{"')
    begins = begins if begins >= 0 else text[:READ].find("{\n")
    if begins < 0 or len(text) > _LONGEST_WRAPPED:
        return None
    try:
        body, ends = _DECODER.raw_decode(text, begins)
    except (ValueError, RecursionError):
        return None
    return (begins, body, ends) if isinstance(body, dict) and body else None


_DECODER = json.JSONDecoder()
_LONGEST_WRAPPED = 20_000


def explanations(body: Any) -> Iterator[str]:
    """What the checks of a guardrail say of the prompt, wherever in a body: breadth first, bounded."""
    parts: list[Any] = [body]
    for part in islice(parts, _PARTS_READ):
        if isinstance(part, Mapping):
            told = part.get("explanation")
            if isinstance(told, str) and told:
                yield told
            parts += islice(part.values(), _PARTS_READ)
        elif isinstance(part, list):
            parts += part[:8]


_PARTS_READ = 200


def walk(body: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if isinstance(body, Mapping):
        yield body
        if depth < 5:
            forms = _by_form(body)
            for name in (*_NESTED_KEYS, "raw"):
                yield from walk(forms.get(name), depth + 1)
    elif isinstance(body, str) and depth < 5:
        inside = json_inside(body)
        yield from walk(inside[1], depth + 1) if inside else ()
    elif isinstance(body, list) and depth < 5:
        for item in body[:8]:
            yield from walk(item, depth + 1)


def tags_of(body: Any) -> str:
    tags = [
        str(forms[name])
        for forms in map(_by_form, walk(body))
        for name in _CODE_KEYS
        if isinstance(forms.get(name), str | int) and not isinstance(forms.get(name), bool)
    ]
    return " ".join(dict.fromkeys(tag for tag in tags if len(tag) < 80)).lower()[:READ]


def param(body: Any) -> str | None:
    for part in walk(body):
        if isinstance(part.get("param"), str) and part["param"]:
            return str(part["param"])
    return None


def places(body: Any) -> Iterator[tuple[str, ...]]:
    for part in walk(body):
        if isinstance(part.get("loc"), list):
            yield tuple(str(step) for step in part["loc"] if step not in ("body", "query"))


_OFFERS = re.compile(
    r"available|supported|allowed|valid|accepted|permitted|possible|options|voices|enum", re.I
)
_OFFERED_AT_MOST = 20


def offers(body: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    for part in walk(body):
        for name, listed in part.items():
            if isinstance(listed, list) and _OFFERS.search(name[:80]):
                values = tuple(filter(None, map(_value_of, listed[:_OFFERED_AT_MOST])))
                if values:
                    yield name[:80].lower(), values


def _value_of(row: Any) -> str:
    if isinstance(row, Mapping):
        row = next((row[name] for name in ("id", "voice_id", "value", "name") if row.get(name)), None)
    return row if isinstance(row, str) and len(row) < 80 else ""
