"""What a person typed as key and base URL, made fit to be used (docs/probe.md, "Reading what was typed").

Nothing is repaired beyond what a paste brings along: other programs use the stored values as they stand.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

SURROUNDING = (
    "".join(
        map(
            chr,
            (*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x2010), 0x2028, 0x2029, 0x202F, 0x205F),
        )
    )
    + "\u2060\u3000\ufeff"
)
"""White space that people paste around things without seeing it, no-break and zero-width spaces included."""

_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»"}
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ud800-\udfff]")
"""What breaks a line, turns the text behind it around, or can't be seen where it parts a word."""
_HOST = re.compile(r"[^\s/?#@\\<>\"'`{}|^%\x00-\x20\x7f]+")


def clean_key(typed: str | None) -> str | None:
    """A key without what a paste brings along: white space, one pair of quotes, a leading `Bearer `.

    None stays None.
    """
    if typed is None:
        return None
    trimmed = typed.strip(SURROUNDING)
    bare = _unquoted(trimmed)
    key = _without_scheme(bare)
    return _unquoted(key) if bare == trimmed else key


def _unquoted(text: str) -> str:
    if len(text) >= 2 and _QUOTES.get(text[0]) == text[-1]:
        return text[1:-1].strip(SURROUNDING)
    return text


def _without_scheme(text: str) -> str:
    if text.lower() == "bearer":
        return ""
    has_scheme = text[:6].lower() == "bearer" and text[6] in SURROUNDING
    return text[7:].strip(SURROUNDING) if has_scheme else text


def clean_base_url(typed: str) -> str:
    """A base URL without the white space around it; nothing else is touched."""
    return typed.strip(SURROUNDING)


def wrong_with_base_url(url: str) -> str:
    """What keeps a text from being a base URL, as the end of a sentence; "" where nothing does."""
    if CONTROLS.search(url) or any(sign in SURROUNDING or sign == "\\" for sign in url):
        return "holds a space, a backslash or a control character; remove it."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"is no valid URL: {error}."
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://."
    if "@" in parts.netloc:
        return "must not hold a user name or password; the key belongs into api_key."
    if not parts.hostname or not _HOST.fullmatch(parts.hostname) or port == 0:
        return "needs a valid host, as in https://models.example.com/v1."
    return "must not have a fragment; remove what begins with #." if "#" in url else ""
