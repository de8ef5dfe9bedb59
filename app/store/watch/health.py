"""The health of models: what the watcher knows now, what it saw, and what is left of that after days."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Self, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    String,
    Text,
    bindparam,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column
from sqlalchemy.sql.dml import ReturningUpdate

from app.store.base import Base, UTCDateTime, db, new_id
from app.store.models import RegisteredModel

MODEL = "models.id"


def is_enabled(model_pk: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Whether the model that a column names is enabled."""
    return (
        select(RegisteredModel.id)
        .where(RegisteredModel.id == model_pk, RegisteredModel.enabled.is_(True))
        .exists()
    )


class ModelHealth(Base):
    """What the watcher knows of a model, when it looks next, and who does.

    `turn` counts the claims: a task that holds an older number does nothing. Until `leased_until` a claim is
    believed to be in somebody's queue, until `running_until` somebody is looking. What is None follows the
    registry's settings. `covered` is the last moment that the state was seen to hold, from `span_begin` on.
    """

    __tablename__ = "model_health"
    __table_args__ = (Index(None, "endpoint_id", "running_until"),)

    model_pk: Mapped[str] = mapped_column(ForeignKey(MODEL, ondelete="CASCADE"), primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="unknown")
    since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason_code: Mapped[str | None] = mapped_column(String(64))
    reason_message: Mapped[str | None] = mapped_column(Text)
    state_before: Mapped[str | None] = mapped_column(String(16))
    """The state before a fault of the endpoint took it down; None where none did."""
    alone: Mapped[bool] = mapped_column(default=False)
    """It met a fault of endpoints while others were answered: the next one is its own."""
    memory: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    week_p95_ms: Mapped[int | None]
    """The p95 of the last seven days, set once a day."""
    day_p95_ms: Mapped[int | None]
    """The p95 of the slowest of 24 hours, set by looks: lists sort by it."""

    due: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    turn: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    running_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    taken_by: Mapped[str | None] = mapped_column(String(36))
    """The worker that is looking, or about to; None where nobody is."""
    last_check: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_proof: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_full: Mapped[datetime | None] = mapped_column(UTCDateTime)
    evidence: Mapped[str] = mapped_column(String(16), default="")
    """How the last look was made: catalog, proof, full, or canary where another model was asked for it."""

    watched: Mapped[bool] = mapped_column(default=True)
    every_seconds: Mapped[int | None]
    full_every_hours: Mapped[int | None]
    tokens_per_day: Mapped[int | None] = mapped_column(BigInteger)

    span_begin: Mapped[datetime | None] = mapped_column(UTCDateTime)
    covered: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @classmethod
    def is_looked_at(cls, model_pk: str | None) -> bool:
        """Whether there is such a model, enabled and watched."""
        mine = (cls.model_pk == model_pk) & cls.watched.is_(True) & is_enabled(cls.model_pk)
        return db.session.scalar(select(cls.model_pk).where(mine)) is not None

    @classmethod
    def by_id(cls, model_pk: str) -> Self | None:
        """What is known of this model, as the database has it now; None where it was never looked at."""
        return db.session.get(cls, model_pk, populate_existing=True)

    @classmethod
    def at_endpoint(cls, endpoint_id: str, *, disabled: bool = False) -> list[ModelHealth]:
        """Every watched model of an endpoint, the oldest first; those that are disabled only where asked."""
        query = _AT_ENDPOINT if disabled else _ENABLED_AT_ENDPOINT
        return list(db.session.scalars(query, {"endpoint_id": endpoint_id}))


_AT_ENDPOINT = (
    select(ModelHealth)
    .where(ModelHealth.endpoint_id == bindparam("endpoint_id"), ModelHealth.watched.is_(True))
    .order_by(ModelHealth.model_pk)
    .execution_options(populate_existing=True)
)
_ENABLED_AT_ENDPOINT = _AT_ENDPOINT.where(is_enabled(ModelHealth.model_pk))


class EndpointWatch(Base):
    """What the watcher knows of an endpoint: the fault in doubt or confirmed, and who is asked for all."""

    __tablename__ = "endpoint_watch"

    endpoint_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    host: Mapped[str] = mapped_column(String(300))
    fault: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    witness: Mapped[str | None] = mapped_column(String(36))
    reached: Mapped[datetime | None] = mapped_column(UTCDateTime)
    unreached: Mapped[datetime | None] = mapped_column(UTCDateTime)
    endings: Mapped[dict[str, list[str | None]] | None] = mapped_column(JSON)
    """From when until when the server's `certificate` and the `key` hold, as far as that was seen."""

    @classmethod
    def locked(cls, endpoint_id: str) -> Self | None:
        """The row as it is now, which nobody else can write until this transaction ends; or None."""
        return cls._touched(_HOLD, endpoint_id)

    @classmethod
    def locked_for(cls, model_pk: str) -> Self | None:
        """The same, for the endpoint that serves this model."""
        return cls._touched(_HOLD_OF_MODEL, model_pk)

    @classmethod
    def _touched(cls, statement: ReturningUpdate[EndpointWatch], id: str) -> Self | None:
        return cast(Self | None, db.session.scalars(statement, {"id": id}).first())


def _hold(which: ColumnElement[str]) -> ReturningUpdate[EndpointWatch]:
    """A write that changes nothing takes the lock: SQLite has no SELECT FOR UPDATE."""
    touched = update(EndpointWatch).where(EndpointWatch.endpoint_id == which)
    touched = touched.values(endpoint_id=EndpointWatch.endpoint_id)
    return touched.returning(EndpointWatch).execution_options(
        synchronize_session=False, populate_existing=True
    )


_HOLD = _hold(bindparam("id", type_=String))
_HOLD_OF_MODEL = _hold(
    select(RegisteredModel.endpoint_id).where(RegisteredModel.id == bindparam("id")).scalar_subquery()
)


class Look(Base):
    """One look at a model. Kept for two days; then `Rollup` tells of it."""

    __tablename__ = "looks"
    __table_args__ = (Index(None, "model_pk", "at"), Index(None, "at"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    model_pk: Mapped[str] = mapped_column(ForeignKey(MODEL, ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    kind: Mapped[str] = mapped_column(String(8))
    result: Mapped[str] = mapped_column(String(8))
    code: Mapped[str | None] = mapped_column(String(64))
    message: Mapped[str | None] = mapped_column(Text)
    latency_ms: Mapped[int | None]
    first_token_ms: Mapped[int | None]
    calls: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[int] = mapped_column(default=0)


class Span(Base):
    """A stretch of time in one state, begin included, end not. What no span covers is unknown."""

    __tablename__ = "health_spans"
    __table_args__ = (Index(None, "model_pk", "end"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    model_pk: Mapped[str] = mapped_column(ForeignKey(MODEL, ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(16))
    begin: Mapped[datetime] = mapped_column(UTCDateTime)
    end: Mapped[datetime] = mapped_column(UTCDateTime)


class Rollup(Base):
    """What is left of the looks of an hour or a day. `known_s` are the seconds that the state was known."""

    __tablename__ = "health_rollups"

    model_pk: Mapped[str] = mapped_column(ForeignKey(MODEL, ondelete="CASCADE"), primary_key=True)
    step: Mapped[str] = mapped_column(String(4), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, primary_key=True, index=True)
    checks: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    down_s: Mapped[float] = mapped_column(default=0.0)
    known_s: Mapped[float] = mapped_column(default=0.0)
    p50_ms: Mapped[int | None]
    p95_ms: Mapped[int | None]
    p99_ms: Mapped[int | None]
    tokens: Mapped[int] = mapped_column(BigInteger, default=0)


class WatchCost(Base):
    """What the watch of a model used on a day (UTC). `money` counts where a price is known."""

    __tablename__ = "watch_costs"

    model_pk: Mapped[str] = mapped_column(ForeignKey(MODEL, ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True, index=True)
    looks: Mapped[int] = mapped_column(default=0)
    calls: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    money: Mapped[float] = mapped_column(default=0.0)

    @classmethod
    def of_today(cls) -> ColumnElement[bool]:
        """What a row of ModelHealth is joined with: what its watch used on the day `today`."""
        return (cls.model_pk == ModelHealth.model_pk) & (cls.day == bindparam("today"))


class WatchWorker(Base):
    """A worker process and when it was last heard of."""

    __tablename__ = "watch_workers"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(255))
    threads: Mapped[int]
    started: Mapped[datetime] = mapped_column(UTCDateTime)
    heard: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    looks: Mapped[int] = mapped_column(BigInteger, default=0)
