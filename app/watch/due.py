"""Which models are due, and who looks: claims in the database, so that any number of workers may ask.

A claim is a number, `turn`, and a lease. Who claims puts a task with the number into the queue; who takes it
up must find the number still current. A task that was lost with its worker is claimed again when its lease
is over, and the number of the lost one is an old one then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import aliased

from app.config import settings
from app.store.base import UTCDateTime, db, insert_missing
from app.store.models import RegisteredModel
from app.store.watch.health import EndpointWatch, ModelHealth, WatchCost, WatchWorker, is_enabled
from app.watch.places import host_of
from app.watch.schedule import Kind, Plan, Spent, first_due, kind_of_look

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


@dataclass(frozen=True, slots=True)
class Taken:
    """A look that may begin now."""

    model_pk: str
    turn: int
    endpoint_id: str
    kind: Kind
    due: datetime


@dataclass(frozen=True, slots=True)
class Busy:
    """A look that may not begin yet: its endpoint has as many as it may have at once."""

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


def adopt_new(now: datetime) -> int:
    """Begin to watch the models that nobody watches yet; gives how many. Commits.

    They were seen working when they got in, so the first whole probe is a day away.
    """
    watched = select(ModelHealth.model_pk).where(ModelHealth.model_pk == RegisteredModel.id).exists()
    fresh = db.session.scalars(select(RegisteredModel).where(~watched).limit(_AT_ONCE)).all()
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


def _row_of(model: RegisteredModel, now: datetime) -> dict[str, object]:
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
    every_s = ModelHealth.every_seconds
    on = every_s > 0 if not settings().watch_seconds else or_(every_s.is_(None), every_s > 0)
    return and_(ModelHealth.watched.is_(True), on, is_enabled(ModelHealth.model_pk))


def is_idle(now: datetime) -> ColumnElement[bool]:
    """Whether nobody is looking at the model of a row of ModelHealth."""
    return or_(ModelHealth.running_until.is_(None), ModelHealth.running_until <= now)


def is_at_work(now: datetime) -> ColumnElement[bool]:
    """Whether the worker of a row of WatchWorker was heard of lately."""
    return WatchWorker.heard > now - SILENT


def claim(now: datetime, only: Sequence[str] | None = None) -> list[Claim]:
    """Claim what is due within the horizon, or of `only` these models, claimed or not. Commits."""
    soon = ModelHealth.due <= now + HORIZON
    free = or_(ModelHealth.leased_until.is_(None), ModelHealth.leased_until < now)
    which = and_(soon, is_idle(now), is_watched(), free if only is None else ModelHealth.model_pk.in_(only))
    chosen = select(ModelHealth.model_pk).where(which).order_by(ModelHealth.due).limit(_AT_ONCE)
    if db.engine.dialect.name == "postgresql":
        chosen = chosen.with_for_update(skip_locked=True, of=ModelHealth)
    claimed = (
        update(ModelHealth)
        .where(ModelHealth.model_pk.in_(chosen))
        .values(turn=ModelHealth.turn + 1, leased_until=now + HORIZON + lease())
        .returning(ModelHealth.model_pk, ModelHealth.turn, ModelHealth.due)
        .execution_options(synchronize_session=False)
    )
    found = [Claim(*row) for row in db.session.execute(claimed)]
    db.session.commit()
    return found


def claim_held(row: ModelHealth, now: datetime, *, enabled: bool) -> Claim | None:
    """Claim the next look at a model whose row is held, in the transaction at hand; `enabled` is the model's.

    None where it is not due within the horizon, or not to be looked at.
    """
    if row.due > now + HORIZON or not (enabled and row.watched and plan_of(row).every_s):
        return None
    row.turn, row.leased_until = row.turn + 1, now + HORIZON + lease()
    return Claim(row.model_pk, row.turn, row.due)


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


def take(model_pk: str, turn: int, now: datetime, worker: str | None = None) -> Taken | Busy | None:
    """Begin a look. Busy: the endpoint has as many as it may have. None: there is nothing to do. Commits.

    The endpoint's row is held meanwhile, so that the looks under way are counted one after the other.
    """
    place, found = EndpointWatch.locked_for(model_pk), _found(model_pk, now)
    if found is None or not found.enabled or not found.row.watched:
        db.session.rollback()
        return None
    if place is None or place.endpoint_id != found.endpoint_id:
        place = _made(found)
    taken = _taken(found, place, turn, now)
    if taken:
        found.row.taken_by = worker
    if isinstance(taken, Taken):
        found.row.running_until = now + lease()
    db.session.commit()
    return taken


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known before a look. `running` counts the looks at its endpoint that are under way."""

    row: ModelHealth
    endpoint_id: str
    base_url: str
    model_type: str
    enabled: bool
    running: int
    spent: Spent


def _query_of_a_look() -> Select[Any]:
    """What `_Found` is made of, of the model `model_pk` at the time `now` on `today`."""
    model, other = RegisteredModel, aliased(ModelHealth)
    running = select(func.count()).where(
        other.endpoint_id == model.endpoint_id, other.running_until > bindparam("now", type_=UTCDateTime)
    )
    columns = (model.endpoint_id, model.base_url, model.model_type, model.enabled)
    return (
        select(ModelHealth, *columns, running.scalar_subquery(), WatchCost.tokens, WatchCost.looks)
        .join(model, model.id == ModelHealth.model_pk)
        .outerjoin(WatchCost, WatchCost.of_today())
        .where(ModelHealth.model_pk == bindparam("model_pk"))
        .execution_options(populate_existing=True)
    )


_LOOK = _query_of_a_look()  # once, for to put it together takes longer than to run it


def _found(model_pk: str, now: datetime) -> _Found | None:
    asked = {"model_pk": model_pk, "now": now, "today": now.date()}
    one = db.session.execute(_LOOK, asked).one_or_none()
    if one is None:
        return None
    row, endpoint_id, base_url, model_type, enabled, running, tokens, looks = one
    spent = Spent(tokens or 0, looks or 0)
    return _Found(row, endpoint_id, base_url, model_type, enabled, running, spent)


def _made(found: _Found) -> EndpointWatch:
    """The row of a model's endpoint, held, where it is a new one or the model has just moved there."""
    insert_missing(EndpointWatch, [{"endpoint_id": found.endpoint_id, "host": host_of(found.base_url)}])
    place = EndpointWatch.locked(found.endpoint_id)
    assert place is not None, "it was just made sure of"
    return place


def _taken(found: _Found, place: EndpointWatch, turn: int, now: datetime) -> Taken | Busy | None:
    row = found.row
    if row.endpoint_id != found.endpoint_id:  # it has moved, and is counted there from now on
        row.endpoint_id, row.state_before, row.alone = found.endpoint_id, None, False
    if row.turn != turn or (row.running_until and row.running_until > now):
        return None
    plan = plan_of(row)
    if place.fault and not ModelHealth.is_looked_at(place.witness):
        place.witness = row.model_pk  # the one that was asked for all is gone, or nobody's business any more
    if place.fault and place.witness != row.model_pk and not row.alone:
        # One model is asked for all of them; when that is over, everybody's turn comes soon.
        row.due = now + timedelta(seconds=max(60, plan.every_s))
        row.leased_until = row.taken_by = None
        return None
    if found.running >= looks_at_once():
        return Busy(found.endpoint_id)
    spent = found.spent
    kind = kind_of_look(found.model_type, plan, spent, now, row.last_proof, row.last_full)
    if (place.fault or row.state == "down") and spent.tokens < plan.tokens_per_day:
        kind = "proof"
    return Taken(row.model_pk, turn, row.endpoint_id, kind, row.due)


def looks_at_once() -> int:
    """How many looks an endpoint may have at once: each makes two calls, the proof beside the catalog."""
    return max(1, settings().probe_calls_at_once // 2)


def spent_today(model_pk: str, now: datetime) -> Spent:
    """What the watch of a model has used since midnight UTC."""
    cost = db.session.get(WatchCost, (model_pk, now.date()), populate_existing=True)
    return Spent(cost.tokens, cost.looks) if cost else Spent()


def lateness_s(now: datetime) -> float:
    """How long the model that waits longest has been due, in seconds; 0 where nobody waits."""
    oldest = db.session.scalar(select(func.min(ModelHealth.due)).where(is_watched(), is_idle(now)))
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
