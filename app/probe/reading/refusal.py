"""What an endpoint said when it did not simply answer: its words, out of any error shape met in the field.

Servers spell errors in dozens of ways: OpenAI's `{"error": {…}}`, a bare string there, FastAPI's `detail`,
vLLM's `{"object": "error", "message": …}`, a one-element array (Gemini), `base_resp` (MiniMax), an SSE event,
plain text, a page of HTML. `read_refusal` reduces all of them to one `Refusal`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.probe.reading.error_body import (
    READ,
    explanations,
    offers,
    param,
    places,
    tags_of,
    text_of,
    told_inside,
    walk,
)
from app.probe.reading.faults import choice_errors, is_error_value, speaks_of_error
from app.probe.reading.redaction import without_key
from app.probe.reading.retry_after import wait_of
from app.probe.reading.web_page import filter_of, is_html, page_text
from app.probe.transport.answer import Answer, parsed

SHOWN_WORDS = 300
"""How many characters of an endpoint's words a message or evidence repeats."""

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
class Refusal:
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


def read_refusal(answer: Answer) -> Refusal:
    """Take the words out of an answer, whatever its shape."""
    body = _error_body(answer)
    page = is_html(answer)
    text = page_text(answer.text) if page else _sentence(body) if body is not None else answer.text
    text = " ".join(text.split())[:READ]
    return Refusal(
        status=answer.status,
        text=text,
        tags=f"{tags_of(body)} {filter_of(answer)}".strip(),
        param=param(body),
        places=tuple(places(body)),
        is_error=speaks_of_error(body),
        is_html=page,
        is_json=body is not None,
        retry_after_s=wait_of(answer.headers, walk(body), text),
        offers=tuple(offers(body)),
    )


def _sentence(body: Any) -> str:
    told = text_of(body)
    return " ".join(filter(None, (told, *(words for words in explanations(body) if words not in told))))


def quote(refusal: Refusal, key: str = "") -> str:
    """The endpoint's own words for a message: shortened, without control characters and without the key.

    What only programs read goes: of an error inside the error its sentence stays, of a hash its beginning.
    """
    text = _INSIDE.sub(lambda inside: inside["words"], without_key(refusal.text, key))
    text = _HASH.sub(r"\1…", _TAG.sub(" ", text))
    return printable(_TWO_STOPS.sub(".", text), key)


def printable(text: str, key: str = "", limit: int = SHOWN_WORDS) -> str:
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
    if (answer.status or 0) >= 400 and not text_of(body):
        return told_inside(body) or body
    return _with_errors_of_choices(body)


def _with_errors_of_choices(body: Any) -> Any:
    """The same with what its choices say of errors where errors are looked for."""
    found = [] if isinstance(body, Mapping) and is_error_value(body.get("error")) else [*choice_errors(body)]
    return {**body, "error": found[0]} if found else body
