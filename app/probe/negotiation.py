"""What a refusal teaches about the shape of the next request.

An endpoint that answers 400 because it calls the token limit by another name works; so the probe reads the
refusal and asks again differently, one change a call. The rules look for the names of fields that *were
sent*, never for a vendor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from app.probe.reading.allowed_values import offers_for
from app.probe.reading.named_fields import REFUSAL_STATUSES, complained, is_named, naming
from app.probe.reading.refusal import Refusal
from app.probe.reading.wordings import any_of
from app.probe.shape import HIGHER_LIMIT, Shape

LIMIT_NAMES = ("max_tokens", "max_completion_tokens", "max_output_tokens")
DEFAULTS: Mapping[str, Any] = {
    "max_tokens": 16,
    "max_completion_tokens": 16,
    "temperature": 1,
    "top_p": 1,
    "n": 1,
    "stream": False,
    "input_type": "query",
    "task": "retrieval.query",
    "encoding_format": "float",
    "truncate": "END",
    "top_n": 2,
    "top_k": 2,
    "response_format": "json",
    "voice": "alloy",
    "language": "en",
    "size": "1024x1024",
    "quality": "standard",
    "user": "muster",
    "embedding_types": ["float"],
    "return_documents": False,
    "normalized": True,
    "speed": 1.0,
    "chunking_strategy": "auto",
}
"""A harmless value for a field that an endpoint says it misses."""

# Only streams are served.
_STREAM_ONLY = any_of(
    r"non-?stream",
    r"only (supports? )?(the )?stream",
    r"stream(ing)?\b.{0,30}(required|must be (set to )?(true|enabled)|only)",
    r"(must|requires?|please)\b.{0,40}\bstream(ing)?\b.{0,12}(true|mode|parameter)?\W*$",
    r"(enable|set) (the )?stream( parameter|ing)? ?([=:] ?true|to access)",
    r"stream=true",
)
# Streams are not served.
_NO_STREAM = any_of(
    r"stream(ing)?\b.{0,40}not (supported|allowed|available|enabled|implemented)",
    r"stream(ing)?\b.{0,40}(unsupported|disabled|must be (set to )?false)",
    r"(not|n't) support (\w+ )?stream",
    r"'stream' does not support true",
    r"verified to stream",
    r"stream=false",
)
# A limit that is refused for its value, with the bound that it breaks in the words.
_AT_LEAST = any_of(
    r"(?:>=|at least|greater than or equal to|no less than|minimum (?:value )?(?:of|is)) ?(\d{1,6})\b",
    r"\[(\d{1,6}), ?\d{1,9}\]",
    r"range is from (\d{1,6})\b",
)
_AT_MOST = any_of(
    r"(?:at most|less than or equal to|no more than|up to|maximum (?:value )?(?:of|is)) (\d{1,9})\b",
    r"\[\d{1,6}, ?(\d{1,9})\]",
)
# The same without a number that says so.
_TOO_SMALL = any_of(
    r"below (the )?minimum|less than the min",
    r"(must|should|has to) be (at least|greater|larger|more|>)",
    r"too (small|low|short)",
    r"minimum (value|of|is)|at least \d|greater than|>= ?\d",
    r"increase",
    r"max_tokens or model output limit was reached",
    r"could not finish .{0,40}max_tokens",
)
_TOO_LARGE = any_of(
    r"above (the )?maximum|exceed",
    r"(must|should) be (at most|less|smaller|<)",
    r"too (large|big|high|long)",
    r"maximum (value|of|is|context)|at most \d|<= ?\d",
    r"reduce|less than or equal",
)
# The field itself is refused, whatever its value.
_UNKNOWN_FIELD = any_of(
    r"unsupported|not supported|unrecogni[sz]ed|unknown",
    r"extra(neous)?\b|extra_|unexpected|not permitted|not allowed|cannot find field",
    r"deprecated|use .{0,60}instead",
)
_WANTS_LIST = any_of(
    r"content\b.{0,80}(must|should|expected|needs?|requires?|has)\b((?!str).){0,30}(array|list|sequence)",
    r"invalid type: string, expected a (sequence|list|array)",
    r"(expected|must be) (an? )?(array|list|sequence).{0,40}content",
    r"content.{0,40}(list|array)_type|valid list",
)
_WANTS_STRING = any_of(
    r"content\b.{0,80}(must|should|expected|needs?|requires?)\b((?!array|list|seq).){0,30}(string|str)\b",
    r"invalid type: (sequence|map), expected a string",
    r"(expected|must be) (an? )?string.{0,40}content",
    r"content.{0,40}(string|str)_type|valid string",
)
_MISSING = any_of(
    r"field required|\bmissing\b|mandatory",
    r"is required|required (field|param|property|propert)",
    r"must (be )?(provided?|specif|contain|include|set)|should be set",
    r"cannot be (empty|null|blank)",
)
_MAY_BE_RAISED_TO = 4096


def learn(shape: Shape, refusal: Refusal, body: Mapping[str, Any]) -> Shape | None:
    """The shape for the next request, or None where the refusal teaches nothing.

    `body` is what was sent. Rules in the order of how plainly the words speak; each changes one thing.
    """
    refused_in_200 = refusal.is_error and refusal.status is not None and 200 <= refusal.status < 300
    if refusal.status not in REFUSAL_STATUSES and not refused_in_200:
        return None
    named = complained(refusal, body)
    for rule in _LEARNING:
        learned = rule(shape, refusal, body, named)
        if learned is not None:
            return learned
    return None


def _learn_stream(
    shape: Shape, refusal: Refusal, body: Mapping[str, Any], named: tuple[str, ...]
) -> Shape | None:
    if "stream" not in refusal.all or "stream_options" in named:
        return None
    asked = body.get("stream")
    if asked is False and _STREAM_ONLY.search(refusal.text):
        return shape.because("asked for a stream, since only streams are served", stream=True)
    if asked is True and _NO_STREAM.search(refusal.all):
        return shape.because("asked without a stream, since streams are refused", stream=False)
    if asked is False and "stream" in named:
        return shape.because("left out `stream`", dropped=shape.dropped | {"stream"})
    return None


def _learn_limit(
    shape: Shape, refusal: Refusal, body: Mapping[str, Any], named: tuple[str, ...]
) -> Shape | None:
    sent = next((name for name in LIMIT_NAMES if name in body), None)
    if sent is None or not (sent in named or any(naming(name).search(refusal.all) for name in _LIMIT_WORDS)):
        return None
    unknown = bool(_UNKNOWN_FIELD.search(refusal.all))
    other_value = _other_value(shape, refusal, int(body[sent]), vaguely=not unknown)
    if other_value is not None:
        return other_value
    return _renamed(shape, sent, named) if unknown or sent in named else None


_LIMIT_WORDS = (*LIMIT_NAMES, "max_new_tokens")


def _other_value(shape: Shape, refusal: Refusal, value: int, vaguely: bool) -> Shape | None:
    """A higher or a lower limit: as the words state the bound, else (`vaguely`) by their direction."""
    floor, ceiling = _bound(_AT_LEAST, refusal.all), _bound(_AT_MOST, refusal.all)
    if floor is not None and value < floor <= _MAY_BE_RAISED_TO:
        return shape.because(f"raised the token limit to {floor}", limit=floor)
    if (
        ceiling is not None
        and 0 < ceiling < value
        or vaguely
        and _TOO_LARGE.search(refusal.all)
        and value > 1
    ):
        lower = max(1, min(value // 4, ceiling or value))
        return shape.because(f"asked for at most {lower} tokens", limit=lower, fixed_limit=True)
    if vaguely and _TOO_SMALL.search(refusal.all) and value < HIGHER_LIMIT:
        return shape.because(f"raised the token limit to {HIGHER_LIMIT}", limit=HIGHER_LIMIT)
    return None


def _bound(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return int(next(number for number in found.groups() if number)) if found else None


def _renamed(shape: Shape, sent: str, named: tuple[str, ...]) -> Shape:
    """The limit under the other name; none where both were refused."""
    tried = shape.dropped | {sent}
    left = [name for name in LIMIT_NAMES[:2] if name not in tried]
    gone = tried | (set(named) - {"stream"} - set(LIMIT_NAMES))
    if not left:
        return shape.because("set no token limit", limit_name=None, dropped=gone)
    return shape.because(f"named the token limit `{left[0]}`", limit_name=left[0], dropped=gone)


def _learn_content(
    shape: Shape, refusal: Refusal, body: Mapping[str, Any], named: tuple[str, ...]
) -> Shape | None:
    if "messages" not in body:
        return None
    if not shape.content_list and _WANTS_LIST.search(refusal.all):
        return shape.because("sent the content as a list of parts", content_list=True)
    if shape.content_list and _WANTS_STRING.search(refusal.all):
        return shape.because("sent the content as a string", content_list=False)
    return None


def _learn_offer(
    shape: Shape, refusal: Refusal, body: Mapping[str, Any], named: tuple[str, ...]
) -> Shape | None:
    """A value that the refusal offers, for a field that was sent or for one that it asks for."""
    for name in _of_few_values(refusal, body, named):
        sent = body.get(name, "")
        offers = islice(offers_for(refusal, name, sent), _OFFERS_TRIED)
        value = next(
            (v for v in offers if v not in shape.refused and v not in body and v not in DEFAULTS), ""
        )
        if value:
            return _with_value(shape, name, value, sent)
    return None


_OFFERS_TRIED = 2


def _of_few_values(refusal: Refusal, body: Mapping[str, Any], named: tuple[str, ...]) -> Iterator[str]:
    """Fields whose values are words: those sent that the refusal names, then those that it names besides."""
    yield from (name for name in named if isinstance(body[name], str))
    words = (name for name, value in DEFAULTS.items() if isinstance(value, str) and name not in body)
    yield from (name for name in words if is_named(name, refusal))


def _with_value(shape: Shape, name: str, value: str, sent: str) -> Shape:
    adaptation = f"{'sent' if sent else 'added'} `{name}`: {json.dumps(value)}"
    refused = shape.refused | ({sent} if sent else set())
    if sent and name not in shape.added:
        return shape.because(adaptation, instead={**shape.instead, name: value}, refused=refused)
    added, dropped = {**shape.added, name: value}, shape.dropped - {name}
    return shape.because(adaptation, added=added, dropped=dropped, refused=refused)


def _learn_missing(
    shape: Shape, refusal: Refusal, body: Mapping[str, Any], named: tuple[str, ...]
) -> Shape | None:
    if not _MISSING.search(refusal.all):
        return None
    wanted = (name for name in DEFAULTS if name not in body and name not in shape.added)
    name = next((name for name in wanted if is_named(name, refusal)), None)
    if name is None:
        return None
    value = DEFAULTS[name]
    return shape.because(
        f"added `{name}`: {json.dumps(value)}",
        added={**shape.added, name: value},
        dropped=shape.dropped - {name},
    )


def _learn_unwanted(
    shape: Shape, refusal: Refusal, body: Mapping[str, Any], named: tuple[str, ...]
) -> Shape | None:
    fresh = [name for name in named if name not in shape.dropped]
    if not fresh:
        return None
    changes: dict[str, Any] = {"dropped": shape.dropped | set(fresh)}
    if "stream_options" in fresh:
        changes["stream_options"] = False
    return shape.because("left out " + ", ".join(f"`{name}`" for name in fresh), **changes)


_LEARNING = (_learn_stream, _learn_limit, _learn_content, _learn_offer, _learn_missing, _learn_unwanted)
"""In the order of how plainly the words speak."""
