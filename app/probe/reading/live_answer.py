"""The answer of a chat model while it comes: pieces for a person who watches, without the key."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.probe.reading.keyless_stream import KeylessText
from app.probe.transport.sse import events

_TAIL = 8192
_LONGEST_EVENT = 65_536


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the answer; `thinking` marks what the model thought first."""

    text: str
    thinking: bool = False


class Tap:
    """Reads the stream while it comes: the client shows it the end of the body, this finds what is new."""

    def __init__(self, emit: Callable[[Piece], None], key: str) -> None:
        self._emit = emit
        self._total = 0
        self._rest = b""
        self._texts = {thinking: KeylessText(key) for thinking in (True, False)}

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
            choices = json.loads(text)["choices"]
            delta = choices[0].get("delta") or choices[0]
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return
        if not isinstance(delta, Mapping):
            return
        for name, thinking in (
            ("reasoning_content", True),
            ("reasoning", True),
            ("content", False),
            ("text", False),
        ):
            if isinstance(delta.get(name), str) and delta[name]:
                self._show(self._texts[thinking].take(delta[name]), thinking)
