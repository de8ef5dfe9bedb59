"""The feed of everything that changed, for programs that follow it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from sqlalchemy import JSON, BigInteger, Index, String, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, UTCDateTime, db, now


class EventCount(Base):
    """One row: the number of the last event. Who adds one holds it until the end of the transaction, so
    that numbers become visible in their order, and a reader who has seen one has seen all before it.
    """

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
        """Add an event to the transaction at hand."""
        counted = update(EventCount).where(EventCount.id == 1).values(value=EventCount.value + 1)
        db.session.execute(counted)
        number = db.session.scalar(select(EventCount.value).where(EventCount.id == 1))
        row = {"kind": kind, "model_pk": model_pk, "endpoint_id": endpoint_id, "detail": detail}
        db.session.execute(insert(cls).values(number=number, at=at or now(), **row))

    @classmethod
    def after(cls, number: int, limit: int) -> list[Self]:
        """At most `limit` events after the one with this number, the oldest first."""
        query = select(cls).where(cls.number > number).order_by(cls.number).limit(limit)
        return list(db.session.scalars(query))
