"""What a refusal teaches about the shape of the next request.

An endpoint that answers 400 because it calls the token limit by another name works; so the probe reads the refusal
and asks again differently, one change a call. A `Shape` is what was learned so far; every request of the probe is
built from it. The rules look for the names of fields that *were sent*, never for a vendor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.probe.words import Said

REFUSAL_STATUSES = frozenset({400, 403, 404, 405, 406, 409, 411, 413, 415, 422, 424, 500, 501})
"""Statuses that a refusal of the request's shape was seen with (probe.md, "Finding out")."""

CONTENT = frozenset(
    {"model", "messages", "input", "inputs", "prompt", "query", "documents", "texts", "file", "image", "session"}
)
"""What a request is about: these fields are never left out."""
LIMIT_NAMES = ("max_tokens", "max_completion_tokens", "max_output_tokens")
FIRST_LIMIT = 16
HIGHER_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Shape:
    """How requests to this endpoint must look. `form` counts the alternative bodies of a model type."""

    stream: bool = False
    limit_name: str | None = "max_tokens"
    limit: int = FIRST_LIMIT
    fixed_limit: bool = False
    """The limit was forced by the endpoint, so checks may not ask for more."""
    stream_options: bool = True
    content_list: bool = False
    dropped: frozenset[str] = frozenset()
    added: Mapping[str, Any] = field(default_factory=dict)
    form: int = 0
    route: int = 0
    """Which of a model type's routes is asked."""
    instead: Mapping[str, Any] = field(default_factory=dict)
    """Values that are sent in place of the usual ones, by field."""
    refused: frozenset[str] = frozenset()
    """Values that the endpoint refused, of fields for which it may choose the value (a size, a voice)."""
    plain: bool = False
    """A content filter refused the usual prompt: ask with a plainer one."""
    adaptations: tuple[str, ...] = ()

    def because(self, adaptation: str, **changes: Any) -> Shape:
        """This shape with `changes`, and the sentence that says what the endpoint forced."""
        return replace(self, adaptations=(*self.adaptations, adaptation), **changes)

    def fit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`body` without what the endpoint refuses and with what it demands."""
        kept = {
            name: self.instead.get(name, value) for name, value in body.items() if name not in self.dropped
        }
        return {**{name: value for name, value in self.added.items() if name not in kept}, **kept}

    def limits(self, tokens: int, name: str | None = None) -> dict[str, Any]:
        """The token limit as this endpoint takes it: one field, or none."""
        name = name or self.limit_name
        return (
            {}
            if name is None or name in self.dropped
            else {name: min(tokens, self.limit) if self.fixed_limit else tokens}
        )


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
}
"""A harmless value for a field that an endpoint says it misses."""

_STREAM_ONLY = re.compile(
    r"non-?stream\w*|only (supports? )?(the )?stream|stream(ing)?\b.{0,30}(required|must be (set to )?(true|enabled)|only)|(must|requires?|please)\b.{0,30}\b(use |set |enable )?stream(ing)?\b.{0,12}(true|mode)?$|set stream ?[=:] ?true|stream=true",
    re.I,
)
_NO_STREAM = re.compile(
    r"stream(ing)?\b.{0,40}(not (supported|allowed|available|enabled|implemented)|unsupported|must be (set to )?false|disabled)|(not|n't) support (\w+ )?stream|stream=false",
    re.I,
)
_TOO_SMALL = re.compile(
    r"below (the )?minimum|(must|should|has to) be (at least|greater|larger|more|>)|at least \d+|too (small|low|short)|minimum (value|of|is)|greater than|>= ?\d+|increase|could not finish .{0,40}max_tokens|less than (the )?min|max_tokens or model output limit was reached",
    re.I,
)
_TOO_LARGE = re.compile(
    r"too (large|big|high|long)|(must|should) be (at most|less|smaller|<)|exceed|above (the )?maximum|at most \d+|maximum (value|of|is|context)|<= ?\d+|reduce|less than or equal",
    re.I,
)
_WANTS_LIST = re.compile(
    r"content\b.{0,80}(must|should|expected|needs?|requires?|has)\b.{0,30}(array|list|sequence)|invalid type: string, expected a (sequence|list|array)|(expected|must be) (an? )?(array|list|sequence).{0,40}content|content.{0,40}(list|array)_type|valid list",
    re.I,
)
_WANTS_STRING = re.compile(
    r"content\b.{0,80}(must|should|expected|needs?|requires?)\b.{0,30}(string|str)\b|invalid type: (sequence|map), expected a string|(expected|must be) (an? )?string.{0,40}content|content.{0,40}(string|str)_type|not (a )?valid string",
    re.I,
)
_MISSING = re.compile(
    r"field required|\bmissing\b|is required|required (field|param|property|propert)|must (be )?(provided?|specif|contain|include|set)|mandatory|should be set|cannot be (empty|null|blank)",
    re.I,
)
_PARAMETER = re.compile(
    r"unsupported|not supported|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|extra|invalid|does not support|do not support|isn't supported|not compatible|incompatible|must be|should be|cannot be|not available|illegal|is deprecated|deprecated|use .{0,40} instead|got an unexpected|not implemented|only .{0,40}(allowed|supported)|refused|forbidden|too short|too long|too large|too small|out of range|not one of|not valid|removed|property|argument|parameter|no longer",
    re.I,
)


def complained(said: Said, body: Mapping[str, Any]) -> tuple[str, ...]:
    """Which of the fields sent the refusal names, in the order of the body; `model` and the prompt are
    never meant.
    """
    if said.status not in REFUSAL_STATUSES and not said.is_error:
        return ()
    text = said.all
    named = []
    for name in body:
        if name in CONTENT:
            continue
        if _is_named(name, said, text) and (_PARAMETER.search(text) or said.param):
            named.append(name)
    return tuple(named)


def _is_named(name: str, said: Said, text: str) -> bool:
    if said.param and name in re.split(r"[.\[\]]", said.param):
        return True
    if any(name in place for place in said.places):
        return True
    camel = re.sub(r"_(\w)", lambda m: m.group(1), name)
    spellings = (name, camel) if camel != name else (name,)
    # A plain English word ("stream", "size", "tools") counts only where it is quoted or called a parameter.
    if "_" not in name:
        return bool(
            re.search(
                rf"['\"`‘“{{.(]\$?{name}s?['\"`’”}}.):]|\b{name}\b.{{0,24}}\b(param|argument|field|property|option|not supported|is not|unsupported)|\b(param\w*|argument|field|property|option|setting|support\w*|unknown|unrecogni[sz]ed)\W{{1,3}}{name}\b|^{name}\b",
                text,
            )
        )
    return any(re.search(rf"(?<![a-z0-9_]){spelling}(?![a-z0-9_])", text) for spelling in spellings)


def learn(shape: Shape, said: Said, body: Mapping[str, Any]) -> Shape | None:
    """The shape for the next request, or None where the refusal teaches nothing.

    `body` is what was sent. Rules in the order of how plainly the words speak; each changes one thing.
    """
    if said.status not in REFUSAL_STATUSES and not (said.is_error and said.status and said.status < 300):
        return None
    named = complained(said, body)
    for rule in (_learn_stream, _learn_limit, _learn_content, _learn_missing, _learn_unwanted):
        learned = rule(shape, said, body, named)
        if learned is not None:
            return learned
    return None


def _learn_stream(shape: Shape, said: Said, body: Mapping[str, Any], named: tuple[str, ...]) -> Shape | None:
    if "stream" not in said.all or "stream_options" in named:
        return None
    if (
        not shape.stream
        and body.get("stream") is False
        and _STREAM_ONLY.search(said.all)
        and "stream" not in shape.dropped
    ):
        return shape.because("asked for a stream, since only streams are served", stream=True)
    if body.get("stream") is True and _NO_STREAM.search(said.all):
        return shape.because("asked without a stream, since streams are refused", stream=False)
    if body.get("stream") is False and "stream" in named:
        return shape.because("left out `stream`", dropped=shape.dropped | {"stream"})
    return None


def _learn_limit(shape: Shape, said: Said, body: Mapping[str, Any], named: tuple[str, ...]) -> Shape | None:
    sent = next((name for name in LIMIT_NAMES if name in body), None)
    if sent is None:
        return None
    about_limit = sent in named or any(name in said.all for name in LIMIT_NAMES)
    if not about_limit:
        return None
    value = int(body[sent])
    other = next(
        (name for name in LIMIT_NAMES[:2] if name != sent and name in said.all.replace(sent, "")), None
    )
    refused = re.search(
        r"unsupported|not supported|unrecogni|unknown|extra|instead|not permitted|unexpected|not allowed|deprecated",
        said.all,
    )
    if not refused and _TOO_SMALL.search(said.all) and not _TOO_LARGE.search(said.text):
        return _raised(shape, said, value)
    if not refused and _TOO_LARGE.search(said.all) and value > 1:
        return shape.because(
            f"asked for at most {max(1, value // 4)} tokens", limit=max(1, value // 4), fixed_limit=True
        )
    if not refused and _TOO_SMALL.search(said.all):
        return _raised(shape, said, value)
    if (
        other
        and other not in shape.dropped
        and not (said.places and any(other in place for place in said.places))
    ):
        return shape.because(
            f"named the token limit `{other}`", limit_name=other, dropped=shape.dropped | {sent}
        )
    if sent in named or refused:
        return _renamed(shape, sent, named)
    return None


def _raised(shape: Shape, said: Said, value: int) -> Shape | None:
    floor = max(
        (int(n) for n in re.findall(r"\b(\d{1,5})\b", said.text) if value < int(n) <= 4096), default=0
    )
    higher = floor or (HIGHER_LIMIT if value < HIGHER_LIMIT else 0)
    return shape.because(f"raised the token limit to {higher}", limit=higher) if higher else None


def _renamed(shape: Shape, sent: str, named: tuple[str, ...]) -> Shape:
    tried = shape.dropped | {sent}
    other = next((name for name in LIMIT_NAMES[:2] if name not in tried), None)
    gone = tried | (set(named) - {"stream"} - set(LIMIT_NAMES))
    if other is None:
        return shape.because("set no token limit", limit_name=None, dropped=gone)
    return shape.because(f"named the token limit `{other}`", limit_name=other, dropped=gone)


def _learn_content(shape: Shape, said: Said, body: Mapping[str, Any], named: tuple[str, ...]) -> Shape | None:
    if "messages" not in body:
        return None
    if not shape.content_list and _WANTS_LIST.search(said.all):
        return shape.because("sent the content as a list of parts", content_list=True)
    if shape.content_list and _WANTS_STRING.search(said.all):
        return shape.because("sent the content as a string", content_list=False)
    return None


def _learn_missing(shape: Shape, said: Said, body: Mapping[str, Any], named: tuple[str, ...]) -> Shape | None:
    if not _MISSING.search(said.all):
        return None
    for name, value in DEFAULTS.items():
        if name in body or name in shape.added:
            continue
        if any(name in place for place in said.places) or re.search(
            rf"(?<![a-z0-9_]){name}(?![a-z0-9_])", said.all
        ):
            return shape.because(
                f"added `{name}`: {json.dumps(value)}",
                added={**shape.added, name: value},
                dropped=shape.dropped - {name},
            )
    return None


def _learn_unwanted(
    shape: Shape, said: Said, body: Mapping[str, Any], named: tuple[str, ...]
) -> Shape | None:
    fresh = [name for name in named if name not in shape.dropped]
    if not fresh:
        return None
    changes: dict[str, Any] = {"dropped": shape.dropped | set(fresh)}
    if "stream_options" in fresh:
        changes["stream_options"] = False
    if shape.limit_name in fresh:
        changes["limit_name"] = None
    return shape.because("left out " + ", ".join(f"`{name}`" for name in fresh), **changes)
