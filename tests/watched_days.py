"""A day of the watch for pictures: one model down, one that failed now and then, one that is stale."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from app.store.base import db, new_id, now
from app.store.models import RegisteredModel
from app.store.watch.channels import Channel, Delivery
from app.store.watch.health import Look, ModelHealth, Rollup, Span, WatchCost, WatchWorker
from app.watch import incidents
from app.watch.history import HOUR, hour_of

WHY = "The endpoint answered 503: the model is overloaded, try again later."


def add_watched_days(app: Flask) -> None:
    """Put them into the database, for the models that are there."""
    with app.app_context():
        models = list(db.session.scalars(db.select(RegisteredModel).order_by(RegisteredModel.id)))
        for place, model in enumerate(models):
            _watch(model, place, down=place == 1 % len(models))
        db.session.add(WatchWorker(name="muster-1", threads=8, started=now() - HOUR, heard=now()))
        broken = models[1 % len(models)]
        broke = incidents.join([broken], "model_unavailable", WHY, now() - timedelta(minutes=47))
        for minutes in (46, 45, 44):
            look = {"kind": "proof", "result": "failed", "code": "model_unavailable", "message": WHY}
            at = now() - timedelta(minutes=minutes)
            db.session.add(Look(model_pk=broken.id, at=at, latency_ms=420 + minutes, **look))
        _channel(broke.id if broke else "")
        db.session.commit()


def _watch(model: RegisteredModel, place: int, *, down: bool) -> None:
    fading, stale = place == 2, place == 3
    model.health = "down" if down else "degraded" if fading else model.health
    since = now() - (timedelta(minutes=47) if down else timedelta(days=9))
    seen = now() - (timedelta(hours=5) if stale else timedelta(minutes=2))
    row = ModelHealth(model_pk=model.id, endpoint_id=model.endpoint_id, state=model.health, since=since)
    row.span_begin = since
    row.due, row.covered, row.last_check, row.evidence = now() + timedelta(minutes=3), seen, seen, "proof"
    if down or fading:
        row.reason_code, row.reason_message = (
            "model_unavailable",
            WHY if down else "Six of twenty looks failed.",
        )
    if stale:
        model.last_probe_id = None
    row.day_p95_ms = None if stale else 640 + 9 * 23
    db.session.add(row)
    db.session.add(
        Span(model_pk=model.id, state="up", begin=now() - timedelta(days=9), end=since if down else seen)
    )
    db.session.add(WatchCost(model_pk=model.id, day=now().date(), tokens=48_211, money=0.0312))
    for hour in range(1, 24):
        at = hour_of(now()) - hour * HOUR
        failures = 12 if down and hour < 2 else 3 if fading and hour % 4 == 0 else 0
        if not (stale and hour < 5):
            seconds = {"known_s": 3600.0, "down_s": 2000.0 if failures == 12 else 0.0}
            numbers = {"checks": 12, "failures": failures, "p50_ms": 310, "p95_ms": 640 + 9 * hour}
            db.session.add(Rollup(model_pk=model.id, step="hour", at=at, **numbers, **seconds))


def _channel(incident: str) -> None:
    channel = Channel(id=new_id(), name="On call", kind="apprise", host="Slack", url_ciphertext=b"-")
    channel.filter = {"kinds": ["incident.opened", "incident.reminder", "incident.resolved"]}
    db.session.add(channel)
    begun = now() - timedelta(minutes=47)
    told = {"channel_id": channel.id, "attempts": 1, "body": {"data": {"id": incident}}}
    first = {"kind": "incident.opened", "state": "sent", "due": begun, "created": begun, "sent": begun}
    again = {"kind": "incident.reminder", "state": "pending", "due": now() + timedelta(minutes=5)}
    db.session.add(Delivery(message="It was taken.", **told, **first))
    db.session.add(Delivery(message="Slack did not take it.", **told, **again))
