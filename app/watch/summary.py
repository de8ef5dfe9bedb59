"""What is told of a model's health, and of the watch as a whole: read only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, false, func, select, union_all

from app.config import settings
from app.registry.metadata import CURRENCY
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.watch.health import Look, ModelHealth, Rollup, WatchCost, WatchWorker
from app.watch.chores import DAY, bucket_from, looks_between, seconds_by_model
from app.watch.due.claims import (
    is_at_work,
    is_idle,
    is_watched,
    lateness_s,
    plan_of,
    spent_today,
    usual_every_s,
    watches,
)
from app.watch.due.schedule import allowed_every_s
from app.watch.history import HOUR, Bucket, Seconds, Seen, bucket_of, day_of, hour_of, merged, percentile
from app.watch.incidents import stamp
from app.watch.judgement import STALE_INTERVALS, is_stale

Step = Literal["hour", "day"]
_WINDOWS = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY}


def health_of(model: RegisteredModel, now: datetime) -> dict[str, Any]:
    """The health of a model as the API gives it; one that nobody has looked at yet has only a state."""
    row = ModelHealth.by_id(model.id)
    today, month = spent_today(model.id, now).tokens, _spent_since(model.id, now.replace(day=1))
    times, firsts = _times(model.id, now)
    return {
        "state": row.state if row else model.health,
        "since": stamp(row.since if row else model.created),
        "reason": {"code": row.reason_code, "message": row.reason_message}
        if row and row.reason_code
        else None,
        "stale": stale(row, now, model.last_probe_id),
        "evidence": (row.evidence or None) if row else None,
        "last_check": stamp(row.last_check) if row else None,
        "next_check": stamp(row.due) if row and row.watched and model.enabled else None,
        "failures_in_a_row": int((row.memory or {}).get("failures", 0)) if row else 0,
        "uptime": {name: uptime(model.id, now - length, now) for name, length in _WINDOWS.items()},
        "latency_ms": _percentiles(times),
        "first_token_ms": _percentiles(firsts),
        "tokens": {"today": today, "month": month[0]},
        "cost": {"month": round(month[1], 6), "currency": CURRENCY},
    }


@dataclass(frozen=True, slots=True)
class Pace:
    """What the day's tokens leave of a model's watch: `used` of `ceiling`; with `near`, looks are rarer than
    wanted, one in `every_s` seconds; with `used_up`, only the list of models is read.
    """

    used: int
    ceiling: int
    every_s: int
    near: bool
    used_up: bool


def pace_of(model: RegisteredModel, now: datetime) -> Pace | None:
    """How the ceiling of today bounds the looks at a model; None where nobody looks."""
    row = ModelHealth.by_id(model.id)
    if row is None or not watches(row, enabled=model.enabled):
        return None
    plan, spent = plan_of(row), spent_today(model.id, now)
    every_s = allowed_every_s(plan, spent, now)
    used_up = spent.tokens >= plan.tokens_per_day
    return Pace(spent.tokens, plan.tokens_per_day, every_s, every_s > plan.every_s, used_up)


def told_at(model: RegisteredModel) -> datetime | None:
    """When the state of a model was last seen, where its last look was met by a limit; else None."""
    row = ModelHealth.by_id(model.id)
    if row is None or row.evidence not in ("proof", "full") or not row.last_proof or not row.last_check:
        return None
    return row.last_proof if row.last_proof < row.last_check else None


def stale(row: ModelHealth | None, now: datetime, last_probe_id: str | None = None) -> bool:
    """Whether the state of a model is too old to tell anything of today. Its last probe counts as a look."""
    probed = _moment_of(last_probe_id) if last_probe_id else None
    known = (row.last_check, row.covered, probed) if row else (probed,)
    every_s = (row and plan_of(row).every_s) or usual_every_s()
    return is_stale(max((at for at in known if at), default=None), now, every_s)


def uptime(model_pk: str, begin: datetime, end: datetime) -> float | None:
    """The share of the known time between two moments that the model was not down; None: nothing is known."""
    seconds = seconds_by_model(begin, end, model_pk).get(model_pk, Seconds())
    return None if seconds.uptime is None else round(seconds.uptime, 6)


def _times(model_pk: str, now: datetime) -> tuple[list[int], list[int]]:
    query = select(Look.latency_ms, Look.first_token_ms).where(
        Look.model_pk == model_pk, Look.at > now - DAY, Look.result == "good"
    )
    rows = db.session.execute(query).all()
    return [r[0] for r in rows if r[0] is not None], [r[1] for r in rows if r[1] is not None]


def _percentiles(values: Sequence[int]) -> dict[str, int | None]:
    return {"p50": percentile(values, 50), "p95": percentile(values, 95)}


def _spent_since(model_pk: str | None, day: datetime) -> tuple[int, float]:
    total = select(func.sum(WatchCost.tokens), func.sum(WatchCost.money)).where(WatchCost.day >= day.date())
    if model_pk is not None:
        total = total.where(WatchCost.model_pk == model_pk)
    tokens, money = db.session.execute(total).one()
    return int(tokens or 0), float(money or 0.0)


def history_of(model_pk: str, begin: datetime, end: datetime, step: Step) -> list[dict[str, Any]]:
    """A point for each hour or day that something is known of, the oldest first; the present one included."""
    hours = dict(_kept(model_pk, "hour", hour_of(begin), end))
    hours |= dict(_fresh(model_pk, hours, max(hour_of(begin), hour_of(end) - DAY), end))
    if step == "hour":
        return [_point(at, bucket) for at, bucket in sorted(hours.items())]
    days = dict(_kept(model_pk, "day", day_of(begin), end))
    for day in {day_of(at) for at in hours} - days.keys():
        days[day] = merged([bucket for at, bucket in hours.items() if day_of(at) == day])
    return [_point(at, bucket) for at, bucket in sorted(days.items())]


def _kept(model_pk: str, step: Step, begin: datetime, end: datetime) -> Iterable[tuple[datetime, Bucket]]:
    query = select(Rollup).where(
        Rollup.model_pk == model_pk, Rollup.step == step, Rollup.at >= begin, Rollup.at < end
    )
    return ((row.at, bucket_from(row)) for row in db.session.scalars(query))


def _fresh(
    model_pk: str, kept: dict[datetime, Bucket], begin: datetime, end: datetime
) -> Iterable[tuple[datetime, Bucket]]:
    """The hours that are not rolled up yet."""
    looks: dict[datetime, list[Seen]] = defaultdict(list)
    for _, at, seen in looks_between(max([begin, *(at + HOUR for at in kept)]), end, model_pk):
        looks[hour_of(at)].append(seen)
    for hour, seen_then in looks.items():
        known = seconds_by_model(hour, min(end, hour + HOUR), model_pk).get(model_pk, Seconds())
        yield hour, bucket_of(seen_then, known)


def _point(at: datetime, bucket: Bucket) -> dict[str, Any]:
    return {
        "at": stamp(at),
        "checks": bucket.checks,
        "failures": bucket.failures,
        "p50": bucket.p50_ms,
        "p95": bucket.p95_ms,
        "p99": bucket.p99_ms,
        "down_seconds": round(bucket.seconds.down, 3),
        "known_seconds": round(bucket.seconds.known, 3),
        "tokens": bucket.tokens,
    }


@dataclass(frozen=True, slots=True)
class WatchState:
    """The watch as a whole: how late it is, who works, what it used this month."""

    late_s: float
    workers: int
    running: int
    queued: int
    tokens_month: int
    money_month: float
    is_on: bool

    @property
    def stands_still(self) -> bool:
        """Whether looks that are due are not made: late and nobody at work, or far behind."""
        return self.is_on and (self.late_s > 300 or (self.late_s > 120 and not self.workers))


def watch_state(now: datetime) -> WatchState:
    """The state of the watch."""
    alive = select(func.count()).select_from(WatchWorker).where(is_at_work(now))
    running = select(func.count()).select_from(ModelHealth).where(ModelHealth.running_until > now)
    claimed = (ModelHealth.leased_until > now) | (ModelHealth.due <= now)
    queued = select(func.count()).select_from(ModelHealth).where(is_watched(), is_idle(now), claimed)
    tokens, money = _spent_since(None, now.replace(day=1))
    return WatchState(
        late_s=round(lateness_s(now), 1),
        workers=db.session.scalar(alive) or 0,
        running=db.session.scalar(running) or 0,
        queued=db.session.scalar(queued) or 0,
        tokens_month=tokens,
        money_month=money,
        is_on=settings().watch_seconds > 0,
    )


def counts(now: datetime) -> dict[str, int]:
    """How many enabled models are in each state; stale ones are counted as `stale` beside that."""
    query = select(RegisteredModel.health, func.count()).where(RegisteredModel.enabled.is_(True))
    found = {state: number for state, number in db.session.execute(query.group_by(RegisteredModel.health))}
    stale_rows = select(func.count()).where(
        RegisteredModel.id.in_(stale_ids(now)), RegisteredModel.enabled.is_(True)
    )
    return {state: found.get(state, 0) for state in ("up", "degraded", "down", "unknown")} | {
        "stale": db.session.scalar(stale_rows) or 0
    }


def stale_ids(now: datetime) -> Select[str]:
    """The models that nobody has looked at, or probed, for three of their intervals."""
    own = ModelHealth.every_seconds
    chosen = db.session.scalars(select(own).where(own > 0).distinct())
    usual = _fresh_ids(own.is_(None) | (own <= 0), usual_every_s(), now)
    fresh = [usual, *(_fresh_ids(own == every_s, every_s or 0, now) for every_s in chosen)]
    unwatched = RegisteredModel.id.not_in(select(ModelHealth.model_pk))
    probed = RegisteredModel.last_probe_id >= _id_at(_old(usual_every_s(), now))
    return select(RegisteredModel.id).where(
        RegisteredModel.id.not_in(union_all(*fresh)), ~(unwatched & func.coalesce(probed, false()))
    )


def _fresh_ids(which: ColumnElement[bool], every_s: int, now: datetime) -> Select[str]:
    old = _old(every_s, now)
    known = (ModelHealth.covered >= old) | (RegisteredModel.last_probe_id >= _id_at(old))
    joined = select(ModelHealth.model_pk).join(RegisteredModel, RegisteredModel.id == ModelHealth.model_pk)
    return joined.where(which, known)


def _old(every_s: int, now: datetime) -> datetime:
    return now - timedelta(seconds=STALE_INTERVALS * every_s)


def _moment_of(id: str) -> datetime:
    """When an id was made: a UUIDv7 begins with the milliseconds since 1970 (RFC 9562, section 5.7)."""
    return datetime.fromtimestamp(int(id.replace("-", "")[:12], 16) / 1000, UTC)


def _id_at(moment: datetime) -> str:
    """The first id of a millisecond."""
    text = f"{int(moment.timestamp() * 1000):012x}"
    return f"{text[:8]}-{text[8:]}-7000-8000-000000000000"
