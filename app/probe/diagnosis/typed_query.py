"""A typed query that is the fault: the same path without it, or with the version that the words name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from app.probe.base_url import Base
from app.probe.reading.refusal import Refusal
from app.probe.reading.wordings import any_of

_OF_QUERY = any_of(r"api[ _-]?versions?\b", r"query[ _-]?(string|param)")
_VERSION = re.compile(r"\b\d{4}-\d{2}-\d{2}(?:-preview)?\b", re.I)


def queries_instead(base: Base, refusal: Refusal) -> Iterator[Base]:
    """The bases to try where a refusal speaks of the typed query; none where it does not."""
    typed = parse_qsl(base.query, keep_blank_values=True)
    named = any(re.search(rf"\b{re.escape(name)}\b", refusal.text, re.I) for name, _ in typed)
    if not typed or not (named or _OF_QUERY.search(refusal.all)):
        return
    yield replace(base, query="")
    for version in _VERSION.findall(refusal.text):
        query = [(name, version if _VERSION.fullmatch(value) else value) for name, value in typed]
        if query != typed:
            yield replace(base, query=urlencode(query))
