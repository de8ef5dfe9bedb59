"""Which models a page of the list has, and where its neighbours begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from app.registry.clients import only_working_with
from app.store.base import db, now
from app.store.models import HEALTHS, WITH_LABELS, RegisteredModel
from app.watch import summary
from app.web.pages.models.listing import STALE, ModelSearch

PAGE = 30
"""How many models a page has: so that it weighs less than 100 kB with all that it loads."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list: its models, how many come before them, and the cursors of its neighbours.

    A cursor is "" where there is no such page.
    """

    models: Sequence[RegisteredModel]
    skipped: int
    before: str
    after: str


def found(wanted: ModelSearch) -> Page:
    """The page that the cursor asks for. Two steps: its ids from the index alone, then these rows."""
    place = _read_cursor(wanted)
    query = _sorted_by(wanted)
    backwards = place is not None and place.backwards
    if place:
        query = query.where(_beyond(wanted, place))
    page = list(db.session.execute(_ordered(query, wanted, backwards=backwards).limit(PAGE + 1)))
    more, page = len(page) > PAGE, page[:PAGE]
    if backwards and not more:
        return found(replace(wanted, cursor=""))  # the first page is always a whole one
    if backwards:
        page.reverse()
    return _page(wanted, page, before=place is not None, after=backwards or more)


def _page(wanted: ModelSearch, page: Sequence[Any], *, before: bool, after: bool) -> Page:
    ids = [row[0] for row in page]
    rows = {model.id: model for model in db.session.scalars(_rows(ids))} if ids else {}
    return Page(
        [rows[id] for id in ids if id in rows],
        _count_before(wanted, page[0]) if page and before else 0,
        _cursor(wanted, page[0], "before") if page and before else "",
        _cursor(wanted, page[-1], "after") if page and after else "",
    )


@dataclass(frozen=True, slots=True)
class Count:
    """How many models of the search are in a state, and where these alone are shown; `health` "" is all."""

    health: str
    count: int
    url: str
    current: bool


def counts(wanted: ModelSearch) -> list[Count]:
    """All that the search finds whatever their health, then how many are in each state, the worst first, and
    last how many of them all are stale.
    """
    query = _matching(wanted, any_health=True).with_only_columns(RegisteredModel.health, func.count())
    told = {row[0]: int(row[1]) for row in db.session.execute(query.group_by(RegisteredModel.health))}
    named = [("", sum(told.values())), *((name, told[name]) for name in reversed(HEALTHS) if name in told)]
    stale = _matching(wanted, any_health=True).where(RegisteredModel.id.in_(summary.stale_ids(now())))
    number = db.session.scalar(stale.with_only_columns(func.count())) or 0
    named += [(STALE, number)] if number else []
    chosen = wanted.value("health") or ""
    return [Count(name, count, wanted.url(health=name), name == chosen) for name, count in named]


def ids_of(wanted: ModelSearch, most: int) -> list[str]:
    """The ids of all that the search finds, at most so many, in its order."""
    return [row[0] for row in db.session.execute(_ordered(_sorted_by(wanted), wanted).limit(most))]


def _matching(wanted: ModelSearch, *, any_health: bool = False) -> Select[Any]:
    """The ids of the models that the search leaves, in no order yet."""
    enabled, status = wanted.value("enabled"), wanted.value("health")
    query = RegisteredModel.matching_in_index(
        RegisteredModel.id,
        q=wanted.q or None,
        host=wanted.host or None,
        model_type=wanted.value("type"),
        region=wanted.value("region"),
        status=None if any_health or status == STALE else status,
        seen=wanted.value("seen"),
        owner=wanted.value("owner"),
        tag=wanted.value("tag"),
        enabled=None if enabled is None else enabled == "yes",
    )
    query = only_working_with(query, wanted.value("works_with"))
    return query.where(RegisteredModel.id.in_(summary.stale_ids(now()))) if status == STALE else query


def _sorted_by(wanted: ModelSearch) -> Select[Any]:
    """The same with the value that each is sorted by."""
    return wanted.order.applied(_matching(wanted))


def _rows(ids: Sequence[str]) -> Select[Any]:
    return select(RegisteredModel).where(RegisteredModel.id.in_(ids)).options(*WITH_LABELS)


def _ordered(query: Select[Any], wanted: ModelSearch, *, backwards: bool = False) -> Select[Any]:
    """By the column and then by id; what has no value comes last either way. Backwards all is turned."""
    column, own = wanted.order.column, RegisteredModel.id
    missing = column.is_(None)
    if wanted.descending is not backwards:
        return query.order_by(missing.desc() if backwards else missing, column.desc(), own.desc())
    return query.order_by(missing.desc() if backwards else missing, column, own)


@dataclass(frozen=True, slots=True)
class _Place:
    """A row of the list by its sorted value and its id; what is wanted lies after it, or before it."""

    value: Any
    id: str
    backwards: bool


def _beyond(wanted: ModelSearch, place: _Place) -> ColumnElement[bool]:
    """What comes after a row, or before it where the place says backwards."""
    column, own = wanted.order.column, RegisteredModel.id
    down = wanted.descending is not place.backwards
    further_id = own < place.id if down else own > place.id
    if place.value is None:
        same = and_(column.is_(None), further_id)
        return or_(column.is_not(None), same) if place.backwards else same
    further = column < place.value if down else column > place.value
    there = or_(further, and_(column == place.value, further_id))
    return there if place.backwards else or_(there, column.is_(None))


def _count_before(wanted: ModelSearch, row: Any) -> int:
    query = _sorted_by(wanted).where(_beyond(wanted, _Place(row[1], row[0], backwards=True)))
    return db.session.scalar(query.with_only_columns(func.count())) or 0


def _signed() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="cursor of the list")


def _cursor(search: ModelSearch, row: Any, side: str) -> str:
    """A neighbouring page, signed: its value is compared with a column, so it must be of its type."""
    value = row[1].isoformat() if search.order.is_time and row[1] else row[1]
    cursor: str = _signed().dumps([search.sort, value, row[0], side])
    return cursor


def _read_cursor(search: ModelSearch) -> _Place | None:
    """The place in a cursor; None where it is none of this order, or was changed by hand."""
    try:
        sort, value, id, side = _signed().loads(search.cursor)
    except (BadData, ValueError):
        return None
    if sort != search.sort:
        return None
    if search.order.is_time and value:
        value = datetime.fromisoformat(value)
    return _Place(value, id, side == "before")
