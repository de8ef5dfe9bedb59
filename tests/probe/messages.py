"""What every message of a rejection must be, whatever it says."""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTED = re.compile(r"“[^”]*”|`[^`]*`|'[^']{1,80}'(?=[,: ])")
"""The endpoint's words, and ids: their punctuation is theirs."""
_SENTENCE_END = re.compile(r"[.!?](?=\s+[A-Z`]|$)")
_WHOM = re.compile(r"(GET|POST) /\S* at \S+ ")
_WHAT = re.compile(
    r" (answered \d{3}\b|opened the WebSocket \(101\)|could not be sent: |was not sent, because |failed: "
    r"|got no HTTP answer: |was not answered over http)"
)
_CLUMSY = re.compile(r"[.,;!?][.,;:!?]|:\s*[.,;:!?](?!\d)|\s[.,;:!?](\s|$)|\s\s|\(\)|: :|\bNone\b")


def faults(message: str, key: str) -> Iterator[str]:
    """What is wrong with the form of a message; `key` must not stand in it."""
    bare = _QUOTED.sub("Q", message)
    sentences = len(_SENTENCE_END.findall(bare))
    if not 2 <= sentences <= 3:
        yield f"{sentences} sentences"
    if not message.isprintable():
        yield "control characters"
    if not message.endswith("."):
        yield "no stop at the end"
    if not _WHOM.match(message):
        yield "does not say what was asked of whom"
    if not _WHAT.search(message):
        yield "says neither status nor failure"
    clumsy = _CLUMSY.search(re.sub(r"\[[0-9a-f:.]+\]|[0-9a-f]*::[0-9a-f:.]*", "A", bare))
    if clumsy:
        yield f"odd punctuation at {bare[max(0, clumsy.start() - 20) : clumsy.end() + 10]!r}"
    if re.search(r"[.。,;:]”\.", message):
        yield "odd punctuation at the end of what is quoted"
    if key and key in message:
        yield "the key"
