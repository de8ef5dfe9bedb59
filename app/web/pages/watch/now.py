"""The first page: what is wrong now, whose it is, and whether anybody looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, render_template, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from app.config import settings
from app.store.base import db, now
from app.store.models import RegisteredModel
from app.store.watch.channels import Maintenance
from app.store.watch.incidents import Incident
from app.watch import summary
from app.web.guards import current_actor, require_role
from app.web.pages import display
from app.web.pages.incidents import words
from app.web.pages.register import presets

blueprint = Blueprint("now", __name__, url_prefix="/now")

SHOWN = 50
STATES = ("down", "degraded", "stale", "unknown", "up")
"""What is counted, the worst first."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many models are in a state, and where the list shows them."""

    state: str
    number: int
    url: str


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """Counts that lead to the list, open incidents, the watch itself and what it costs."""
    moment = now()
    found = _open_incidents()
    return render_template(
        "now/index.html",
        counts=_counts(moment),
        models=db.session.scalar(select(func.count()).select_from(RegisteredModel)),
        incidents=words.told(found[:SHOWN]),
        more=len(found) > SHOWN,
        watch=summary.watch_state(moment),
        every=display.duration(settings().watch_seconds * 1000),
        quiet=Maintenance.at(moment),
        may_edit=current_actor().may("write"),
        practice=presets.practice(),
    )


def _counts(moment: datetime) -> Sequence[Count]:
    counted = summary.counts(moment)
    return [
        Count(state, counted[state], url_for("models.index", health=state, enabled="yes")) for state in STATES
    ]


def _open_incidents() -> list[Incident]:
    """Open incidents: those that nobody has acknowledged first, then the oldest first."""
    query = select(Incident).options(selectinload(Incident.members)).where(Incident.resolved.is_(None))
    order = (Incident.acknowledged.is_not(None), Incident.opened, Incident.id)
    return list(db.session.scalars(query.order_by(*order).limit(SHOWN + 1)))
