"""People and programs: accounts, tokens, and what signing in leaves behind."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from flask_login import UserMixin
from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    LargeBinary,
    String,
    UniqueConstraint,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, UTCDateTime, db, new_id, now


class User(Base, UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """A person who signs in. `email` is kept in lower case."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    password_hash: Mapped[str] = mapped_column(String(256))
    """Empty for who signs in through the provider alone: no password fits."""
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(default=True)
    issuer: Mapped[str | None] = mapped_column(String(512))
    subject: Mapped[str | None] = mapped_column(String(255))
    """Who this person is at the provider that they sign in through; both or none."""
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    last_signin: Mapped[datetime | None] = mapped_column(UTCDateTime)
    news_read: Mapped[str | None] = mapped_column(String(36))
    """The event of the audit log up to which this person has read what happened to their account."""
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Encrypted; None without a second factor."""
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    """The step of time of the code that was used last: no code is taken twice."""

    @property
    def is_active(self) -> bool:
        """Whether this person may sign in (Flask-Login asks)."""
        return self.active

    @classmethod
    def exists(cls) -> bool:
        """Whether there is any user."""
        return db.session.scalars(select(cls.id).limit(1)).first() is not None

    @classmethod
    def by_email(cls, email: str) -> Self | None:
        """The user with this address in any letter case, or None."""
        return db.session.scalars(select(cls).where(cls.email == email.strip().lower())).first()


class Token(Base):
    """What a program signs in with. Only the hash is kept; `shown` is the part that people may see.

    `user_id` is the person who made it and with whom it ends; None for one made on the command line.
    """

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(128))
    shown: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    created_by: Mapped[str] = mapped_column(String(400), default="")
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_used: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @classmethod
    def newest(cls) -> list[Self]:
        """Every token, revoked ones too, newest first."""
        return list(db.session.scalars(select(cls).order_by(cls.id.desc())))


class BrowserSession(Base):
    """One browser that somebody is signed in with. Only the hash of what its cookie holds is kept."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now, index=True)
    seen: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    address: Mapped[str] = mapped_column(String(64), default="")
    browser: Mapped[str] = mapped_column(String(200), default="")
    provider_session: Mapped[str | None] = mapped_column(String(255), index=True)
    """The provider's own name of the session (`sid`) that this one began from."""


class ShownOnce(Base):
    """A secret that waits for the one page that shows it, encrypted with a key that only the cookie holds."""

    __tablename__ = "shown_once"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class RecoveryCode(Base):
    """What lets somebody in once in place of their second factor; only its hash is kept."""

    __tablename__ = "recovery_codes"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)


class SigninCount(Base):
    """How often somebody tried to sign in since a moment, by address or by account; `who` is a hash."""

    __tablename__ = "signin_counts"

    who: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    count: Mapped[int]


class RateCount(Base):
    """How many requests somebody was granted within a minute (of the epoch); `who` is a hash.

    PostgreSQL keeps it UNLOGGED: a crash may lose it.
    """

    __tablename__ = "rate_counts"

    who: Mapped[str] = mapped_column(String(64), primary_key=True)
    minute: Mapped[int]
    count: Mapped[int]
