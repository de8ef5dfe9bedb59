"""The orders of the list of models: what each sorts by, and the tables that this is read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, case, func

from app.store.base import UTCDateTime, now
from app.store.labels import ModelOwner
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.store.watch.health import ModelHealth
from app.watch.history import begin_of_24_hours

_HEALTH = (ModelHealth, ModelHealth.model_pk == RegisteredModel.id)
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


def _begin_of_24_hours() -> Any:
    """The first of the last 24 hours, told anew each time that a query runs."""
    return bindparam(None, callable_=lambda: begin_of_24_hours(now()), type_=UTCDateTime())


def _by_p95() -> Order:
    """As `watch.day` shows it: that of a model which nobody has looked at for a day is not known."""
    known = case((ModelHealth.last_check >= _begin_of_24_hours(), ModelHealth.day_p95_ms))
    return Order(known, True, (_HEALTH,))


def _by_last_look() -> Order:
    """When the watch or a probe last looked, whichever was later."""
    watched, probed = ModelHealth.last_check, Probe.started
    last = case((probed > watched, probed), else_=func.coalesce(watched, probed))
    return Order(last, True, (_HEALTH, (Probe, Probe.id == RegisteredModel.last_probe_id)))


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
