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
_LACKS = any_of(
    r"(query[ _-]?(string|param\w*)|api[ _-]?version)\b.{0,60}\b(is|are) (required|missing|mandatory)\b",
    r"\b(missing|requires?|required) ([\w']{1,20} ){0,2}(query[ _-]?(string|param\w*)|api[ _-]?version)\b",
)
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


def lacks_a_query(base: Base, refusal: Refusal) -> bool:
    """Whether a refusal asks for a query, such as an API version, where none was typed."""
    return not base.query and not refusal.is_html and bool(_LACKS.search(refusal.all))
