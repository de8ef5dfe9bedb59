"""The state of a model in the database: what changes with it, and how long it is known. Nothing commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, cast

from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.events import FeedEvent
from app.store.watch.health import ModelHealth, Span
from app.watch import incidents
from app.watch.due.claims import plan_of
from app.watch.judgement import STALE_INTERVALS, Health, Memory, Reason, State
from app.watch.notices import telling

_TUPLES = ("latencies", "complaints")


def health_of(row: ModelHealth) -> Health:
    """What the judgement needs to know of a row."""
    reason = Reason(row.reason_code, row.reason_message or "") if row.reason_code else None
    memory = replace(memory_of(row.memory or {}), week_p95_ms=row.week_p95_ms)
    return Health(cast(State, row.state), row.since, reason, memory)


def memory_of(kept: Mapping[str, Any]) -> Memory:
    """A memory as it was kept."""
    known: dict[str, Any] = {name: tuple(value) if name in _TUPLES else value for name, value in kept.items()}
    return Memory(**known)


def keep(row: ModelHealth, model: RegisteredModel, health: Health, now: datetime) -> bool:
    """Write a health into its row; gives whether the state is another one now."""
    before = row.state
    row.since, row.memory = health.since, asdict(health.memory)
    row.reason_code = health.reason.code if health.reason else None
    row.reason_message = health.reason.message if health.reason else None
    cover(row, now)
    if health.state == before:
        return False
    end_span(row, now)
    row.state, row.span_begin, row.covered = health.state, now, now
    model.health = health.state
    event = {"from": before, "to": health.state, "code": row.reason_code, "message": row.reason_message}
    FeedEvent.add("health", model_pk=model.id, endpoint_id=row.endpoint_id, at=now, **event)
    return True


def follow(row: ModelHealth, model: RegisteredModel, before: str, now: datetime) -> None:
    """After a change of one model alone: its incidents, and who is told."""
    if row.state == "down":
        incidents.join([model], row.reason_code or "", row.reason_message or "", now)
        return
    if before == "down":
        incidents.leave([model.id], now)
    if row.state == "degraded":
        _tell("model.degraded", row, model, now)
    elif row.state == "up" and before == "degraded":
        _tell("model.recovered", row, model, now)


def _tell(news: telling.News, row: ModelHealth, model: RegisteredModel, now: datetime) -> None:
    topic = f"{news}:{row.endpoint_id}:{row.reason_code or ''}"
    code, message = row.reason_code, row.reason_message
    tell_of_model(news, row, model, now, code=code, message=message, topic=topic)


def tell_of_model(
    news: telling.News,
    row: ModelHealth,
    model: RegisteredModel,
    now: datetime,
    *,
    code: str | None,
    message: str | None,
    topic: str = "",
) -> None:
    """News of one model. Of the same `topic` there is one message in ten minutes."""
    data = {
        "model": {"id": model.id, "model_id": model.model_id, "name": model.display_name},
        "endpoint": {"id": row.endpoint_id, "name": model.endpoint.name},
        "state": row.state,
        "since": incidents.stamp(row.since),
        "code": code,
        "message": message,
        "link": telling.link_to(f"models/{model.id}"),
    }
    telling.tell(news, data, now, models=[model.id], endpoint_id=row.endpoint_id, topic=topic)


def cover(row: ModelHealth, now: datetime) -> None:
    """The state of a row is seen to hold now. After a gap of three intervals what lay between is unknown."""
    if row.span_begin is None or row.covered is None:
        row.span_begin = now
    elif now > known_until(row):
        end_span(row, known_until(row))
        row.span_begin = now
    row.covered = now


def known_until(row: ModelHealth) -> datetime:
    """Until when the state of a row counts as known: three intervals from when it was last seen."""
    assert row.covered is not None, "asked of rows that are covered"
    return row.covered + timedelta(seconds=STALE_INTERVALS * plan_of(row).every_s)


def end_span(row: ModelHealth, end: datetime) -> None:
    """Keep the stretch of time that a row's state held."""
    if row.span_begin is not None and end > row.span_begin:
        db.session.add(Span(model_pk=row.model_pk, state=row.state, begin=row.span_begin, end=end))
