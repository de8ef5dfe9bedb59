"""The probes of a model."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    String,
    false,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, UTCDateTime, db, new_id, now


class Probe(Base):
    """One run against an endpoint, with its whole report."""

    __tablename__ = "probes"
    __table_args__ = (Index(None, "model_pk", "id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    model_pk: Mapped[str | None] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"))
    verdict: Mapped[str] = mapped_column(String(16))
    started: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    duration_ms: Mapped[int] = mapped_column(default=0)
    trigger: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(400), default="")
    changed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it saw a change of the model: then it is kept for good."""
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    @classmethod
    def by_id(cls, id: str) -> Self | None:
        """The probe with this id, or None."""
        return db.session.get(cls, id)

    @classmethod
    def of_model(cls, model_pk: str, limit: int, cursor: str | None = None) -> list[Self]:
        """At most `limit` probes of a model, newest first, those after the id `cursor`."""
        query = select(cls).where(cls.model_pk == model_pk)
        if cursor is not None:
            query = query.where(cls.id < cursor)
        return list(db.session.scalars(query.order_by(cls.id.desc()).limit(limit)))
