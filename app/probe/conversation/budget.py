"""The tokens that one probe may use: what was counted, and what calls under way may still take."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_LOOK_S = 0.1
"""Seconds between two looks at the clock while a check waits for room."""


@dataclass(slots=True)
class Budget:
    """Safe to use from any thread. `limit` is in tokens, prompts and answers together."""

    limit: int
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    _reserved: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def grow(self, limit: int) -> None:
        """Allow this many tokens, where that is more than before."""
        with self._changed:
            self.limit = max(self.limit, limit)
            self._changed.notify_all()

    def count(self, prompt_tokens: int, completion_tokens: int) -> None:
        """A call was made that cost so much, as the endpoint counted it."""
        with self._changed:
            self.calls += 1
            self.prompt_tokens += prompt_tokens
            self.completion_tokens += completion_tokens

    @contextmanager
    def room(self, tokens: int, until: float) -> Iterator[bool]:
        """Set tokens aside for a call, and give them back after it, when its own are counted.

        Where there is no room, wait for the calls under way to give theirs back, until `until` (monotonic).
        Yields whether there is room.
        """
        granted = self._reserve(tokens, until)
        try:
            yield granted
        finally:
            if granted:
                with self._changed:
                    self._reserved -= tokens
                    self._changed.notify_all()

    def _reserve(self, tokens: int, until: float) -> bool:
        with self._changed:
            while not self._fits(tokens):
                if not self._reserved or time.monotonic() >= until:
                    return False
                self._changed.wait(_LOOK_S)
            self._reserved += tokens
            return True

    def _fits(self, tokens: int) -> bool:
        return self.prompt_tokens + self.completion_tokens + self._reserved + tokens <= self.limit
