"""The audit log, and the chain that its events form: each holds the digest of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Index,
    String,
    Text,
    bindparam,
    event,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session

from app.store.base import Base, UTCDateTime, new_id, now

START = "0" * 64
"""What the first event holds as the digest of the one before it."""

CHAINED = "audit_chained"
"""Where a session keeps, until it is over, the events that its transaction has put into the chain."""
_UNCHAINED = "audit_unchained"


class AuditEvent(Base):
    """Who did what. It outlives the model that it names, so `model_pk` refers to nothing.

    `place`, `previous` and `digest` are its place in the chain; they are filled in as the transaction is
    committed. That no place and no predecessor is taken twice is for the database to see to.
    """

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "model_pk", "id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    actor: Mapped[str] = mapped_column(String(400))
    action: Mapped[str] = mapped_column(String(64), index=True)
    model_pk: Mapped[str | None] = mapped_column(String(36))
    subject: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    place: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    previous: Mapped[str | None] = mapped_column(String(64), unique=True)
    digest: Mapped[str | None] = mapped_column(String(64))


class AuditHead(Base):
    """The one row that says where the chain ends; who lengthens the chain holds it."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(BigInteger, default=0)
    digest: Mapped[str] = mapped_column(String(64), default=START)


COLUMNS = (
    AuditEvent.id, AuditEvent.at, AuditEvent.actor, AuditEvent.action, AuditEvent.model_pk,
    AuditEvent.subject, AuditEvent.detail, AuditEvent.place, AuditEvent.previous, AuditEvent.digest,
)  # fmt: skip


_HELD = update(AuditHead).values(id=AuditHead.id)
_HEAD = select(AuditHead.place, AuditHead.digest)
_NEW = select(*COLUMNS).where(AuditEvent.place.is_(None)).order_by(AuditEvent.id)
_LINKS: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("place", "previous", "digest")}
_LINKED = update(AuditEvent).where(AuditEvent.id == bindparam("its_id")).values(_LINKS)
_ENDED = update(AuditHead).values(place=bindparam("new_place"), digest=bindparam("new_digest"))
"""What the chain is lengthened by; made once, since every transaction with an event does it."""


def facts_of(row: Any) -> dict[str, Any]:
    """What an event tells, its place in the chain included, as it is sent on and as its digest is made of."""
    at: datetime = row.at
    return {
        "place": row.place,
        "previous": row.previous,
        "id": row.id,
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "actor": row.actor,
        "action": row.action,
        "model": row.model_pk,
        "subject": row.subject,
        "detail": row.detail,
    }


def digest_of(facts: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of the facts as JSON with sorted names and without spaces."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@event.listens_for(AuditEvent, "before_insert")
def _remember(_mapper: Any, _connection: Any, target: AuditEvent) -> None:
    session = object_session(target)
    assert session is not None, "a row that is being inserted has a session"
    session.info[_UNCHAINED] = True


@event.listens_for(Session, "before_commit")
def _chain(session: Session) -> None:
    """Put the transaction's events into the chain.

    As late as can be: writers wait for each other from here to the commit only, and whoever holds the end of
    the chain asks for no other lock, so that nobody waits in a circle.
    """
    if session.in_nested_transaction():
        return
    session.flush()
    if session.info.pop(_UNCHAINED, False):
        session.info.setdefault(CHAINED, []).extend(_chained(session))


def _chained(session: Session) -> list[dict[str, Any]]:
    # A write that changes nothing takes the lock, on either database.
    connection = session.connection()
    connection.execute(_HELD)
    place, digest = connection.execute(_HEAD).one()
    told = []
    for row in connection.execute(_NEW).all():
        place += 1
        facts = facts_of(row) | {"place": place, "previous": digest}
        digest = digest_of(facts)
        links = {"new_place": place, "new_previous": facts["previous"], "new_digest": digest}
        connection.execute(_LINKED, links | {"its_id": row.id})
        told.append(facts | {"digest": digest})
    connection.execute(_ENDED, {"new_place": place, "new_digest": digest})
    return told


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, _transaction: Any) -> None:
    if not session.in_transaction():
        session.info.pop(_UNCHAINED, None)
        session.info.pop(CHAINED, None)
