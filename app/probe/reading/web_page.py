"""What an HTML page says that came where JSON was expected."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

from app.probe.transport.answer import Answer

_PAGE_READ = 200_000


def is_html(answer: Answer) -> bool:
    start = answer.text.lstrip()[:200].lower()
    return start.startswith(("<!doctype html", "<html", "<head", "<body", "<?xml", "<!--")) or (
        "text/html" in answer.headers.get("content-type", "").lower() and start.startswith("<")
    )


def filter_of(headers: Mapping[str, str]) -> str:
    """The header with which a bot filter signs its pages, as a tag: the page may be in any language."""
    return next((name for name in _FILTER_HEADERS if headers.get(name)), "")


_FILTER_HEADERS = ("cf-mitigated", "x-datadome", "x-amzn-waf-action")
_MARKUP = re.compile(r"<(/?)([a-z!][a-z0-9]*+)?+[^<>]*+>", re.I)
"""What is taken is never given back: a page of open brackets would cost the square of its length."""
_UNSEEN = ("script", "style")


def page_text(page: str) -> str:
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
