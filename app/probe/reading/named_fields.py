"""Which field of a request a refusal is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from app.probe.reading.refusal import Refusal
from app.probe.reading.wordings import any_of

REFUSAL_STATUSES = frozenset({400, 403, 404, 405, 406, 409, 411, 413, 415, 422, 424, 500, 501})
"""Statuses that a refusal of the request's shape was seen with (docs/probe.md, "Finding out")."""

CONTENT = frozenset(
    {
        "model",
        "messages",
        "input",
        "inputs",
        "prompt",
        "query",
        "documents",
        "texts",
        "file",
        "image",
        "session",
    }
)
"""What a request is about: these fields are never left out."""
# Words with which a refusal speaks of a field of the request at all.
_PARAMETER = any_of(
    r"unsupported|not supported|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|extra",
    r"(does|do) not support|isn't supported|not (compatible|available|implemented|valid)|incompatible",
    r"invalid|illegal|deprecated|removed|no longer|forbidden|refused|cannot be",
    r"must be|should be|one of|only .{0,40}(allowed|supported)|out of range",
    r"too (short|long|large|small)",
    r"property|argument|parameter|use .{0,40} instead",
)
# Fields that a refusal mentions beside the one that it refuses.
_IN_PASSING = any_of(r"did you mean .{0,80}", r"\b(when|if|unless|without) ['\"`]\w{1,40}['\"`]")


def complained(refusal: Refusal, body: Mapping[str, Any]) -> tuple[str, ...]:
    """Which of the fields sent the refusal names, in the order of the body; the content is never meant."""
    if refusal.status not in REFUSAL_STATUSES and not refusal.is_error:
        return ()
    if not refusal.param and not refusal.places and not _PARAMETER.search(refusal.all):
        return ()
    return tuple(name for name in body if name not in CONTENT and is_named(name, refusal))


def names_a_field(refusal: Refusal, body: Mapping[str, Any]) -> bool:
    """Whether a refusal speaks of a field that was sent, by its name alone or together with its value."""
    if complained(refusal, body):
        return True
    values = {name: value for name, value in body.items() if name not in CONTENT and isinstance(value, str)}
    return any(_value_refused(name, value, refusal) for name, value in values.items())


def _value_refused(name: str, value: str, refusal: Refusal) -> bool:
    refused = rf"\b{name}s?\b.{{0,60}}\b(not|n't|no such|unknown|invalid|unsupported)\b"
    words = refusal.text.lower()
    return bool(re.search(refused, words)) or len(value) > 2 and value.lower() in words and name in words


def is_named(name: str, refusal: Refusal) -> bool:
    if refusal.param and name in re.split(r"[.\[\]]", refusal.param):
        return True
    words = _IN_PASSING.sub("", refusal.all)
    return any(name in place for place in refusal.places) or bool(naming(name).search(words))


@cache
def naming(name: str) -> re.Pattern[str]:
    """How a refusal names a field: as it is written or in camel case.

    A plain English word ("stream", "size", "tools") counts only where it is quoted or called a parameter.
    """
    if "_" in name:
        return re.compile(rf"(?<![a-z0-9_])({name}|{name.replace('_', '')})(?![a-z0-9_])", re.I)
    called = r"param\w*|arguments?|fields?|property|properties|option|setting|name"
    return any_of(
        rf"['\"`‘“{{.(\[]\$?{name}s?['\"`’”}}.):\]]",
        rf"\b{name}\b.{{0,24}}\b({called}|not supported|is not|unsupported|must|should|required)\b",
        rf"\b({called}|support\w*|unknown|unrecogni[sz]ed|invalid|missing)( supplied)?\W{{1,3}}{name}\b",
        rf"\b({called})( supplied)?: [\w,' ]{{0,200}}\b{name}\b",
        rf"^{name} ?:",
    )
