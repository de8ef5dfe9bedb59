"""Rate limits: so many requests a minute.

On PostgreSQL all machines count together (`app.access.rate_counts`); with the embedded database each web
process counts in its memory. Flask-Limiter around the library `limits` cost more than all the rest of a
short answer.
"""

from __future__ import annotations

import threading
import time
from functools import cache
from math import ceil

from flask import Flask, current_app
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from app.access import rate_counts
from app.errors import ApiError
from app.store.base import db

_NAME = "muster_rates"


class Rates:
    """The counts of one application. A limit of 0 a minute is none."""

    def __init__(self) -> None:
        self._counts = FixedWindowRateLimiter(MemoryStorage())
        self._shared = _Shared()

    def take(self, key: str, a_minute: int) -> None:
        """Count one for this key; ApiError 429 if that is one too many."""
        if not a_minute:
            return
        if db.engine.dialect.name == "postgresql":
            if not self._shared.take(key, a_minute):
                raise _too_often(60 - time.time() % 60)
        elif not self._counts.hit(_item(a_minute), key):
            raise _too_often(self._counts.get_window_stats(_item(a_minute), key).reset_time - time.time())

    def is_first(self, key: str) -> bool:
        """Whether nobody asked this process with the same key within the minute."""
        return self._counts.hit(_item(1), key)


class _Shared:
    """What this process was granted of the counts that all machines share, and has not used yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._left: dict[str, int] = {}

    def take(self, key: str, a_minute: int) -> bool:
        """Use one; whether there was one."""
        minute = int(time.time() // 60)
        if self._used(key, minute):
            return True
        if self._left.get(key) == 0:
            return False  # it was refused within this minute: the database need not say so again
        granted = rate_counts.granted(key, minute, a_minute)
        with self._lock:
            if not granted:
                self._left[key] = 0
            elif granted > 1:
                self._left[key] = self._left.get(key, 0) + granted - 1
        return bool(granted)

    def _used(self, key: str, minute: int) -> bool:
        with self._lock:
            if minute != self._minute:
                self._minute, self._left = minute, {}
            left = self._left.get(key, 0)
            if left > 1:
                self._left[key] = left - 1
            elif left:
                del self._left[key]  # not 0, which means refused
            return left > 0


def _too_often(wait_s: float) -> ApiError:
    message = "Too many requests. Wait as long as Retry-After says, then go on."
    return ApiError("rate_limited", message, headers={"Retry-After": str(max(1, ceil(wait_s)))})


def init_app(app: Flask) -> None:
    """Give the application counts of its own."""
    app.extensions[_NAME] = Rates()


def current() -> Rates:
    """The counts of the application that is current."""
    counts: Rates = current_app.extensions[_NAME]
    return counts


@cache
def _item(a_minute: int) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(a_minute)
