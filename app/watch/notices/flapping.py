"""Outages that come and go: after some within an hour only those are told that last."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from app.store.base import db
from app.store.watch.incidents import Incident

TOLD = 4
"""Outages within an hour that are told; the last of them says that shorter ones follow unsaid."""
_WITHIN = timedelta(hours=1)
LASTS = timedelta(minutes=15)


def nth_of(incident: Incident) -> int:
    """Which outage of its endpoint for its reason within an hour this is: 1 is the first."""
    alike = (Incident.endpoint_id == incident.endpoint_id) & (Incident.code == incident.code)
    earlier = (Incident.id != incident.id) & (Incident.opened > incident.opened - _WITHIN)
    before = earlier & (Incident.opened <= incident.opened)
    return 1 + (db.session.scalar(select(func.count()).select_from(Incident).where(alike & before)) or 0)


def is_one_more(incident: Incident, now: datetime) -> bool:
    """Whether it is one of those that nobody is told of yet."""
    return now - incident.opened < LASTS and nth_of(incident) > TOLD
