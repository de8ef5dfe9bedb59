"""Who did what, and what changed by it. A key never gets in here: callers say only that it changed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.access import audit_sending  # noqa: F401 - its import is what has events sent on
from app.access.actors import Actor
from app.store import database
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel

log = logging.getLogger("muster.audit")
_WAITS_S = 5.0


def record(
    actor: Actor,
    action: str,
    model: RegisteredModel | None = None,
    detail: Mapping[str, Any] | None = None,
    *,
    subject: str = "",
) -> AuditEvent:
    """Add an event to the transaction at hand; the caller commits it together with what it tells of.

    `action` is a word pair such as `model.registered`; `subject` says in words what it was done to, by
    default the name of the model.
    """
    event = AuditEvent(
        actor=actor.label,
        action=action,
        model_pk=model.id if model is not None else None,
        subject=subject or (model.display_name if model is not None else ""),
        detail=dict(detail or {}),
    )
    db.session.add(event)
    return event


def record_now(
    actor: Actor, action: str, *, subject: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    """Add an event in a transaction of its own, for what changes nothing: a refusal, a look, an export.

    Where it can't be written within five seconds, the log has it instead: no answer hangs on it. The session
    at hand must have written nothing that is not committed yet.
    """
    event = AuditEvent(actor=actor.label, action=action, subject=subject, detail=dict(detail or {}))
    try:
        with database.waiting_at_most(_WAITS_S) as connection:
            with Session(connection, join_transaction_mode="control_fully") as session:
                session.add(event)
                session.commit()
    except SQLAlchemyError as error:
        facts = {"actor": actor.label, "action": action, "subject": subject, "because": type(error).__name__}
        log.error("not in the audit log: %s", action, extra={"facts": facts})
