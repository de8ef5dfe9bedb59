"""The orders of the list of models: what each sorts by, and the tables that this is read from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, case, func, select, union_all

from app.store.base import UTCDateTime, now
from app.store.labels import ModelOwner
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.store.watch.health import Look, ModelHealth, Rollup
from app.watch.history import HOUR, hour_of
from app.watch.judgement import FAILED
from app.web.pages.watch.day import HOURS

_WORST_FIRST = {"down": 0, "degraded": 1, "unknown": 2, "up": 3}


@dataclass(frozen=True, slots=True)
class Order:
    """`column` is sorted by. `joined` are other tables, and which row of each is a model's: at most one is.

    `descending`: it begins with the largest, unless it is turned round.
    """

    column: Any
    descending: bool = False
    joined: tuple[tuple[Any, Any], ...] = ()

    def applied(self, query: Select[Any]) -> Select[Any]:
        """A query of models with the value that this sorts by as its last column."""
        query = query.add_columns(self.column)
        for table, is_its in self.joined:
            query = query.outerjoin(table, is_its)
        return query

    @property
    def is_time(self) -> bool:
        """Whether its values are times."""
        return isinstance(self.column.type, UTCDateTime)


def _since(hours: int) -> Any:
    """The beginning of the hour so many hours ago, told anew each time that a query runs."""

    def begin() -> datetime:
        return hour_of(now()) - hours * HOUR

    return bindparam(None, callable_=begin, type_=UTCDateTime())


def _by_p95() -> Order:
    """The p95 of the slowest of 24 hours, as `watch.day` shows it: from what is rolled up, and from the looks
    of this hour and the one before it.
    """
    is_new = case((Look.at >= _since(0), 1), else_=0)
    counted = (Look.at >= _since(1), Look.latency_ms.is_not(None), Look.result.not_in(FAILED))
    one_hour = (Look.model_pk, is_new)
    place = func.row_number().over(partition_by=one_hour, order_by=Look.latency_ms).label("place")
    many = func.count().over(partition_by=one_hour).label("many")
    looks = select(Look.model_pk, Look.latency_ms, place, many).where(*counted).subquery()
    nearest_rank = looks.c.place == (looks.c.many * 95 + 99) // 100
    rolled = select(Rollup.model_pk, Rollup.p95_ms.label("p95_ms"))
    rolled = rolled.where(Rollup.step == "hour", Rollup.at >= _since(HOURS - 1))
    hours = union_all(rolled, select(looks.c.model_pk, looks.c.latency_ms).where(nearest_rank)).subquery()
    slowest = select(hours.c.model_pk, func.max(hours.c.p95_ms).label("p95_ms")).group_by(hours.c.model_pk)
    worst = slowest.subquery()
    return Order(worst.c.p95_ms, True, ((worst, worst.c.model_pk == RegisteredModel.id),))


def _by_last_look() -> Order:
    """When the watch or a probe last looked, whichever was later."""
    watched, probed = ModelHealth.last_check, Probe.started
    last = case((probed > watched, probed), else_=func.coalesce(watched, probed))
    joined = (
        (ModelHealth, ModelHealth.model_pk == RegisteredModel.id),
        (Probe, Probe.id == RegisteredModel.last_probe_id),
    )
    return Order(last, True, joined)


_OWNERS = ((ModelOwner, ModelOwner.model_pk == RegisteredModel.id),)

# By its name in the URL. What names no other tables is answered from the index `ix_models_list`.
ORDERS: dict[str, Order] = {
    "added": Order(RegisteredModel.id, descending=True),
    "name": Order(RegisteredModel.search),
    "health": Order(case(_WORST_FIRST, value=RegisteredModel.health)),
    "type": Order(RegisteredModel.model_type),
    "region": Order(RegisteredModel.region),
    "cost": Order(RegisteredModel.input_cost),
    "out": Order(RegisteredModel.output_cost),
    "p95": _by_p95(),
    "owner": Order(func.lower(ModelOwner.owner), joined=_OWNERS),
    "looked": _by_last_look(),
    "probed": Order(RegisteredModel.last_probe_id, descending=True),
}
