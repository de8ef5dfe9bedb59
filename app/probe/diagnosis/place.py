"""Words about the place: a refusal that says that what was asked is served elsewhere.

They are stronger than the status and than a look around (docs/probe.md, "Diagnosis"). Where they
name a host or a base, that is offered to the person and never tried: the key goes to no other origin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from app.probe.base_url import Base, without_operation
from app.probe.reading.refusal import Refusal
from app.probe.reading.wordings import any_of

_HERE = r"(route|path|endpoint|host|hostname|base[ _]?url|url|api|region(al)? (host|endpoint))"
_SERVED = r"(supported|available|served|enabled|allowed)"
_ELSEWHERE = any_of(
    rf"(\bnot|n['’]t) {_SERVED} (on|at|in|under|by|for|via|through) (this|the current) {_HERE}\b",
    rf"\bonly {_SERVED} (when|by|with) using [\w ]{{0,20}}\b(api|base)\b",
    r"\b(incorrect|wrong|invalid) (regional )?(host ?name|region(al)? (host|endpoint))|incorrect_hostname",
    r"\b(make|send|direct) (your |the |this |all )?requests? to (https?://)?[\w-]+(\.[\w-]+)+",
    r"\b(please )?use (the )?(base[ _]?url|host|endpoint) ['\"`(]?https?://",
)
_MAYBE = any_of(r"\bnot found for api version v\S{1,20}")
"""Said of a model that another base serves, and of one that none does."""
_OF_KEYS = any_of(r"\b(keys?|tokens?|credentials?|auth\w*) (is|are) not ")
"""Said of what calls are signed with, wherever they go."""
_OF_TYPE = any_of(rf"(\bnot|n['’]t) {_SERVED} in (the )?\w{{1,20}} mode\b")
_URL = re.compile(r"https?://[\w.-]+(?::\d+)?(?:/[\w./-]*)?", re.I)
_HOST = re.compile(r"\b(?:requests? to|use|host(?:name)?:?) ([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::\d+)?\b", re.I)
_DOCUMENTS = any_of(r"\bdocs?\b|documentation|help|support|console|learn\.|readme|github|/guides?/|error")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the words say that it is served; `base` is None where they name no base and no host.

    `of_type` is set where they speak of another operation than the one that was asked.
    """

    base: Base | None = None
    of_type: bool = False
    sure: bool = True
    """False for words that may speak of the model as well: only a base that works decides."""


def place_of(refusal: Refusal, base: Base) -> Place | None:
    """What a refusal says about the place, None where it speaks of something else."""
    if refusal.is_html or _OF_KEYS.search(refusal.all):
        return None
    if _OF_TYPE.search(refusal.all):
        return Place(of_type=True)
    if _MAYBE.search(refusal.all):
        return Place(sure=False)
    return Place(_named(refusal.text, base)) if _ELSEWHERE.search(refusal.all) else None


def _named(text: str, base: Base) -> Base | None:
    """The base that a text names by its URL, or the typed one at the host that it names."""
    for url in _URL.findall(text):
        parts = urlsplit(url.rstrip("."))
        if not _DOCUMENTS.search(url) and parts.netloc:
            return Base(parts.scheme.lower(), parts.netloc, without_operation(parts.path.rstrip("/")), "")
    host = _HOST.search(text)
    return replace(base, netloc=host.group(1).lower()) if host else None
