"""How slow a model was at its slowest in 24 hours: kept by looks, since lists sort by it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, bindparam, false, select, true, union_all

from app.store.base import UTCDateTime, db
from app.store.watch.health import Look, ModelHealth, Rollup
from app.watch.history import HOUR, begin_of_24_hours, hour_of, percentile
from app.watch.judgement import FAILED

_TURNS = 12
_SELDOM = HOUR / 2
"""Between looks: for such a model it is found out each time."""
_MODEL, _DAY = bindparam("model_pk", type_=String), bindparam("day", type_=UTCDateTime)
_UNROLLED = bindparam("unrolled", type_=UTCDateTime)
_TIMES = union_all(
    select(Rollup.at, Rollup.p95_ms.label("ms"), true().label("is_hour")).where(
        Rollup.model_pk == _MODEL, Rollup.step == "hour", Rollup.at >= _DAY, Rollup.p95_ms.is_not(None)
    ),
    select(Look.at, Look.latency_ms, false()).where(
        Look.model_pk == _MODEL,
        Look.at >= _UNROLLED,
        Look.latency_ms.is_not(None),
        Look.result.not_in(FAILED),
    ),
)
"""The hours that are rolled up, and the looks of this hour and the one before it."""


def may_be_another(row: ModelHealth, ms: int | None, now: datetime) -> bool:
    """Whether a look that took `ms` is to find it out anew: where it took longer, and each twelfth time, an
    hour at the usual pace, since what was slow grows old. Models have different turns for that: all at once
    at the beginning of an hour would hold the looks up.
    """
    if row.last_check is None or row.day_p95_ms is None or now - row.last_check > _SELDOM:
        return True
    return (ms is not None and ms > row.day_p95_ms) or (row.turn + int(row.model_pk[-4:], 16)) % _TURNS == 0


def p95_of_slowest_hour(model_pk: str, now: datetime) -> int | None:
    """In milliseconds; None where nothing was answered in 24 hours."""
    asked = {"model_pk": model_pk, "day": begin_of_24_hours(now), "unrolled": hour_of(now) - HOUR}
    rolled: dict[datetime, int] = {}
    looks: dict[datetime, list[int]] = defaultdict(list)
    rows: Sequence[Any] = db.session.execute(_TIMES, asked).all()
    for at, ms, is_hour in rows:
        if is_hour:
            rolled[at] = ms
        else:
            looks[hour_of(at)].append(ms)
    fresh = {hour: percentile(times, 95) or 0 for hour, times in looks.items()}
    return max((fresh | rolled).values(), default=None)
