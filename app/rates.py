"""How often somebody may ask: so many times a minute, counted in memory by each web process for itself.

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


def init_app(app: Flask) -> None:
    """Give the application counts of its own."""
    app.extensions[_NAME] = FixedWindowRateLimiter(MemoryStorage())


def take(key: str, a_minute: int) -> None:
    """Count one for this key; ApiError 429 where that is one too many. 0 means no limit."""
    if a_minute and not _counts().hit(_item(a_minute), key):
        raise _too_often(key, a_minute)


def require_left(key: str, a_minute: int) -> None:
    """ApiError 429 where nothing is left for this key; counts nothing."""
    if a_minute and not _counts().test(_item(a_minute), key):
        raise _too_often(key, a_minute)


def note(key: str, a_minute: int) -> None:
    """Count one for this key, whatever is left."""
    if a_minute:
        _counts().hit(_item(a_minute), key)


def _counts() -> FixedWindowRateLimiter:
    counts: FixedWindowRateLimiter = current_app.extensions[_NAME]
    return counts


@cache
def _item(a_minute: int) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(a_minute)


def _too_often(key: str, a_minute: int) -> ApiError:
    wait = ceil(_counts().get_window_stats(_item(a_minute), key).reset_time - time.time())
    message = "Too many requests. Wait as long as Retry-After says, then go on."
    return ApiError("rate_limited", message, 429, headers={"Retry-After": str(max(1, wait))})
