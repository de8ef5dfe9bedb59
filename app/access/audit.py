"""Who did what, and what changed by it. A key never gets in here: callers say only that it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.access.actors import Actor
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel


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
