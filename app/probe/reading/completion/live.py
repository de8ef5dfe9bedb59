"""The answer of a chat model while it comes: pieces for a person who watches, without secrets.

A piece of the stream may end in the middle of a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.probe.reading.completion.thinking import FIELDS
from app.probe.reading.redaction import without_secrets
from app.probe.transport.answer import parsed
from app.probe.transport.sse import events

_TAIL = 8192
_LONGEST_EVENT = 65_536
_VISIBLE = "".join(map(chr, range(33, 127)))
_PER_CHARACTER = 12
"""Signs that one character of a key takes at most, coded twice over (`\\\\u0073`, `%2573`)."""
_AT_LEAST = 64
_SHOWN = (*((name, True) for name in FIELDS), ("content", False), ("text", False))
"""The fields of a delta that hold text, and whether it is thinking."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the answer; `thinking` marks what the model thought first."""

    text: str
    thinking: bool = False


class KeylessText:
    """A text that grows. What may be the beginning of a secret waits until more of it is there.

    That is the last run of visible ASCII: in prose the last word, in Chinese nothing.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets
        longest = max(map(len, secrets), default=0)
        self._longest = max(_AT_LEAST, _PER_CHARACTER * longest) if longest else 0
        self._waiting = ""

    def take(self, piece: str) -> str:
        """What may be shown now that this piece has come."""
        self._waiting += piece
        cut = len(self._waiting.rstrip(_VISIBLE))
        if len(self._waiting) - cut > 2 * self._longest:
            # Longer than any secret: one that is whole goes now, one that is not begins within the rest.
            self._waiting = without_secrets(self._waiting, self._secrets)
            cut = max(0, len(self._waiting) - self._longest)
        shown, self._waiting = self._waiting[:cut], self._waiting[cut:]
        return without_secrets(shown, self._secrets)

    def end(self) -> str:
        """The rest: nothing more comes."""
        shown, self._waiting = without_secrets(self._waiting, self._secrets), ""
        return shown


class Tap:
    """Reads the stream while it comes: the client shows it the end of the body, this finds what is new."""

    def __init__(self, emit: Callable[[Piece], None], secrets: Sequence[str]) -> None:
        self._emit = emit
        self._total = 0
        self._rest = b""
        self._texts = {thinking: KeylessText(secrets) for thinking in (True, False)}

    def __call__(self, tail: bytes) -> bool:
        """Never ends the reading; the `[DONE]` of a stream is followed by its end."""
        fresh = tail[min(self._total, _TAIL) :]
        self._total += len(fresh)
        *whole, self._rest = (self._rest + fresh).replace(b"\r\n", b"\n").split(b"\n\n")
        for event in whole:
            for _, text in events(event + b"\n\n"):
                self._hear(text)
        if len(self._rest) > _LONGEST_EVENT:
            self._rest = b""  # each piece would cost as much as all before it; the end shows it anyway
        return False

    def end(self) -> None:
        """Hand on what was held back."""
        for thinking, text in self._texts.items():
            self._show(text.end(), thinking)

    def _show(self, text: str, thinking: bool) -> None:
        if text:
            self._emit(Piece(text, thinking))

    def _hear(self, text: str) -> None:
        try:
            choice = (parsed(text) or {})["choices"][0]
            delta = choice.get("delta") or choice
        except (KeyError, IndexError, TypeError, AttributeError):
            return
        for name, thinking in _SHOWN if isinstance(delta, Mapping) else ():
            if isinstance(delta.get(name), str):
                self._show(self._texts[thinking].take(delta[name]), thinking)
