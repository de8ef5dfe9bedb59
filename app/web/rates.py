"""Rate limits: so many requests a minute.

On PostgreSQL all machines count together (`app.access.rate_counts`); with the embedded database each web
process counts in its memory. The library `limits` does that too, but its counts in memory start a thread for
about every request, which cost as much as looking at the token.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from math import ceil

from flask import Flask, current_app

from app.access import rate_counts
from app.errors import ApiError
from app.store.base import db

_NAME = "muster_rates"
_MINUTE_S = 60


class Rates:
    """The counts of one application. A limit of 0 a minute is none."""

    def __init__(self) -> None:
        self._own = _Own()
        self._shared = _Shared()

    def take(self, key: str, a_minute: int) -> None:
        """Count one for this key; ApiError 429 if that is one too many."""
        if not a_minute:
            return
        if db.engine.dialect.name == "postgresql":
            if not self._shared.take(key, a_minute):
                raise _too_often(_MINUTE_S - time.time() % _MINUTE_S)
            return
        counted, left_s = self._own.count(key)
        if counted > a_minute:
            raise _too_often(left_s)

    def is_first(self, key: str) -> bool:
        """Whether nobody asked this process with the same key within the minute."""
        return self._own.count(key)[0] == 1


@dataclass(slots=True)
class _Window:
    """A minute that began with a key's first request; `ends` is a moment of the monotonic clock."""

    ends: float
    counted: int = 0


class _Own:
    """What this process counts for itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, _Window] = {}
        """In the order in which they end, since all are as long."""

    def count(self, key: str) -> tuple[int, float]:
        """Count one for this key: how many that makes in its minute, and the seconds that are left of it."""
        with self._lock:
            moment = time.monotonic()
            self._drop_ended(moment)
            window = self._windows.setdefault(key, _Window(moment + _MINUTE_S))
            window.counted += 1
            return window.counted, window.ends - moment

    def _drop_ended(self, moment: float) -> None:
        while self._windows:
            oldest = next(iter(self._windows))
            if self._windows[oldest].ends > moment:
                return
            del self._windows[oldest]


class _Shared:
    """What this process was granted of the counts that all machines share, and has not used yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._left: dict[str, int] = {}

    def take(self, key: str, a_minute: int) -> bool:
        """Use one; whether there was one."""
        minute = int(time.time() // _MINUTE_S)
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
