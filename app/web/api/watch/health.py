"""The health of a model: now, over time, and how it is watched."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, request

from app.access import audit
from app.store.base import db, now, time_of
from app.watch import summary
from app.watch.due.claims import adopt, usual_every_s
from app.watch.due.schedule import first_due
from app.web.api.answers import answer, find_model, find_or_none, whole_model
from app.web.api.describe import describe
from app.web.api.query import bad_argument, choice_argument
from app.web.api.watch.bodies import A_TIME, checked_body
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_model_health", __name__)
_HOURLY_UP_TO = timedelta(days=7)
_LONGEST = timedelta(days=731)
"""What lies further back is not kept."""

_FIELDS = ("every_seconds", "full_every_hours", "tokens_per_day")


@blueprint.get("/v2/models/<path:ref>/health")
@require_scope("read")
@describe(tag="Health", gives="ModelHealth", errors=(409,))
def read_health(ref: str) -> Response:
    """State, since when and why, uptime, latency, and what the watch used."""
    model = find_or_none(ref)
    if model is None:
        return whole_model(f"{ref}/health")
    return answer(summary.health_of(model, now()))


@blueprint.get("/v2/models/<path:ref>/health/history")
@require_scope("read")
@describe(tag="Health", gives="HealthPoint[]", query=("from", "to", "step"), errors=(409,))
def read_history(ref: str) -> Response:
    """Checks, failures, latency and down time by the hour or the day, the oldest first."""
    model = find_model(ref)
    end = _moment("to") or now()
    begin = _moment("from") or end - timedelta(days=1)
    if begin >= end:
        raise bad_argument("from", "must lie before `to`")
    begin = max(begin, end - _LONGEST)
    step = choice_argument("step", ("hour", "day"))
    if step is None:
        step = "hour" if end - begin <= _HOURLY_UP_TO else "day"
    return answer(summary.history_of(model.id, begin, end, "hour" if step == "hour" else "day"))


@blueprint.put("/v2/models/<path:ref>/watch")
@require_scope("write")
@describe(
    tag="Health",
    takes="WatchSettings",
    gives="WatchSettings",
    errors=(409,),
    examples={"rarely": {"every_seconds": 3600, "full_every_hours": 0}},
)
def set_watch(ref: str) -> Response:
    """How a model is watched. What is absent or null follows the registry's settings."""
    model, wanted = find_model(ref), checked_body("WatchSettings")
    row = adopt(model, now())
    row.watched = wanted.get("enabled", True)
    for field in _FIELDS:
        setattr(row, field, wanted.get(field))
    row.due = first_due(model.id, now(), row.every_seconds or usual_every_s())
    row.leased_until = None
    audit.record(current_actor(), "model.watch_changed", model, dict(wanted))
    db.session.commit()
    return answer({"enabled": row.watched} | {field: getattr(row, field) for field in _FIELDS})


def _moment(name: str) -> datetime | None:
    text = request.args.get(name)
    if text is None:
        return None
    moment = time_of(text.replace(" ", "+"))
    if moment is None:
        raise bad_argument(name, A_TIME)
    return moment
