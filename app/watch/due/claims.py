"""Which models are due, and who looks: claims in the database, so that any number of workers may ask.

A claim is a number, `turn`, and a lease. Who claims puts a task with the number into the queue; who takes it
up must find the number still current. A task that was lost with its worker is claimed again when its lease
is over, and the number of the lost one is an old one then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Row, and_, bindparam, func, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from app.config import settings
from app.store.base import UTCDateTime, db, insert_missing
from app.store.models import RegisteredModel
from app.store.watch.health import EndpointWatch, ModelHealth, WatchCost, WatchWorker, is_enabled
from app.watch.due.schedule import Plan, Spent, first_due
from app.watch.places import host_of

HORIZON = timedelta(seconds=90)
"""How far ahead claims are made: longer than the minute between two rounds."""

SILENT = timedelta(seconds=20)
"""After how long without a heartbeat a worker counts as lost."""

_AT_ONCE = 5000
_SPARE_S = 30


@dataclass(frozen=True, slots=True)
class Claim:
    """A model to look at, at `due`, by whoever holds this `turn`."""

    model_pk: str
    turn: int
    due: datetime
    endpoint_id: str


def lease() -> timedelta:
    """How long a look may take before its worker counts as lost."""
    return timedelta(seconds=settings().probe_seconds + _SPARE_S)


def plan_of(row: ModelHealth) -> Plan:
    """How a model is watched: its own settings, or the registry's."""
    chosen = settings()
    return Plan(
        _or(row.every_seconds, chosen.watch_seconds),
        _or(row.full_every_hours, chosen.watch_full_hours),
        _or(row.tokens_per_day, chosen.watch_tokens_per_day),
    )


def _or(own: int | None, usual: int) -> int:
    return usual if own is None else own


def usual_every_s() -> int:
    """Seconds between looks at a model without a setting of its own; also told where the watch is off."""
    return settings().watch_seconds or 300


_FRESH = (
    select(
        RegisteredModel.id,
        RegisteredModel.endpoint_id,
        RegisteredModel.base_url,
        RegisteredModel.health,
        RegisteredModel.created,
    )
    .where(~select(ModelHealth.model_pk).where(ModelHealth.model_pk == RegisteredModel.id).exists())
    .limit(_AT_ONCE)
)


def adopt_new(now: datetime) -> int:
    """Begin to watch the models that nobody watches yet; gives how many. Commits.

    They were seen working when they got in, so the first whole probe is a day away.
    """
    fresh = db.session.execute(_FRESH).all()
    hosts = {model.endpoint_id: host_of(model.base_url) for model in fresh}
    insert_missing(EndpointWatch, [{"endpoint_id": id, "host": host} for id, host in hosts.items()])
    insert_missing(ModelHealth, [_row_of(model, now) for model in fresh])
    db.session.commit()
    return len(fresh)


def adopt(model: RegisteredModel, now: datetime) -> ModelHealth:
    """What the watcher keeps of a model, made if need be, in the transaction at hand."""
    insert_missing(EndpointWatch, [{"endpoint_id": model.endpoint_id, "host": host_of(model.base_url)}])
    insert_missing(ModelHealth, [_row_of(model, now)])
    row = ModelHealth.by_id(model.id)
    assert row is not None, "it was just made sure of"
    return row


def _row_of(model: RegisteredModel | Row[*tuple[Any, ...]], now: datetime) -> dict[str, object]:
    return {
        "model_pk": model.id,
        "endpoint_id": model.endpoint_id,
        "state": model.health,
        "since": model.created,
        "due": first_due(model.id, now, usual_every_s()),
        "last_full": model.created,
        "last_proof": model.created,
    }


def is_watched() -> ColumnElement[bool]:
    """Whether a row of ModelHealth is of a model that is to be looked at."""
    return _is_watched(by_default=bool(settings().watch_seconds))


def _is_watched(*, by_default: bool) -> ColumnElement[bool]:
    every_s = ModelHealth.every_seconds
    on = or_(every_s.is_(None), every_s > 0) if by_default else every_s > 0
    return and_(ModelHealth.watched.is_(True), on, is_enabled(ModelHealth.model_pk))


def watches(row: ModelHealth, *, enabled: bool) -> bool:
    """The same as `is_watched` of a row that is at hand; `enabled` is its model's."""
    return enabled and row.watched and plan_of(row).every_s > 0


def is_idle(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Whether nobody is looking at the model of a row of ModelHealth."""
    return or_(ModelHealth.running_until.is_(None), ModelHealth.running_until <= now)


def is_at_work(now: datetime) -> ColumnElement[bool]:
    """Whether the worker of a row of WatchWorker was heard of lately."""
    return WatchWorker.heard > now - SILENT


def claim(now: datetime, only: Sequence[str] | None = None) -> list[Claim]:
    """Claim what is due within the horizon, or of `only` these models, claimed or not. Commits."""
    by_default, locks = bool(settings().watch_seconds), db.engine.dialect.name == "postgresql"
    claimed = _claiming(of_some=only is not None, by_default=by_default, locks=locks)
    times = {"now": now, "soon": now + HORIZON, "until": now + HORIZON + lease()}
    named = {} if only is None else {"only": only}
    # Not by the session, which takes three times as long to prepare an UPDATE as the database to do it.
    found = [Claim(*row) for row in db.session.connection().execute(claimed, times | named)]
    db.session.commit()
    return found


@cache
def _claiming(*, of_some: bool, by_default: bool, locks: bool) -> ReturningUpdate[str, int, datetime, str]:
    """What `claim` runs; made once of a kind, since putting it together takes as long as running it."""
    now: BindParameter[datetime] = bindparam("now", type_=UTCDateTime)
    free = or_(ModelHealth.leased_until.is_(None), ModelHealth.leased_until < now)
    mine = ModelHealth.model_pk.in_(bindparam("only", expanding=True)) if of_some else free
    soon = ModelHealth.due <= bindparam("soon", type_=UTCDateTime)
    which = and_(soon, is_idle(now), _is_watched(by_default=by_default), mine)
    chosen = select(ModelHealth.model_pk).where(which).order_by(ModelHealth.due).limit(_AT_ONCE)
    if locks:
        chosen = chosen.with_for_update(skip_locked=True, of=ModelHealth)
    return (
        update(ModelHealth)
        .where(ModelHealth.model_pk.in_(chosen))
        .values(turn=ModelHealth.turn + 1, leased_until=bindparam("until", type_=UTCDateTime))
        .returning(ModelHealth.model_pk, ModelHealth.turn, ModelHealth.due, ModelHealth.endpoint_id)
        .execution_options(synchronize_session=False)
    )


def claim_held(row: ModelHealth, now: datetime, *, enabled: bool) -> Claim | None:
    """Claim the next look at a model whose row is held, in the transaction at hand; `enabled` is the model's.

    None where it is not due within the horizon, or not to be looked at.
    """
    if row.due > now + HORIZON or not watches(row, enabled=enabled):
        return None
    row.turn, row.leased_until = row.turn + 1, now + HORIZON + lease()
    return Claim(row.model_pk, row.turn, row.due, row.endpoint_id)


def spread_overdue(now: datetime) -> int:
    """After a time in which nobody looked: each model waits for its own moment again, so that they do not all
    come at once. Does nothing where another worker is at work; gives how many models. Commits.
    """
    if db.session.scalar(select(WatchWorker.id).where(is_at_work(now)).limit(1)):
        return 0
    behind = select(ModelHealth).where(is_watched(), ModelHealth.due < now)
    rows = [row for row in db.session.scalars(behind) if row.due < now - _interval(row)]
    for row in rows:
        row.due = first_due(row.model_pk, now, plan_of(row).every_s)
        row.leased_until, row.turn = None, row.turn + 1  # what is in the queue still is an old turn
    db.session.commit()
    return len(rows)


def _interval(row: ModelHealth) -> timedelta:
    return timedelta(seconds=plan_of(row).every_s)


def release_lost(now: datetime) -> int:
    """Free what workers were looking at that are not heard of any more; gives how many looks. Commits."""
    alive = select(WatchWorker.id).where(is_at_work(now))
    lost = and_(ModelHealth.taken_by.is_not(None), ModelHealth.taken_by.not_in(alive))
    freed = update(ModelHealth).where(lost).values(taken_by=None, running_until=None, leased_until=None)
    count = db.session.execute(freed.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    db.session.commit()
    return int(count)


def release_queued(now: datetime) -> None:
    """Free what was claimed and nobody looks at yet, as its tasks are gone from the queue. Commits."""
    queued = and_(ModelHealth.leased_until.is_not(None), is_idle(now))
    freed = update(ModelHealth).where(queued).values(leased_until=None)
    db.session.execute(freed.execution_options(synchronize_session=False))
    db.session.commit()


def spent_today(model_pk: str, now: datetime) -> Spent:
    """What the watch of a model has used since midnight UTC."""
    cost = db.session.get(WatchCost, (model_pk, now.date()), populate_existing=True)
    return Spent(cost.tokens, cost.looks) if cost else Spent()


def lateness_s(now: datetime) -> float:
    """How long the model that waits longest has been due, in seconds; 0 where nobody waits."""
    oldest = db.session.scalar(select(func.min(ModelHealth.due)).where(is_watched(), is_idle(now)))
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
