"""What people were told of certificates and keys that are about to end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, UTCDateTime


class EndingTold(Base):
    """Somebody was told that `subject` ends at `ends`, when so many days were left; never twice."""

    __tablename__ = "endings_told"

    subject: Mapped[str] = mapped_column(String(80), primary_key=True)
    ends: Mapped[datetime] = mapped_column(UTCDateTime, primary_key=True, index=True)
    days: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
