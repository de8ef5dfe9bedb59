"""Rate limits: so many requests a minute, counted in memory by each web process.

The library `limits` counts; Flask-Limiter around it cost more than all the rest of a short answer.
"""

from __future__ import annotations

import time
from functools import cache
from math import ceil

from flask import Flask, current_app
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from app.errors import ApiError

_NAME = "muster_rates"


class Rates:
    """The counts of one application. A limit of 0 a minute is none."""

    def __init__(self) -> None:
        self._counts = FixedWindowRateLimiter(MemoryStorage())

    def take(self, key: str, a_minute: int) -> None:
        """Count one for this key; ApiError 429 if that is one too many."""
        if a_minute and not self._counts.hit(_item(a_minute), key):
            raise self._too_often(key, a_minute)

    def is_first(self, key: str) -> bool:
        """Whether nobody asked this with the same key within the minute."""
        return self._counts.hit(_item(1), key)

    def _too_often(self, key: str, a_minute: int) -> ApiError:
        reset = self._counts.get_window_stats(_item(a_minute), key).reset_time
        message = "Too many requests. Wait as long as Retry-After says, then go on."
        wait = max(1, ceil(reset - time.time()))
        return ApiError("rate_limited", message, headers={"Retry-After": str(wait)})


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
