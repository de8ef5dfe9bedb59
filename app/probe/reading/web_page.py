"""What an HTML page says that came where JSON was expected."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from app.probe.transport.answer import Answer

_PAGE_READ = 200_000


def is_html(answer: Answer) -> bool:
    start = answer.text.lstrip()[:200].lower()
    return start.startswith(("<!doctype html", "<html", "<head", "<body", "<?xml", "<!--")) or (
        "text/html" in answer.headers.get("content-type", "").lower() and start.startswith("<")
    )


def filter_of(answer: Answer) -> str:
    """The make-up by which a page of a bot filter is known, as a tag; empty for none.

    Filters sign their pages by a header, or by what their error pages are made of; the sentence on them may
    be in any language.
    """
    signed = next((name for name in _FILTER_HEADERS if answer.headers.get(name)), "")
    if signed or answer.status not in _FILTERED or not is_html(answer):
        return signed
    return "datadome cf-mitigated" if _MADE_BY_FILTER.search(answer.text[:_PAGE_READ]) else ""


_FILTER_HEADERS = ("cf-mitigated", "x-datadome", "x-amzn-waf-action")
_FILTERED = (403, 429, 503)
_MADE_BY_FILTER = re.compile(
    r"\bid=['\"]?(cf-error-details|cf-wrapper|challenge-error|challenge-running|px-captcha)|"
    r"used cloudflare to restrict access|/cdn-cgi/(challenge|l/chk)|_incapsula_resource|"
    r"errors\.edgesuite\.net|reference(\s|&#32;){0,2}(#|&#35;)(\d|&#46;)|sucuri\.net|ddos-guard",
    re.I,
)
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
