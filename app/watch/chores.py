"""What the watcher does beside looking: roll-ups, reminders, a heartbeat, throwing away what is old."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from app.access import audit_chain
from app.config import settings
from app.store import locks
from app.store.accounts import RateCount
from app.store.base import db, insert_missing
from app.store.endpoints import Endpoint
from app.store.watch.channels import Delivery, Maintenance
from app.store.watch.counts import WatchCount
from app.store.watch.endings import EndingTold
from app.store.watch.events import FeedEvent
from app.store.watch.health import Look, ModelHealth, Rollup, Span, WatchCost, WatchWorker
from app.store.watch.samples import ModelSample
from app.watch import incidents
from app.watch.history import (
    HOUR,
    Bucket,
    Seconds,
    Seen,
    Stretch,
    bucket_of,
    day_of,
    hour_of,
    merged,
    seconds_in,
)
from app.watch.judgement import FAILED
from app.watch.notices import expiry
from app.watch.settling import unwatched
from app.watch.states import known_until

DAY = timedelta(days=1)
LOOKS_KEPT, HOURS_KEPT, DAYS_KEPT, SPANS_KEPT = 2 * DAY, 90 * DAY, 730 * DAY, 91 * DAY
_EVENTS_KEPT, _DELIVERIES_KEPT = 90 * DAY, 30 * DAY
_AFTER = timedelta(minutes=5)
"""How long after its end an hour is rolled up: a look that began in it may end a little later."""


def tend(now: datetime) -> None:
    """Everything that is to be done by now; what others have done already is not done again. Commits."""
    tell(now)
    roll_up(now)
    throw_away(now)
    if days := settings().audit_days:
        audit_chain.shorten(now - days * DAY)


def tell(now: datetime) -> None:
    """What people are to be told by now, and what that stands on. Commits.

    Every worker comes with the minute: one of them at a time, so that each thing is told once.
    """
    with locks.exclusive("chores"):
        unwatched.let_go(now)
        unwatched.set_back(now)
        incidents.tell_hushed(now)
        incidents.remind(now)
        expiry.tell_of_endings(now)
        db.session.commit()


def beat(id: str, name: str, threads: int, started: datetime, looks: int, now: datetime) -> None:
    """Say that a worker is there. Commits."""
    row = db.session.get(WatchWorker, id) or WatchWorker(id=id, name=name, threads=threads, started=started)
    row.heard, row.looks = now, looks
    db.session.add(row)
    db.session.commit()


def roll_up(now: datetime) -> int:
    """Make the hours and days that are over and not rolled up yet; gives how many hours. Commits."""
    last_whole = hour_of(now - _AFTER)
    newest = db.session.scalar(select(func.max(Rollup.at)).where(Rollup.step == "hour"))
    first = newest + HOUR if newest else _first_hour()
    made = 0
    while first is not None and first < last_whole and now - first < LOOKS_KEPT:
        insert_missing(Rollup, list(_hours(first)))
        if first.hour == 23:
            insert_missing(Rollup, list(_days(day_of(first))))
            _set_week(day_of(first) + DAY)
        db.session.commit()
        first, made = first + HOUR, made + 1
    return made


def _first_hour() -> datetime | None:
    oldest = db.session.scalar(select(func.min(Look.at)))
    return hour_of(oldest) if oldest else None


def _hours(hour: datetime) -> Iterable[dict[str, Any]]:
    looks: dict[str, list[Seen]] = defaultdict(list)
    for model_pk, _, seen in looks_between(hour, hour + HOUR):
        looks[model_pk].append(seen)
    known = seconds_by_model(hour, hour + HOUR)
    for model_pk in looks.keys() | known.keys():
        bucket = bucket_of(looks.get(model_pk, []), known.get(model_pk, Seconds()))
        yield _row_of(model_pk, "hour", hour, bucket)


def _days(day: datetime) -> Iterable[dict[str, Any]]:
    hours: dict[str, list[Bucket]] = defaultdict(list)
    query = select(Rollup).where(Rollup.step == "hour", Rollup.at >= day, Rollup.at < day + DAY)
    for row in db.session.scalars(query):
        hours[row.model_pk].append(bucket_from(row))
    return [_row_of(model_pk, "day", day, merged(buckets)) for model_pk, buckets in hours.items()]


def _set_week(end: datetime) -> None:
    """What is usual for each model: the p95 of the seven days before."""
    days: dict[str, list[Bucket]] = defaultdict(list)
    query = select(Rollup).where(Rollup.step == "day", Rollup.at >= end - 7 * DAY, Rollup.at < end)
    for row in db.session.scalars(query):
        days[row.model_pk].append(bucket_from(row))
    for model_pk, buckets in days.items():
        mine = update(ModelHealth).where(ModelHealth.model_pk == model_pk)
        db.session.execute(mine.values(week_p95_ms=merged(buckets).p95_ms))


def bucket_from(row: Rollup) -> Bucket:
    """A row as a bucket."""
    seconds = Seconds(row.down_s, row.known_s)
    return Bucket(row.checks, row.failures, seconds, row.p50_ms, row.p95_ms, row.p99_ms, row.tokens)


def _row_of(model_pk: str, step: str, at: datetime, bucket: Bucket) -> dict[str, Any]:
    return {
        "model_pk": model_pk,
        "step": step,
        "at": at,
        "checks": bucket.checks,
        "failures": bucket.failures,
        "down_s": bucket.seconds.down,
        "known_s": bucket.seconds.known,
        "p50_ms": bucket.p50_ms,
        "p95_ms": bucket.p95_ms,
        "p99_ms": bucket.p99_ms,
        "tokens": bucket.tokens,
    }


def looks_between(begin: datetime, end: datetime, *only: str) -> Iterable[tuple[str, datetime, Seen]]:
    """The looks at every model (or at `only` these) between two moments: the model, when, what it saw."""
    query = select(Look.model_pk, Look.at, Look.result, Look.latency_ms, Look.tokens)
    query = query.where(Look.at >= begin, Look.at < end)
    if only:
        query = query.where(Look.model_pk.in_(only))
    for model_pk, at, result, latency_ms, tokens in db.session.execute(query):
        yield model_pk, at, Seen(result in FAILED, latency_ms, tokens)


def seconds_by_model(begin: datetime, end: datetime, *only: str) -> dict[str, Seconds]:
    """How long each model (or `only` these ones) was down, and known, between two moments."""
    found: dict[str, list[Stretch]] = defaultdict(list)
    spans = select(Span).where(Span.end > begin, Span.begin < end)
    rows = select(ModelHealth).where(ModelHealth.span_begin < end, ModelHealth.covered > begin - DAY)
    if only:
        spans, rows = spans.where(Span.model_pk.in_(only)), rows.where(ModelHealth.model_pk.in_(only))
    for span in db.session.scalars(spans):
        found[span.model_pk].append(Stretch(span.state, span.begin, span.end))
    # Read anew: the session may know a row from before the watcher's first look at its model.
    for row in db.session.scalars(rows.execution_options(populate_existing=True)):
        assert row.span_begin is not None, "the query leaves the others out"
        found[row.model_pk].append(Stretch(row.state, row.span_begin, min(end, known_until(row))))
    return {model_pk: seconds_in(stretches, begin, end) for model_pk, stretches in found.items()}


def throw_away(now: datetime) -> None:
    """Delete what is older than it is kept. Commits."""
    rules = (
        delete(Look).where(Look.at < now - LOOKS_KEPT),
        delete(Rollup).where(Rollup.step == "hour", Rollup.at < now - HOURS_KEPT),
        delete(Rollup).where(Rollup.step == "day", Rollup.at < now - DAYS_KEPT),
        delete(Span).where(Span.end < now - SPANS_KEPT),
        delete(ModelSample).where(ModelSample.at < now - HOURS_KEPT, ModelSample.is_baseline.is_(False)),
        delete(FeedEvent).where(FeedEvent.at < now - _EVENTS_KEPT),
        delete(Delivery).where(Delivery.created < now - _DELIVERIES_KEPT, Delivery.state != "pending"),
        delete(Maintenance).where(Maintenance.ends < now - _DELIVERIES_KEPT),
        delete(WatchCost).where(WatchCost.day < (now - DAYS_KEPT).date()),
        delete(WatchCount).where(
            WatchCount.endpoint_id != "", WatchCount.endpoint_id.not_in(select(Endpoint.id))
        ),
        delete(EndingTold).where(EndingTold.ends < now - DAYS_KEPT),
        delete(RateCount).where(RateCount.minute < int(now.timestamp()) // 60 - 5),
        delete(WatchWorker).where(WatchWorker.heard < now - timedelta(hours=1)),
    )
    for rule in rules:
        db.session.execute(rule.execution_options(synchronize_session=False))
    db.session.commit()
