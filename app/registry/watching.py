"""Looks on the watcher's behalf: nothing in here changes the health of a model, the watcher judges that."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from app.access.actors import SYSTEM
from app.config import settings
from app.probe.presence import Presence, look_at_catalog
from app.probe.transport.deadline import Cancellation
from app.probe.values import Report
from app.registry import registration, saving
from app.registry.probing import ProbeOrder, egress_rules, probed
from app.store.base import db
from app.store.models import RegisteredModel

TRIGGER = "watch"
"""The trigger of probes that the watcher made."""


def prove(model: RegisteredModel, cancelled: Cancellation | None = None) -> Report:
    """Prove a model with its stored key and keep nothing of it."""
    values, order = (
        saving.columns_of(model),
        ProbeOrder(SYSTEM, depth="proof", cancelled=cancelled, waits=False),
    )
    target = registration.stored_target(model, SYSTEM, "health_check")
    return _report_of(probed(values, target, order, key_control=False))


def probe_wholly(model: RegisteredModel, cancelled: Cancellation | None = None) -> Report:
    """Probe a model with its stored key, and keep the report and what it observed, but not its health."""
    events = registration.watched(model.id, TRIGGER, ProbeOrder(SYSTEM, cancelled=cancelled))
    return _report_of(events)


def read_catalog(model: RegisteredModel) -> Presence:
    """Ask the endpoint of a model for its list of models, with the stored key."""
    target = registration.stored_target(model, SYSTEM, "health_check")
    db.session.rollback()  # no connection is held while an endpoint is asked
    return look_at_catalog(target, settings().limits, egress_rules())


def _report_of(events: Generator[Any, None, Report]) -> Report:
    while True:
        try:
            next(events)
        except StopIteration as end:
            report: Report = end.value
            return report
