"""What is kept for a while: key controls, keys of rejected forms, answers to repeated calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, UTCDateTime, new_id, now
from app.store.vault import place


class KeyControl(Base):
    """When a wrong key was last tried at an origin: some servers lock out an address after several."""

    __tablename__ = "key_controls"

    origin: Mapped[str] = mapped_column(String(300), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class HeldKey(Base):
    """A key typed into a form whose probe was rejected, sealed, so that a second try need not ask again."""

    __tablename__ = "held_keys"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    origin: Mapped[str] = mapped_column(String(300))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)

    @property
    def place(self) -> str:
        """Where the key belongs: it opens for this origin only."""
        return place("held_keys", self.id, "key", self.origin)


class Trial(Base):
    """An accepted probe that registered nothing: its model may still be registered with it, for a while."""

    __tablename__ = "trials"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    """A keyed hash of everything that was asked, the key among it."""
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class StopMark(Base):
    """One probe of many that somebody watches is not wanted any more; the process that runs it looks here."""

    __tablename__ = "stop_marks"

    batch: Mapped[str] = mapped_column(String(36), primary_key=True)
    """Which sending of the form it is, as the page called it."""
    place: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now, index=True)


class IdempotentAnswer(Base):
    """What the first call with an Idempotency-Key was answered; without a status it is still at work."""

    __tablename__ = "idempotent_answers"
    __table_args__ = (UniqueConstraint("caller", "key"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    caller: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(255))
    request: Mapped[str] = mapped_column(String(64))
    """A keyed hash of method, path and body: the body may hold an API key."""
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now, index=True)
    leased: Mapped[datetime] = mapped_column(UTCDateTime)
    """Until then its owner is believed to be at work."""
    holder: Mapped[str | None] = mapped_column(String(36))
    """The mark of the process at work (`living`): where it has ended, its lease has too."""
    status: Mapped[int | None]
    headers: Mapped[dict[str, str] | None] = mapped_column(JSON)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
