"""The feed of everything that changed, for programs that follow it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from sqlalchemy import JSON, BigInteger, Index, String, event, insert, select, update
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from app.store.audit_events import AuditEvent
from app.store.base import Base, UTCDateTime, db, now

_PENDING = "muster_events"
_OF_THE_AUDIT: Mapping[str, str] = {
    "model.registered": "registration",
    "model.updated": "change",
    "model.enabled": "change",
    "model.disabled": "change",
    "model.deleted": "deletion",
}


class EventCount(Base):
    """One row: the number of the last event."""

    __tablename__ = "event_counts"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(BigInteger)


class FeedEvent(Base):
    """One change. It outlives what it tells of, so its ids refer to nothing."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "model_pk", "number"),)

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    kind: Mapped[str] = mapped_column(String(32))
    model_pk: Mapped[str | None] = mapped_column(String(36))
    endpoint_id: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    @classmethod
    def add(
        cls,
        kind: str,
        *,
        model_pk: str | None = None,
        endpoint_id: str | None = None,
        at: datetime | None = None,
        **detail: Any,
    ) -> None:
        """Have an event written when the transaction at hand is committed."""
        row = {"kind": kind, "model_pk": model_pk, "endpoint_id": endpoint_id, "detail": detail}
        db.session.info.setdefault(_PENDING, []).append(row | {"at": at or now()})

    @classmethod
    def after(cls, number: int, limit: int) -> list[Self]:
        """At most `limit` events after the one with this number, the oldest first."""
        query = select(cls).where(cls.number > number).order_by(cls.number).limit(limit)
        return list(db.session.scalars(query))


@event.listens_for(db.session, "after_flush")
def _follow_audit(session: Session, _context: UOWTransaction) -> None:
    for row in session.new:
        if isinstance(row, AuditEvent) and row.action in _OF_THE_AUDIT:
            fields = sorted((row.detail or {}).get("changes", {})) or None
            more: dict[str, Any] = {"fields": fields} if fields else {}
            FeedEvent.add(
                _OF_THE_AUDIT[row.action],
                model_pk=row.model_pk,
                action=row.action,
                subject=row.subject,
                **more,
            )


@event.listens_for(db.session, "before_commit")
def _number(session: Session) -> None:
    """Number the events last of all: who counts holds the count until the end of the transaction, so numbers
    become visible in their order, and a reader who has seen one has seen all before it.
    """
    session.flush()
    pending: list[dict[str, Any]] = session.info.pop(_PENDING, [])
    if pending:
        counted = update(EventCount).where(EventCount.id == 1).values(value=EventCount.value + len(pending))
        session.execute(counted)
        last = session.scalar(select(EventCount.value).where(EventCount.id == 1)) or len(pending)
        first = last - len(pending) + 1
        rows = [row | {"number": first + place} for place, row in enumerate(pending)]
        session.execute(insert(FeedEvent), rows)


@event.listens_for(db.session, "after_soft_rollback")
def _forget(session: Session, _transaction: Any) -> None:
    session.info.pop(_PENDING, None)
