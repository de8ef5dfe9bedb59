"""Times that people and programs state: one rule for what is one."""

from __future__ import annotations

from datetime import UTC, datetime

_YEARS = range(2000, 9000)
"""Those that every time zone and every database knows."""


def time_of(text: str) -> datetime | None:
    """A time with its zone (RFC 3339), in UTC; None where it is none, or of a year that not all know."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo and moment.year in _YEARS else None
