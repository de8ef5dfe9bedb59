"""What an endpoint said when it did not simply answer: its words, out of any error shape met in the field.

Servers spell errors in dozens of ways: OpenAI's `{"error": {…}}`, a bare string there, FastAPI's `detail`,
vLLM's `{"object": "error", "message": …}`, a one-element array (Gemini), `base_resp` (MiniMax), an SSE event,
plain text, a page of HTML. `read` reduces all of them to one `Said`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.probe.answer import Answer, parsed
from app.probe.faults import choice_errors, is_error_value, speaks_of_error
from app.probe.hiding import without_key
from app.probe.waits import wait_of

__all__ = ["SHOWN_WORDS", "Said", "clean", "parsed", "quote", "read"]

SHOWN_WORDS = 300
"""How many characters of an endpoint's words a message or evidence repeats."""

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
_WRAPPERS = frozenset({"result", "header"})
"""Nested keys of which only an object counts: good answers of other APIs hold a plain text there."""
_READ = 2000
"""How many characters of a text or of its tags the rules read: patterns over megabytes would take minutes."""
_PAGE_READ = 200_000

_INSIDE = re.compile(
    r"""\[?\{.{0,200}?["'](?:message|msg|detail)["']\s?:\s?"""
    r"""(?P<mark>["'])(?P<words>.{1,500}?)(?<!\\)(?P=mark)\s?[,}].*""",
    re.S,
)
"""An error of somebody behind, repeated as JSON or as Python writes it, to the end of the text."""
_TAG = re.compile(
    r"</?(?:html|head|title|body|h[1-6]|center|hr|br|p|div|span|a|pre|script|style)\b[^<>]*>", re.I
)
_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{32,}\b", re.I)
_TWO_STOPS = re.compile(r"(?<!\.)\.\.(?!\.)")


@dataclass(frozen=True, slots=True)
class Said:
    """An endpoint's words. `text` is the sentence for people, `tags` every code and type in lower case."""

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
    offers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Lists of values that the body holds as data (`available_voices` …), by their names in lower case."""

    @property
    def all(self) -> str:
        """Text and tags in lower case, for the rules that go by words."""
        return f"{self.text} {self.tags}".lower()


def read(answer: Answer) -> Said:
    """Take the words out of an answer, whatever its shape."""
    body = _error_body(answer)
    page = _is_html(answer)
    text = _page_text(answer.text) if page else _text_of(body) if body is not None else answer.text
    text = " ".join(text.split())[:_READ]
    return Said(
        status=answer.status,
        text=text,
        tags=f"{_tags(body)} {_filter_of(answer.headers)}".strip(),
        param=_param(body),
        places=tuple(_places(body)),
        is_error=speaks_of_error(body),
        is_html=page,
        is_json=body is not None,
        retry_after_s=wait_of(answer.headers, _walk(body), text),
        offers=tuple(_offers(body)),
    )


def quote(said: Said, key: str = "") -> str:
    """The endpoint's own words for a message: shortened, without control characters and without the key.

    What only programs read goes: of an error inside the error its sentence stays, of a hash its beginning.
    """
    text = _INSIDE.sub(lambda inside: inside["words"], without_key(said.text, key))
    text = _HASH.sub(r"\1…", _TAG.sub(" ", text))
    return clean(_TWO_STOPS.sub(".", text), key)


def clean(text: str, key: str = "", limit: int = SHOWN_WORDS) -> str:
    """Any text of the outside made fit to be shown: one line, printable, short, the key taken out of it."""
    text = without_key(text, key)
    printable = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(printable.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


_ERROR_MARKS = ("rror", "base_resp", "success", "detail")
"""What stands in every event that speaks of an error: the others need no parsing."""


def _error_body(answer: Answer) -> Any:
    body = answer.json
    if body is None:
        for _, event in answer.events:
            piece = parsed(event) if any(mark in event for mark in _ERROR_MARKS) else None
            if isinstance(piece, Mapping) and speaks_of_error(piece):
                return _with_errors_of_choices(piece)
        return None
    if isinstance(body, list) and body and isinstance(body[0], Mapping) and "error" in body[0]:
        return body[0]
    return _with_errors_of_choices(body)


def _with_errors_of_choices(body: Any) -> Any:
    """The same with what its choices say of errors where errors are looked for."""
    found = [] if isinstance(body, Mapping) and is_error_value(body.get("error")) else [*choice_errors(body)]
    return {**body, "error": found[0]} if found else body


def _is_html(answer: Answer) -> bool:
    start = answer.text.lstrip()[:200].lower()
    return start.startswith(("<!doctype html", "<html", "<head", "<body", "<?xml", "<!--")) or (
        "text/html" in answer.headers.get("content-type", "").lower() and start.startswith("<")
    )


def _filter_of(headers: Mapping[str, str]) -> str:
    """The header with which a bot filter signs its pages, as a tag: the page may be in any language."""
    return next((name for name in _FILTER_HEADERS if headers.get(name)), "")


_FILTER_HEADERS = ("cf-mitigated", "x-datadome", "x-amzn-waf-action")
_MARKUP = re.compile(r"<(/?)([a-z!][a-z0-9]*)?[^<>]*>", re.I)
_UNSEEN = ("script", "style")


def _page_text(page: str) -> str:
    """What a page shows, its title first. One pass: a hostile page must not cost more than a long one."""
    shown: list[str] = []
    place, unseen = 0, ""
    page = page[:_PAGE_READ]
    for mark in _MARKUP.finditer(page):
        closes, name = bool(mark.group(1)), (mark.group(2) or "").lower()
        if not unseen:
            shown.append(page[place : mark.start()])
            unseen = name if name in _UNSEEN and not closes else ""
        elif closes and name == unseen:
            unseen = ""
        place = mark.end()
    if not unseen:
        shown.append(page[place:])
    return " ".join(_once(" ".join(html.unescape(piece).split()) for piece in shown))


def _once(pieces: Iterable[str]) -> Iterable[str]:
    """Each piece once: most error pages say the same as their title and as their heading."""
    found: dict[str, str] = {}
    for piece in pieces:
        found.setdefault(piece.rstrip(". "), piece)
    found.pop("", None)
    return found.values()


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
    forms = _by_form(body)
    for name in (*_MESSAGE_KEYS, *_NESTED_KEYS):
        words = _text_of(forms[name], depth + 1) if forms.get(name) is not None else ""
        if words and not any(words in earlier for earlier in found):
            found.append(words)
    return " ".join(([f"{place}:"] if place and found else []) + found)


def _walk(body: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if isinstance(body, Mapping):
        yield body
        if depth < 5:
            forms = _by_form(body)
            for name in _NESTED_KEYS:
                yield from _walk(forms.get(name), depth + 1)
    elif isinstance(body, list) and depth < 5:
        for item in body[:8]:
            yield from _walk(item, depth + 1)


def _tags(body: Any) -> str:
    tags = [
        str(forms[name])
        for forms in map(_by_form, _walk(body))
        for name in _CODE_KEYS
        if isinstance(forms.get(name), str | int) and not isinstance(forms.get(name), bool)
    ]
    return " ".join(dict.fromkeys(tag for tag in tags if len(tag) < 80)).lower()[:_READ]


def _param(body: Any) -> str | None:
    for part in _walk(body):
        if isinstance(part.get("param"), str) and part["param"]:
            return str(part["param"])
    return None


def _places(body: Any) -> Iterator[tuple[str, ...]]:
    for part in _walk(body):
        if isinstance(part.get("loc"), list):
            yield tuple(str(step) for step in part["loc"] if step not in ("body", "query"))


_OFFERS = re.compile(
    r"available|supported|allowed|valid|accepted|permitted|possible|options|voices|enum", re.I
)
_OFFERED_AT_MOST = 20


def _offers(body: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    for part in _walk(body):
        for name, listed in part.items():
            if isinstance(listed, list) and _OFFERS.search(name[:80]):
                values = tuple(filter(None, map(_value_of, listed[:_OFFERED_AT_MOST])))
                if values:
                    yield name[:80].lower(), values


def _value_of(row: Any) -> str:
    if isinstance(row, Mapping):
        row = next((row[name] for name in ("id", "voice_id", "value", "name") if row.get(name)), None)
    return row if isinstance(row, str) and len(row) < 80 else ""
