"""The detail of an audit event as lines for people. A key is never part of it, and would not be shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.pages import words

LABELS = {
    "api_key": "API key",
    "base_url": "Base URL",
    "model_id": "Model id",
    "remote_model_id": "Sent as",
    "probe": "Probe",
}
_SECRET = re.compile(r"key$|password|secret", re.IGNORECASE)
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that an event tells: a label, its value, and the value that it replaced ("" where none)."""

    label: str
    value: str
    before: str = ""


def lines(detail: Mapping[str, Any]) -> list[Line]:
    """What an event's detail tells, changes first."""
    return [*_changes(detail), *_rest(detail)]


def _changes(detail: Mapping[str, Any]) -> Iterator[Line]:
    changes = detail.get("changes")
    for name, pair in changes.items() if isinstance(changes, dict) else ():
        if _SECRET.search(name):
            yield Line(_label(name), "changed; never shown")
        elif isinstance(pair, list) and len(pair) == 2:
            yield Line(_label(name), _short(pair[1]), _short(pair[0]))


def _rest(detail: Mapping[str, Any]) -> Iterator[Line]:
    for name, value in detail.items():
        if name == "changes" or value in (None, ""):
            continue
        yield Line(_label(name), "not shown" if _SECRET.search(name) else _short(value))


def _label(name: str) -> str:
    return LABELS.get(name) or words.words_of(name)


def _short(value: Any) -> str:
    text = words.shown(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
