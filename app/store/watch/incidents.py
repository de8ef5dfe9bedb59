"""Incidents: what is wrong at one endpoint for one reason, with its models and its timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Index, String, Text, false, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.store.base import Base, UTCDateTime, db, new_id

INCIDENT = "incidents.id"


class Incident(Base):
    """Open until `resolved`. `open_key` names endpoint and reason while it is open: there is only one."""

    __tablename__ = "incidents"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    open_key: Mapped[str | None] = mapped_column(String(160), unique=True)
    endpoint_id: Mapped[str | None] = mapped_column(String(64), index=True)
    """None where the trouble is Muster's own."""
    endpoint_name: Mapped[str] = mapped_column(String(300))
    code: Mapped[str] = mapped_column(String(64))
    message: Mapped[str] = mapped_column(Text)
    opened: Mapped[datetime] = mapped_column(UTCDateTime)
    resolved: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    acknowledged: Mapped[datetime | None] = mapped_column(UTCDateTime)
    acknowledged_by: Mapped[str | None] = mapped_column(String(400))
    note: Mapped[str | None] = mapped_column(Text)
    reminded: Mapped[datetime | None] = mapped_column(UTCDateTime)
    hushed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """It was opened during maintenance, or ended in it, or is one more of many: nobody was told of it yet."""
    members: Mapped[list[IncidentModel]] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    timeline: Mapped[list[IncidentEvent]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="IncidentEvent.id"
    )

    @classmethod
    def by_id(cls, id: str) -> Self | None:
        """The incident with this id, or None."""
        return db.session.get(cls, id)

    @classmethod
    def open_with(cls, open_key: str) -> Self | None:
        """The open incident of an endpoint for a reason, or None."""
        return db.session.scalars(select(cls).where(cls.open_key == open_key)).first()

    @classmethod
    def last_of_model(cls, model_pk: str, most: int) -> list[Self]:
        """The newest incidents that this model was ever in, open or over."""
        query = select(cls).join(IncidentModel).where(IncidentModel.model_pk == model_pk)
        return list(db.session.scalars(query.order_by(cls.id.desc()).limit(most)))

    @classmethod
    def open_of_models(cls, ids: list[str] | set[str]) -> list[Self]:
        """The open incidents that one of these models is in now."""
        theirs = select(IncidentModel.incident_id).where(
            IncidentModel.model_pk.in_(ids), IncidentModel.left.is_(None)
        )
        query = select(cls).where(cls.id.in_(theirs), cls.resolved.is_(None)).order_by(cls.id)
        return list(db.session.scalars(query))


class IncidentModel(Base):
    """A model in an incident, from `joined` until it `left`. Its name outlives it."""

    __tablename__ = "incident_models"
    __table_args__ = (Index(None, "model_pk"),)

    incident_id: Mapped[str] = mapped_column(ForeignKey(INCIDENT, ondelete="CASCADE"), primary_key=True)
    model_pk: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    joined: Mapped[datetime] = mapped_column(UTCDateTime)
    left: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @classmethod
    def down_with(cls, incident_id: str) -> list[str]:
        """The ids of the models that an incident takes down now."""
        query = select(cls.model_pk).where(cls.incident_id == incident_id, cls.left.is_(None))
        return list(db.session.scalars(query))


class IncidentEvent(Base):
    """A line of an incident's timeline: opened, joined, left, look, acknowledged, reminded, resolved."""

    __tablename__ = "incident_events"
    __table_args__ = (Index(None, "incident_id", "id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    incident_id: Mapped[str] = mapped_column(ForeignKey(INCIDENT, ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    kind: Mapped[str] = mapped_column(String(16))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
