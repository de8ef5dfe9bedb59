"""How long an endpoint asks to be left alone, in whatever way it says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

_DURATION = r"\d{1,9}(?:\.\d{1,9})?\s?(?:ms|s(?:ec\w*)?|m(?:in\w*)?|h(?:ours?)?|d(?:ays?)?)(?![a-z])"
_CLOCK = r"(?:(?P<days>\d{1,3})\.)?(?P<hours>\d{1,3}):(?P<minutes>\d\d):(?P<seconds>\d\d)\b"
_RETRY_WORDS = re.compile(
    rf"(?:try again|retry|wait|available|reset|replenished)[^.]{{0,40}}?\b"
    rf"(?:(?P<durations>{_DURATION}(?:,?\s?{_DURATION}){{0,3}})|in {_CLOCK})",
    re.I,
)
_ONE_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s?(ms|[smhd])", re.I)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_RETRY_HEADERS = {"retry-after-ms": 0.001, "retry-after": 1.0, "x-ratelimit-reset-after": 1.0}
_RETRY_FIELDS = ("estimated_time", "retry_after", "retryDelay", "retry_after_seconds")
_NUMBER = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)s?\s*")


def wait_of(headers: Mapping[str, str], parts: Iterable[Mapping[str, Any]], text: str) -> float | None:
    """Seconds to wait, as the headers say, else the fields in `parts` of the body, else its words."""
    for name, scale in _RETRY_HEADERS.items():
        told = _NUMBER.fullmatch(headers.get(name, "")[:40])
        if told:
            return float(told.group(1)) * scale
    dated = _seconds_until(headers.get("retry-after", ""), headers.get("date", ""))
    if dated is not None:
        return dated
    for part in parts:
        for name in _RETRY_FIELDS:
            seconds = _NUMBER.fullmatch(str(part.get(name, ""))[:40])
            if seconds:
                return float(seconds.group(1))
    return _retry_in_words(text)


def _seconds_until(until: str, now: str) -> float | None:
    """From the server's own `Date` to the date of a Retry-After (RFC 9110, 10.2.3), where both are dates."""
    try:
        return max(0.0, (parsedate_to_datetime(until) - parsedate_to_datetime(now)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _retry_in_words(text: str) -> float | None:
    """Seconds of "try again in 7m12s", "wait 20 seconds", "replenished in 2.08:23:11" (2 days)."""
    found = _RETRY_WORDS.search(text)
    if not found:
        return None
    if found["hours"]:
        clock = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
        return float(sum(int(found[name] or 0) * scale for name, scale in clock))
    return sum(
        float(number) * _SECONDS[unit.lower()] for number, unit in _ONE_DURATION.findall(found["durations"])
    )
