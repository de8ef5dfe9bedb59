"""What a refusal says that would make the same request work: a field, and the value to set it to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.probe.reading.allowed_values import offers_for
from app.probe.reading.named_fields import CONTENT
from app.probe.reading.refusal import Refusal

_NAME = r"[`'\"“‘]?(?P<name>[a-z][a-z0-9]*(?:_[a-z0-9]+)+|additionalProperties)[`'\"”’]?"
_VALUE = r"[`'\"“‘]?(?P<value>[A-Za-z0-9_.-]*[A-Za-z0-9])[`'\"”’]?"
_TO = r"(?: parameter| field)?(?: ?[:=] ?| to (?:be )?| as )"
_SAYS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b(?:set|setting|use|using|pass|specify|with|send) (?:the )?{_NAME}{_TO}{_VALUE}",
        rf"[`\"']{_NAME}\W{{1,3}}{_VALUE}[`\"']",
        rf"\bonly\b.{{0,100}}\b(?:when|if|with|where)\b.{{0,20}}?{_NAME} (?:is |= ?|set |to )+{_VALUE}",
        rf"{_NAME}(?: parameter| field)? (?:must|should|has to|needs to) be (?:set to |equal to )?{_VALUE}",
        rf"{_NAME} is required to be (?:supplied and to be |set to )?{_VALUE}",
    )
)
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_NO_VALUES = frozenset(
    "a an any at be but empty equal given greater in less more not of on one present provided set "
    "specified supplied than the to used".split()
)
"""Words that stand where a value would stand, and are none."""
NESTED = "additionalProperties"
"""The one field that stands inside schemas, not at the top of the request."""
_LIMITS = frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens", "stream_options"})
"""Fields that the shape of all requests is about."""


def instruction(refusal: Refusal, body: Mapping[str, Any], about: tuple[str, ...]) -> tuple[str, Any] | None:
    """The field and the value that a refusal says to set; None where it says none that is not set already.

    `about` are the fields that the question is about: they are not changed.
    """
    if refusal.status is None or refusal.status >= 500 and refusal.status not in (500, 501):
        return None
    told = (*_told(refusal.text), *_offered(refusal, body))
    kept = CONTENT | _LIMITS | set(about)
    return next((one for one in told if one[0] not in kept and _is_new(*one, body)), None)


def _told(text: str) -> Iterator[tuple[str, Any]]:
    for pattern in _SAYS:
        for found in pattern.finditer(text):
            value = found["value"]
            if value.lower() not in _NO_VALUES:
                yield found["name"], _read(value)


def _offered(refusal: Refusal, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """A value on offer for the field that `param` names, where that field was sent."""
    name = refusal.param or ""
    sent = body.get(name)
    if isinstance(sent, str):
        yield from ((name, value) for value in offers_for(refusal, name, sent))


def _read(value: str) -> Any:
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    try:
        return json.loads(value)
    except ValueError:
        return value


def _is_new(name: str, value: Any, body: Mapping[str, Any]) -> bool:
    if name == NESTED:
        return value is False and _lacks(body)
    return name not in body or body[name] != value


def _lacks(part: Any) -> bool:
    """Whether a schema of an object in here leaves further properties open."""
    if isinstance(part, list):
        return any(map(_lacks, part))
    if not isinstance(part, Mapping):
        return False
    is_open = "properties" in part and part.get(NESTED) is not False
    return is_open or any(map(_lacks, part.values()))


def obey(body: Mapping[str, Any], orders: Mapping[str, Any]) -> dict[str, Any]:
    """The body with all of these set."""
    told = {name: value for name, value in orders.items() if name != NESTED}
    closed = _closed(body) if NESTED in orders else body
    return {**closed, **told}


def _closed(part: Any) -> Any:
    if isinstance(part, list):
        return [_closed(one) for one in part]
    if not isinstance(part, Mapping):
        return part
    inner = {name: _closed(value) for name, value in part.items()}
    return inner | ({NESTED: False} if "properties" in inner else {})
