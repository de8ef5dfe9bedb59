"""How often somebody may ask: so many times a minute, counted in memory by each web process for itself.

Own lines and no library: Flask-Limiter costs more than all the rest of a short answer, and `limits` under it
starts a thread every hundredth of a second while it counts in memory.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from math import ceil
from typing import cast

from flask import Flask, current_app

from app.errors import ApiError

WINDOW_S = 60.0
_NAME = "muster_rates"
_MANY = 10_000


@dataclass(slots=True)
class Rates:
    """How often each key was counted in its minute, which begins when the key is counted first."""

    counts: dict[str, tuple[float, int]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: str) -> int:
        """Count one; gives how many there are."""
        with self.lock:
            moment = time.monotonic()
            until, count = self._window(key, moment)
            self.counts[key] = until, count + 1
            if len(self.counts) > _MANY:
                self.counts = {name: kept for name, kept in self.counts.items() if kept[0] > moment}
            return count + 1

    def seen(self, key: str) -> tuple[float, int]:
        """Seconds until this key's minute ends, and how many there are."""
        moment = time.monotonic()
        until, count = self._window(key, moment)
        return until - moment, count

    def _window(self, key: str, moment: float) -> tuple[float, int]:
        kept = self.counts.get(key)
        return kept if kept and kept[0] > moment else (moment + WINDOW_S, 0)


def init_app(app: Flask) -> None:
    """Give the application counts of its own."""
    app.extensions[_NAME] = Rates()


def take(key: str, a_minute: int) -> None:
    """Count one for this key; ApiError 429 where that is one too many. 0 means no limit."""
    if a_minute and _rates().add(key) > a_minute:
        raise _too_often(key)


def require_left(key: str, a_minute: int) -> None:
    """ApiError 429 where nothing is left for this key; counts nothing."""
    if a_minute and _rates().seen(key)[1] >= a_minute:
        raise _too_often(key)


def note(key: str, a_minute: int) -> None:
    """Count one for this key, whatever is left."""
    if a_minute:
        _rates().add(key)


def _rates() -> Rates:
    return cast(Rates, current_app.extensions[_NAME])


def _too_often(key: str) -> ApiError:
    wait = max(1, ceil(_rates().seen(key)[0]))
    message = "Too many requests. Wait as long as Retry-After says, then go on."
    return ApiError("rate_limited", message, 429, headers={"Retry-After": str(wait)})
