"""Taking the key out of what an endpoint said: it may stand there in any coding, for megabytes.

Only an endpoint's words come here, never a sentence of Muster's own. A key that is a secret is hidden whole
or in long pieces, in every coding that is commonly met. A key that could be any word (`ollama`, `none`) is
hidden only where keys stand: hidden everywhere, it would make names of models unreadable and keep nothing
secret.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from app.probe.transport.answer import Answer
from app.probe.values import HIDDEN, EndpointSettings

_SHORT_KEY = 12
_FEW_CHARACTERS = 6
_PIECE = 12
"""Of a secret, this many characters in a row give too much of it away."""
_HALF = _PIECE // 2
_CODED_PIECE = 20
"""The same of a coded one, which takes more characters for the same secret."""
_LONGEST_MASKED = 16
_MASK = re.compile(r"\*[*•]+|•[*•]+|…|\.\.\.+")
_TELLING = 4
"""Of a masked key, this many characters beside the mask are its beginning and its end, not chance."""
_CODED = re.compile(
    r"%[0-9a-f]{2}|\\\\{0,3}(?:u[0-9a-f]{4}|x[0-9a-f]{2}|[/\"])|&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});",
    re.I,
)
"""One character in percent, JSON, Python or HTML coding. Every way begins with one certain character, as
every mask does: that makes the search through whole bodies five times as fast."""
_ROUNDS = 2
"""How often a text is decoded: gateways code what was coded already."""

Span = tuple[int, int]


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of these, also what was put together of a stream, which may bring one in pieces."""
    for secret in secrets:
        text = without_key(text, secret)
    return text


def secrets_of(key: str, settings: EndpointSettings) -> tuple[str, ...]:
    """What a call sends that nobody may read: its key, and values of further headers that are no words."""
    return (key, *(value for _, value in settings.headers if is_secret(value)))


def without_key(text: str, key: str) -> str:
    """`text` with the key replaced by `HIDDEN`, in time linear in the text.

    So is a key that the endpoint itself has masked: of a short one that leaves nearly all to be read.
    """
    key = key.removeprefix("Bearer ")
    if not key or not text:
        return text
    if not is_secret(key):
        return _standing(key).sub(lambda found: found["before"] + HIDDEN, text)
    return _without_masked(_replaced(text, _spans(text, key)), key)


def cleaned(answer: Answer) -> Answer:
    """An answer without any secret that its own call sent.

    Every answer goes through here before anything else reads it.
    """
    for secret in secrets_of(answer.call.key, answer.call.settings):
        answer = hide_key(answer, secret)
    return answer


def hide_key(answer: Answer, key: str) -> Answer:
    """An answer without the key, before anything else reads it; the same one where the key is not in it.

    A key that could be any word stays: as a token of JSON it may be a value of the API's own. It is hidden
    where the words are quoted.
    """
    key = key.removeprefix("Bearer ")
    if not is_secret(key):
        return answer
    headers = {name: without_key(value, key) for name, value in answer.headers.items()}
    text = answer.text if not answer.headers.get("content-type", "").startswith(_NO_TEXT) else ""
    cleaned = without_key(text, key)
    if cleaned == text and headers == answer.headers:
        return answer
    body = answer.body if cleaned == text else cleaned.encode("utf-8", "replace")
    return replace(answer, body=body, headers=headers)


_NO_TEXT = ("audio/", "image/", "video/")


def is_secret(key: str) -> bool:
    """Whether a key could not be a word or a number of any text: long, and of many characters."""
    return len(key) >= _SHORT_KEY and not key.isdigit() and len(set(key)) >= _FEW_CHARACTERS


@lru_cache(maxsize=8)
def _standing(key: str) -> re.Pattern[str]:
    """A short key as a whole token where a key stands: after a word or a sign for one, or in quotes."""
    word = re.escape(key)
    named = r"\b(?:bearer|basic|api[ _-]?key|key|token|secret|password|credentials?)(?: is| was|:|=)?\s{1,2}"
    return re.compile(
        rf"(?P<before>{named}|[:=]\s?|{named}?[\"'`“‘])(?<![\w-])(?:{word})(?![\w/-]|\.\w)", re.I
    )


def _spans(text: str, key: str) -> list[Span]:
    """Where the key stands in a text, coded or not, in any order."""
    found: list[Span] = []
    view: _View | None = _View(text, None)
    for _ in range(_ROUNDS + 1):
        if view is None:
            break
        found += (view.original(span) for span in _places(view.text, key))
        view = view.decoded()
    return found


def _places(text: str, key: str) -> Iterator[Span]:
    """Where a piece stands: no step misses one, for each is long enough to hold one of these halves whole.

    So most of a text is looked at once, however long the key is.
    """
    halves, pieces = _halves(key), _pieces(key)
    for at in range(0, len(text) - _HALF + 1, _HALF):
        if text[at : at + _HALF] in halves:
            for length, wanted in pieces:
                for start in range(max(0, at + _HALF - length), at + 1):
                    if text[start : start + length] in wanted:
                        yield start, start + length


@lru_cache(maxsize=8)
def _codings(key: str) -> tuple[tuple[str, int], ...]:
    """The key in each coding of the whole, with the length of a piece that gives too much of it away."""
    raw = key.encode("utf-8", "replace")
    coded = {raw.hex(), raw.hex().upper()}
    for before in range(3):  # where it stands in what was encoded ("user:key") decides how it looks
        coded |= {_own_signs(coder(b" " * before + raw), before, len(raw), 6) for coder in _BASE64}
    for before in range(5):
        as_32 = _own_signs(base64.b32encode(b" " * before + raw), before, len(raw), 5)
        coded |= {as_32, as_32.lower()}
    plain = {key, json.dumps(key)[1:-1]}
    return (*((one, _PIECE) for one in plain), *((one, _CODED_PIECE) for one in coded))


def _own_signs(coded: bytes, before: int, length: int, bits: int) -> str:
    """The signs, of so many bits each, that the bytes after the first `before` alone decide."""
    return coded.decode()[-(-before * 8 // bits) : (before + length) * 8 // bits]


_BASE64 = (base64.b64encode, base64.urlsafe_b64encode)


@lru_cache(maxsize=8)
def _pieces(key: str) -> tuple[tuple[int, frozenset[str]], ...]:
    """Everything that gives too much of the key away, by its length."""
    found: dict[int, set[str]] = {}
    for one, wanted in _codings(key):
        length = min(wanted, len(one))
        found.setdefault(length, set()).update(_runs(one, length))
    return tuple((length, frozenset(some)) for length, some in found.items())


@lru_cache(maxsize=8)
def _halves(key: str) -> frozenset[str]:
    return frozenset(run for one, _ in _codings(key) for run in _runs(one, _HALF))


def _runs(text: str, length: int) -> Iterator[str]:
    return (text[at : at + length] for at in range(len(text) - length + 1))


@dataclass(frozen=True, slots=True)
class _View:
    """A text with its coded characters decoded, and the text that it was decoded from."""

    text: str
    coded: _View | None
    starts: tuple[int, ...] = ()
    """Where each decoded character stands in this text; `ends` where it ended in the coded one."""
    ends: tuple[int, ...] = ()

    def decoded(self) -> _View | None:
        """The same decoded once more; None where nothing is coded."""
        kept: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        place = length = 0
        for found in _CODED.finditer(self.text):
            sign = _sign(found.group())
            if len(sign) == 1:
                kept += (self.text[place : found.start()], sign)
                length += found.start() - place + 1
                starts.append(length - 1)
                place = found.end()
                ends.append(place)
        return (
            _View("".join((*kept, self.text[place:])), self, tuple(starts), tuple(ends)) if starts else None
        )

    def original(self, span: Span) -> Span:
        """The span of the text that all was decoded from."""
        if self.coded is None:
            return span
        first, last = span
        return self.coded.original((self._before(first), self._before(last - 1) + self._width(last - 1)))

    def _before(self, at: int) -> int:
        """Where the character at a place of this text begins in the coded one."""
        count = bisect_right(self.starts, at - 1)
        return at if not count else self.ends[count - 1] + at - self.starts[count - 1] - 1

    def _width(self, at: int) -> int:
        """How long that character is there."""
        index = bisect_right(self.starts, at) - 1
        is_coded = index >= 0 and self.starts[index] == at
        return self.ends[index] - self._before(at) if is_coded else 1


def _sign(coded: str) -> str:
    """The character that a coding stands for; the text itself where it stands for none."""
    bare = coded.lstrip("\\")
    try:
        if coded[0] == "%":
            return binascii.unhexlify(coded[1:]).decode("latin-1")
        if coded[0] == "&":
            return html.unescape(coded)
        return bare if bare in '/"' else chr(int(bare[1:], 16))
    except (ValueError, OverflowError):
        return coded


def _replaced(text: str, spans: Iterable[Span]) -> str:
    kept: list[str] = []
    place = begun = ended = 0
    for start, end in sorted(spans):
        if start > ended or not ended:
            if ended:
                kept += (text[place:begun], HIDDEN)
                place = ended
            begun = start
        ended = max(ended, end)
    if ended:
        kept += (text[place:begun], HIDDEN)
        place = ended
    return "".join((*kept, text[place:]))


def _without_masked(text: str, key: str) -> str:
    if _MASK.search(text) is None:
        return text
    kept: list[str] = []
    begun = 0
    longest = min(len(key), _LONGEST_MASKED)  # longer pieces are gone already
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
