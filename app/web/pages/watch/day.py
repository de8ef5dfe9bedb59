"""The last 24 hours of many models at a glance, read in a few queries for a page of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select

from app.store.base import db
from app.store.watch.health import Look, ModelHealth, Rollup
from app.watch.history import HOUR, HOURS, begin_of_24_hours, hour_of
from app.watch.judgement import FAILED

HourState = Literal["up", "unsteady", "down", "unknown"]


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of a model: `unsteady` had failed looks and was never down."""

    at: datetime
    state: HourState
    checks: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """What a list shows of a model: its health, None where nobody watches it yet, and its hours."""

    health: ModelHealth | None
    hours: Sequence[Hour]

    @property
    def p95_ms(self) -> int | None:
        """The slowest hour's p95, in milliseconds; None where nobody has looked for so long."""
        row = self.health
        return row.day_p95_ms if row and row.last_check and row.last_check >= self.hours[0].at else None


def days_of(ids: Sequence[str], now: datetime) -> Mapping[str, Day]:
    """The last 24 hours of each of these models, the oldest hour first."""
    begin = begin_of_24_hours(now)
    known = select(ModelHealth).where(ModelHealth.model_pk.in_(ids))
    health = {row.model_pk: row for row in db.session.scalars(known)}
    rolled = _rolled(ids, begin)
    fresh = _fresh(ids, hour_of(now) - HOUR, health)
    moments = [begin + number * HOUR for number in range(HOURS)]
    return {
        id: Day(
            health.get(id),
            [rolled.get((id, at)) or fresh.get((id, at)) or Hour(at, "unknown") for at in moments],
        )
        for id in ids
    }


def _rolled(ids: Sequence[str], begin: datetime) -> dict[tuple[str, datetime], Hour]:
    query = select(Rollup).where(Rollup.model_pk.in_(ids), Rollup.step == "hour", Rollup.at >= begin)
    return {
        (row.model_pk, row.at): Hour(
            row.at, _state(row.checks, row.failures, row.down_s), row.checks, row.failures
        )
        for row in db.session.scalars(query)
    }


def _fresh(
    ids: Sequence[str], begin: datetime, health: Mapping[str, ModelHealth]
) -> dict[tuple[str, datetime], Hour]:
    """The hours that are not rolled up yet: this one, and the one before it."""
    query = select(Look.model_pk, Look.at, Look.result).where(Look.model_pk.in_(ids), Look.at >= begin)
    results: dict[tuple[str, datetime], list[str]] = {}
    for id, at, result in db.session.execute(query):
        results.setdefault((id, hour_of(at)), []).append(result)
    return {key: _hour(key[1], seen, health.get(key[0])) for key, seen in results.items()}


def _hour(at: datetime, results: Sequence[str], health: ModelHealth | None) -> Hour:
    failures = sum(result in FAILED for result in results)
    fell = (
        health is not None and health.state == "down" and (health.since is None or health.since < at + HOUR)
    )
    down_s = 1.0 if failures and fell else 0.0
    return Hour(at, _state(len(results), failures, down_s), len(results), failures)


def _state(checks: int, failures: int, down_s: float) -> HourState:
    if down_s > 0:
        return "down"
    if failures:
        return "unsteady"
    return "up" if checks else "unknown"
