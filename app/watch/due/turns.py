"""A look's turn at its endpoint: taken up where it has one, else kept for the worker's next there."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import aliased

from app.config import settings
from app.store.base import UTCDateTime, db, insert_missing
from app.store.models import RegisteredModel
from app.store.watch.health import EndpointWatch, ModelHealth, WatchCost
from app.watch.due.claims import lease, plan_of
from app.watch.due.schedule import Kind, Spent, kind_of_look
from app.watch.places import host_of


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


def take(model_pk: str, turn: int, now: datetime, worker: str | None = None) -> Taken | Busy | None:
    """Begin a look. Busy: the endpoint has as many as it may have. None: there is nothing to do. Commits.

    The endpoint's row is held meanwhile, so that the looks under way are counted one after the other.
    """
    place, found = EndpointWatch.locked_for(model_pk), _found(model_pk, now)
    if found and (place is None or place.endpoint_id != found.endpoint_id):
        place, found = _made(found), _found(model_pk, now)  # counted anew, now that its row is held
    if place is None or found is None or not found.enabled or not found.row.watched:
        db.session.rollback()
        return None
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


_LOOK = _query_of_a_look()  # once, since putting it together takes longer than running it


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
    place.host = host_of(found.base_url)
    plan = plan_of(row)
    is_asked = not place.fault or place.witness == row.model_pk
    if not is_asked and not ModelHealth.is_looked_at(place.witness):
        # Who was asked for all is gone, or is not watched any more.
        place.witness, is_asked = row.model_pk, True
    if not is_asked and not row.alone:
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


class Waiting(NamedTuple):
    """A look that was claimed and could not begin yet; `waits` counts how often it was sent back.

    `endpoint_id` is where its model was when it was claimed; "" where nobody said.
    """

    model_pk: str
    turn: int
    waits: int = 0
    endpoint_id: str = ""


class Turns:
    """Which endpoints this worker is asking, and the looks that follow there; its threads share it.

    So a turn is used as soon as it is free, and nobody has to ask for it again and again. What waits here
    is gone with its worker, as a look under way is, and is claimed again by others in the same way.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[Waiting]] = defaultdict(deque)

    def begin(self, endpoint_id: str) -> None:
        """One more thread is looking there, until `following` or `give_up` ends that."""
        with self._lock:
            self._asking[endpoint_id] += 1

    def wait(self, endpoint_id: str, look: Waiting, behind: int = 1) -> bool:
        """Keep a look for a thread that is looking there; False where fewer than `behind` of them are."""
        with self._lock:
            is_kept = self._asking[endpoint_id] >= behind
            if is_kept:
                self._waiting[endpoint_id].append(look)
            return is_kept

    def following(self, endpoint_id: str) -> Waiting | None:
        """The look that waited longest there, for the thread whose own has ended; None ends its turn."""
        with self._lock:
            waiting = self._waiting[endpoint_id]
            if waiting:
                return waiting.popleft()
            self._end(endpoint_id)
            return None

    def give_up(self, endpoint_id: str) -> None:
        """End a turn without another look."""
        with self._lock:
            self._end(endpoint_id)

    def _end(self, endpoint_id: str) -> None:
        self._asking[endpoint_id] -= 1
        if not self._asking[endpoint_id]:
            del self._asking[endpoint_id]
            if not self._waiting[endpoint_id]:
                del self._waiting[endpoint_id]
