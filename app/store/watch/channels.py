"""Where people are told, what was sent there, and when nobody is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, UTCDateTime, db, new_id, now
from app.store.vault import place


class Channel(Base):
    """Where news goes. Its address may hold a secret, so it is sealed; its host is for people."""

    __tablename__ = "channels"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(16))
    host: Mapped[str] = mapped_column(String(300))
    url_ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    secret_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    filter: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    enabled: Mapped[bool] = mapped_column(default=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    def place_of(self, field: str) -> str:
        """Where a sealed value of this row belongs."""
        return place("channels", self.id, field, "")

    @classmethod
    def by_id(cls, id: str) -> Self | None:
        """The channel with this id, or None."""
        return db.session.get(cls, id)

    @classmethod
    def listening(cls) -> list[Self]:
        """Every channel that is enabled."""
        return list(db.session.scalars(select(cls).where(cls.enabled.is_(True)).order_by(cls.id)))


class Delivery(Base):
    """A message to a channel: `pending` until `due`, then sent, tried again, or given up."""

    __tablename__ = "deliveries"
    __table_args__ = (Index(None, "state", "due"), Index(None, "channel_id", "id"), Index(None, "topic"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    channel_id: Mapped[str] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(32))
    topic: Mapped[str] = mapped_column(String(200), default="")
    body: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(8), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    due: Mapped[datetime] = mapped_column(UTCDateTime)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    sent: Mapped[datetime | None] = mapped_column(UTCDateTime)
    message: Mapped[str] = mapped_column(Text, default="")

    @classmethod
    def last_of(cls, channel_id: str) -> Self | None:
        """The newest delivery of a channel that was tried."""
        query = select(cls).where(cls.channel_id == channel_id, cls.attempts > 0)
        return db.session.scalars(query.order_by(cls.id.desc()).limit(1)).first()


class Maintenance(Base):
    """A window in which nobody is told: of a model, an endpoint, a tag, or anything."""

    __tablename__ = "maintenance"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    scope: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str | None] = mapped_column(String(128))
    begins: Mapped[datetime] = mapped_column(UTCDateTime)
    ends: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    reason: Mapped[str] = mapped_column(String(400), default="")
    created_by: Mapped[str] = mapped_column(String(400), default="")

    @classmethod
    def at(cls, moment: datetime) -> list[Self]:
        """The windows that are open at this moment."""
        return list(db.session.scalars(select(cls).where(cls.begins <= moment, cls.ends > moment)))
