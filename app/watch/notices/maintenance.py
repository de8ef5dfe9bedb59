"""Maintenance windows as people and programs open and close them: while one lasts, nobody is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, select

from app.access import audit
from app.access.actors import Actor
from app.errors import ApiError
from app.store.base import db, new_id
from app.store.watch.channels import Maintenance
from app.watch.incidents import stamp

LONGEST = timedelta(days=90)


def windows(now: datetime) -> Select[Maintenance]:
    """The windows that are open or to come, the one that ends first in front."""
    return select(Maintenance).where(Maintenance.ends > now).order_by(Maintenance.ends, Maintenance.id)


def is_span(begins: datetime, ends: datetime | None, now: datetime) -> bool:
    """Whether a window may last so: its end ahead, after its begin, at most 90 days after it."""
    return ends is not None and timedelta(0) < ends - begins <= LONGEST and ends > now


def open_window(
    scope: str, subject: str | None, begins: datetime, ends: datetime, reason: str, actor: Actor
) -> Maintenance:
    """Have nobody told of the subject (None: of anything) for a while. Commits."""
    row = Maintenance(id=new_id(), scope=scope, subject=subject, begins=begins, ends=ends)
    row.reason, row.created_by = reason, actor.label
    db.session.add(row)
    audit.record(actor, "maintenance.opened", subject=subject or scope, detail={"ends": stamp(ends)})
    db.session.commit()
    return row


def close_window(id: str, actor: Actor) -> None:
    """End a window now; ApiError 404. Commits."""
    row = db.session.get(Maintenance, id)
    if row is None:
        raise ApiError("not_found", "There is no maintenance window with this id.", field="id")
    db.session.delete(row)
    audit.record(actor, "maintenance.closed", subject=row.subject or row.scope)
    db.session.commit()
