"""Taking the key out of what an endpoint said: it may stand there in any spelling, for megabytes."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from urllib.parse import quote_plus

from app.probe.values import HIDDEN

_SHORT_KEY = 16
_PIECE = 12
"""Of a key that is not short, this many characters in a row give too much of it away."""
_MASK = re.compile(r"[*•]{2,}|…|\.{3,}")
_TELLING = 4
"""Of a masked key, this many characters beside the mask are its beginning and its end, not chance."""


def without_key(text: str, key: str) -> str:
    """`text` with the key replaced: plain, percent-encoded, as hex or base64, whole or a long piece of it.

    So is a key that the endpoint itself has masked: of a short one that leaves nearly all to be read.
    """
    key = key.removeprefix("Bearer ")
    if not key:
        return text
    for spelling in _spellings(key):
        text = _without(text, spelling)
    return _without_masked(text, key)


def _spellings(key: str) -> Iterator[str]:
    yield key
    if len(key) < _SHORT_KEY:
        return
    if not key.isalnum():
        yield quote_plus(key)
    raw = key.encode("utf-8", "replace")
    yield raw.hex()
    for before in range(3):  # where it stands in what was encoded ("user:key") decides how it looks
        yield base64.b64encode(b" " * before + raw).decode().rstrip("=")


def _without(text: str, secret: str) -> str:
    if len(secret) < _SHORT_KEY:
        return text.replace(secret, HIDDEN)
    half = _PIECE // 2  # a piece holds at least one of these halves whole, so most texts are soon cleared
    if not any(text[at : at + half] in secret for at in range(0, len(text) - half + 1, half)):
        return text
    pieces = {secret[at : at + _PIECE] for at in range(len(secret) - _PIECE + 1)}
    kept: list[str] = []
    begun = at = 0
    while at + _PIECE <= len(text):
        end = at
        while text[end : end + _PIECE] in pieces:
            end += 1
        if end == at:
            at += 1
            continue
        kept += (text[begun:at], HIDDEN)
        begun = at = end - 1 + _PIECE
    return "".join((*kept, text[begun:]))


def _without_masked(text: str, key: str) -> str:
    kept: list[str] = []
    begun = 0
    longest = min(len(key), _SHORT_KEY)  # of a key that is not short, longer pieces are gone already
    heads = tuple(key[:length] for length in range(longest, 0, -1))
    tails = tuple(key[-length:] for length in range(longest, 0, -1))
    for mask in _MASK.finditer(text):
        before = text[max(begun, mask.start() - longest) : mask.start()]
        after = text[mask.end() : mask.end() + longest]
        if not before.endswith(heads) and not after.startswith(tails):
            continue
        head = next((head for head in heads if before.endswith(head)), "")
        tail = next((tail for tail in tails if after.startswith(tail)), "")
        if len(head + tail) >= _TELLING:
            kept += (text[begun : mask.start() - len(head)], HIDDEN)
            begun = mask.end() + len(tail)
    return "".join((*kept, text[begun:]))
