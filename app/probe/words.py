"""What an endpoint said when it did not simply answer: its words, taken out of any error shape met in the
field.

Servers spell errors in dozens of ways: OpenAI's `{"error": {…}}`, a bare string there, FastAPI's `detail`,
vLLM's `{"object": "error", "message": …}`, a one-element array (Gemini), `base_resp` (MiniMax), an SSE event,
plain text, a page of HTML. `read` reduces all of them to one `Said`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.probe.client import Answer

SHOWN_WORDS = 300
"""How many characters of an endpoint's words a message or evidence repeats."""

_MESSAGE_KEYS = (
    "message",
    "msg",
    "detail",
    "details",
    "error_description",
    "error_message",
    "errorMessage",
    "status_msg",
    "faultstring",
    "reason",
    "title",
    "Message",
    "error",
    "raw",
    "description",
    "body",
)
_CODE_KEYS = ("code", "error_code", "errorCode", "status_code", "status", "type", "error_type", "__type")
_NESTED_KEYS = (
    "error",
    "errors",
    "detail",
    "details",
    "message",
    "base_resp",
    "fault",
    "metadata",
    "data",
    "response",
    "innererror",
    "upstream_error",
    "Error",
)
_RETRY_WORDS = re.compile(
    r"(?:try again|retry|wait|available|reset)[^.]{0,40}?\b(?:in|after|for)\s+(?:(\d+)\s*m(?:in\w*)?\s*)?(\d+(?:\.\d+)?)\s*(ms|s\b|sec|m\b|min|h)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Said:
    """An endpoint's words. `text` is the sentence for people, `tags` every code and type as one lower-
    case line.
    """

    status: int | None
    text: str
    tags: str
    param: str | None
    places: tuple[tuple[str, ...], ...]
    """Where a validator pointed (FastAPI's `loc`), without the leading `body`."""
    is_error: bool
    """The body itself speaks of an error, whatever the status says."""
    is_html: bool
    is_json: bool
    retry_after_s: float | None

    @property
    def all(self) -> str:
        """Text and tags in lower case, for the rules that go by words."""
        return f"{self.text} {self.tags}".lower()


def read(answer: Answer) -> Said:
    """Take the words out of an answer, whatever its shape."""
    body = _error_body(answer)
    page = _is_html(answer)
    text = _page_text(answer.text) if page else _text_of(body) if body is not None else answer.text.strip()
    return Said(
        status=answer.status,
        text=" ".join(text.split())[:2000],
        tags=_tags(body),
        param=_param(body),
        places=tuple(_places(body)),
        is_error=_speaks_of_error(body),
        is_html=page,
        is_json=body is not None,
        retry_after_s=_retry_after(answer.headers, body, text),
    )


def parsed(text: str) -> Any | None:
    """`text` as JSON, or None where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def quote(said: Said, key: str = "") -> str:
    """The endpoint's own words for a message: shortened, without control characters and without the key."""
    return clean(said.text, key)


def clean(text: str, key: str = "", limit: int = SHOWN_WORDS) -> str:
    """Any text of the outside made fit to be shown: one line, printable, short, the key taken out of it."""
    text = without_key(text, key)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def without_key(text: str, key: str) -> str:
    """`text` with every spelling of the key replaced, also where only a long part of it is repeated."""
    if not key:
        return text
    for part in _spellings(key):
        text = text.replace(part, "[key]")
    return text


def _spellings(key: str) -> Iterator[str]:
    yield key
    if len(key) >= 16:
        # Gateways echo keys cut at either end ("sk-abc…wxyz"): a long piece is as good as the whole.
        for size in (len(key) - 1, len(key) * 3 // 4, len(key) // 2, 12):
            yield key[:size]
            yield key[-size:]
    stripped = key.removeprefix("Bearer ")
    if stripped != key:
        yield stripped


def _error_body(answer: Answer) -> Any:
    body = answer.json
    if body is None:
        for _, event in answer.events:
            piece = parsed(event)
            if isinstance(piece, Mapping) and _speaks_of_error(piece):
                return piece
        return None
    if isinstance(body, list) and body and isinstance(body[0], Mapping) and "error" in body[0]:
        return body[0]
    return body


def _is_html(answer: Answer) -> bool:
    start = answer.text.lstrip()[:200].lower()
    return start.startswith(("<!doctype html", "<html", "<head", "<body", "<?xml", "<!--")) or (
        "text/html" in answer.headers.get("content-type", "").lower() and start.startswith("<")
    )


def _page_text(page: str) -> str:
    title = re.search(r"<title[^>]*>(.*?)</title>", page, re.S | re.I)
    rest = re.sub(r"<(script|style|head)\b.*?</\1>", " ", page, flags=re.S | re.I)
    rest = re.sub(r"<[^>]+>", " ", rest)
    return html.unescape(f"{title.group(1) if title else ''} {rest}")[:1500]


def _text_of(body: Any, depth: int = 0) -> str:
    """The most telling sentence of an error body: messages first, nested ones joined."""
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, (_text_of(item, depth + 1) for item in body[:8]))) if depth < 5 else ""
    if not isinstance(body, Mapping) or depth > 5:
        return ""
    found: list[str] = []
    place = ".".join(str(p) for p in body["loc"] if p != "body") if isinstance(body.get("loc"), list) else ""
    for name in (*_MESSAGE_KEYS, *_NESTED_KEYS):
        words = _text_of(body[name], depth + 1) if name in body and body[name] is not None else ""
        if words and not any(words in earlier for earlier in found):
            found.append(words)
    return " ".join(([f"{place}:"] if place and found else []) + found)


def _walk(body: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if isinstance(body, Mapping):
        yield body
        if depth < 5:
            for name in _NESTED_KEYS:
                yield from _walk(body.get(name), depth + 1)
    elif isinstance(body, list) and depth < 5:
        for item in body[:8]:
            yield from _walk(item, depth + 1)


def _tags(body: Any) -> str:
    tags = [
        str(part[name])
        for part in _walk(body)
        for name in (*_CODE_KEYS, "reason", "error")
        if isinstance(part.get(name), str | int) and not isinstance(part.get(name), bool)
    ]
    return " ".join(dict.fromkeys(tag for tag in tags if len(tag) < 80)).lower()


def _param(body: Any) -> str | None:
    for part in _walk(body):
        if isinstance(part.get("param"), str) and part["param"]:
            return str(part["param"])
    return None


def _places(body: Any) -> Iterator[tuple[str, ...]]:
    for part in _walk(body):
        if isinstance(part.get("loc"), list):
            yield tuple(str(step) for step in part["loc"] if step not in ("body", "query"))


def _speaks_of_error(body: Any) -> bool:
    if isinstance(body, list):
        return bool(body) and isinstance(body[0], Mapping) and "error" in body[0]
    if not isinstance(body, Mapping):
        return False
    if (
        body.get("error")
        or body.get("errors")
        or body.get("object") == "error"
        or body.get("type") == "error"
    ):
        return True
    base = body.get("base_resp")
    if isinstance(base, Mapping) and base.get("status_code") not in (0, None):
        return True
    return body.get("success") is False or ("detail" in body and "choices" not in body)


def _retry_after(headers: Mapping[str, str], body: Any, text: str) -> float | None:
    for name in ("retry-after-ms", "retry-after", "x-ratelimit-reset-after"):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value) / (1000 if name.endswith("-ms") else 1)
    for part in _walk(body):
        for name in ("estimated_time", "retry_after", "retryDelay", "retry_after_seconds"):
            seconds = re.fullmatch(r"(\d+(?:\.\d+)?)s?", str(part.get(name, "")))
            if seconds:
                return float(seconds.group(1))
    return _retry_in_words(text)


def _retry_in_words(text: str) -> float | None:
    found = _RETRY_WORDS.search(text)
    if not found:
        return None
    minutes, number, unit = found.groups()
    scale = {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}[unit.lower()]
    return float(minutes or 0) * 60 + float(number) * scale
