"""How long a key holds, where it says so itself: a JSON Web Token does (RFC 7519, 4.1.4 to 4.1.6).

Most keys are opaque, and only who made them knows their end.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any

from app.probe.values import Validity
from app.store.base import time_of

_PARTS, _LONGEST = 3, 16_384


def life_of(key: str) -> Validity | None:
    """From when until when a key holds; None where it does not tell. Nothing is verified or kept."""
    parts = key.split(".")
    if len(parts) != _PARTS or len(key) > _LONGEST:
        return None
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    ends = _moment(claims, "exp")
    return Validity(_moment(claims, "iat") or _moment(claims, "nbf"), ends) if ends else None


def stated_end(text: str) -> datetime | None:
    """The end that a person states: a day, from its beginning (UTC) on, or a time of RFC 3339; else None."""
    return time_of(text if "T" in text.upper() else f"{text}T00:00:00Z")


def _moment(claims: Any, name: str) -> datetime | None:
    seconds = claims.get(name) if isinstance(claims, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=0)
    except (OverflowError, ValueError, OSError):
        return None
