"""What is put right beside looks: models that nobody watches any more, and a clock that was ahead."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.health import ModelHealth
from app.store.watch.incidents import Incident, IncidentModel
from app.watch import incidents
from app.watch.due.claims import is_watched, plan_of, usual_every_s
from app.watch.due.schedule import first_due
from app.watch.judgement import Health
from app.watch.states import keep

_AHEAD = timedelta(minutes=15)
"""So far the clocks of two machines that both look may lie apart; less puts looks off by as much at most."""


def let_go(now: datetime) -> int:
    """Take models out of open incidents that nobody watches any more: deleted, disabled, or not to be looked
    at. What was known of them is out of date. Gives how many. In the transaction at hand.
    """
    watched = select(ModelHealth.model_pk).where(is_watched())
    inside = select(IncidentModel.model_pk).join(Incident, Incident.id == IncidentModel.incident_id)
    open_ = inside.where(Incident.resolved.is_(None), IncidentModel.left.is_(None))
    found = list(db.session.scalars(open_.where(IncidentModel.model_pk.not_in(watched)).distinct()))
    for model_pk in found:
        row, model = ModelHealth.by_id(model_pk), RegisteredModel.by_id(model_pk)
        if row is not None and model is not None:
            row.state_before, row.alone = None, False
            keep(row, model, Health("unknown", now), now)
        incidents.leave([model_pk], now, unwatched=True)
    return len(found)


def set_back(now: datetime) -> int:
    """After the machine's clock was set back: who was looked at in what is the future now waits for its next
    moment from now on, not from then. Gives how many. In the transaction at hand.
    """
    rows = db.session.scalars(select(ModelHealth).where(ModelHealth.last_check > now + _AHEAD)).all()
    for row in rows:
        row.last_check = row.covered = now
        row.due = first_due(row.model_pk, now, plan_of(row).every_s or usual_every_s())
        row.leased_until = row.running_until = row.taken_by = None
        row.turn += 1  # what is in the queue still is for a later moment
    return len(rows)
