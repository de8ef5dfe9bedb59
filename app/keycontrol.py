"""When a wrong key was last tried at an origin: some servers lock out an address after a few (docs/probe.md).

A claim is taken before a probe and given back where the probe never came to the control, so that a typing
error in the form does not use up the one control that an origin gets in an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from app.models import KeyControl, db, now
from app.probe.controls import WRONG_KEY
from app.probe.types import Report

AT_MOST_EVERY = timedelta(hours=1)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to try a wrong key at an origin now."""

    origin: str
    at: datetime


def origin_of(url: str) -> str:
    """Scheme, host and port of a valid URL, in lower case, the port always said."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{parts.port or _PORTS[parts.scheme]}"


def claim(origin: str) -> Claim | None:
    """The right to try, or None where somebody tried within the hour. Commits a transaction of its own."""
    taken = Claim(origin[:300], now())
    old = (KeyControl.origin == taken.origin) & (KeyControl.at < taken.at - AT_MOST_EVERY)
    try:
        with db.engine.begin() as connection:
            if connection.execute(update(KeyControl).where(old).values(at=taken.at)).rowcount == 0:
                connection.execute(insert(KeyControl).values(origin=taken.origin, at=taken.at))
    except IntegrityError:
        return None
    return taken


def release(taken: Claim) -> None:
    """Give an unused claim back. Commits a transaction of its own."""
    mine = (KeyControl.origin == taken.origin) & (KeyControl.at == taken.at)
    with db.engine.begin() as connection:
        connection.execute(delete(KeyControl).where(mine))


def was_used(report: Report | None) -> bool:
    """Whether a wrong key was sent. A probe that broke off may have sent one, so that counts as used."""
    if report is None:
        return True
    return any(check.name == WRONG_KEY and check.status != "skipped" for check in report.checks)
