"""The audit log names who, what and which model, and outlives both."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.access import audit
from app.access.actors import COMMAND_LINE, Actor
from app.store.audit_events import AuditEvent
from app.store.base import db, new_id
from app.store.models import RegisteredModel

pytestmark = pytest.mark.both_databases


def events(app: Flask) -> list[AuditEvent]:
    """All of them, oldest first."""
    with app.app_context():
        return list(db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)))


def test_an_event_names_the_model_by_id_and_by_name(app: Flask) -> None:
    actor = Actor("token", "deploy", frozenset({"write"}))
    with app.app_context():
        model = RegisteredModel(id=new_id(), display_name="Llama")
        audit.record(actor, "model.registered", model, {"region": "eu"})
        db.session.commit()
        id = model.id
    (event,) = events(app)
    assert (event.actor, event.action, event.model_pk) == ("token:deploy", "model.registered", id)
    assert (event.subject, event.detail) == ("Llama", {"region": "eu"})


def test_an_event_belongs_to_the_transaction_of_what_it_tells(app: Flask) -> None:
    with app.app_context():
        audit.record(COMMAND_LINE, "keys.rotated")
        db.session.rollback()
    assert events(app) == []
