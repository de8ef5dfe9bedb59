"""Which models a page of the catalogue has, how many there are, and where its neighbours begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, func, select

from app.config import settings
from app.store.base import db
from app.store.models import RegisteredModel
from app.web.pages.search import Search

PAGE = 30
"""How many models a page of the catalogue has: so that it weighs less than 100 kB with all that it loads."""

_BEFORE = "-"
"""What a cursor begins with where the page before its model is wanted."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the catalogue: its models, how many come before them, and how many there are in all.

    A cursor is "" where there is no such page.
    """

    models: Sequence[RegisteredModel]
    skipped: int
    total: int
    before: str
    after: str


def found(wanted: Search) -> Page:
    """The page that the cursor asks for, newest first; without what is down where MUSTER_HIDE_DOWN is set."""
    backwards, id = wanted.cursor.startswith(_BEFORE), wanted.cursor.removeprefix(_BEFORE)
    own = RegisteredModel.id
    query = _matching(wanted).order_by(own if backwards else own.desc()).limit(PAGE + 1)
    if id:
        query = query.where(own > id if backwards else own < id)
    models = list(db.session.scalars(query))
    more, models = len(models) > PAGE, models[:PAGE]
    if backwards and not more:
        return found(replace(wanted, cursor=""))  # the first page is always a whole one
    if backwards:
        models.reverse()
    return _page(wanted, models, before=bool(id), after=backwards or more)


def _page(wanted: Search, models: list[RegisteredModel], *, before: bool, after: bool) -> Page:
    if not models:
        return Page((), 0, 0, "", "")
    first, last = models[0].id, models[-1].id
    skipped = _count(_matching(wanted).where(RegisteredModel.id > first)) if before else 0
    total = _count(_matching(wanted)) if before or after else len(models)
    return Page(models, skipped, total, f"{_BEFORE}{first}" if skipped else "", last if after else "")


def _count(query: Select[Any]) -> int:
    return db.session.scalar(query.with_only_columns(func.count())) or 0


def _matching(wanted: Search) -> Select[RegisteredModel]:
    """What the search leaves, in no order yet."""
    # Nearly all are enabled: without a filter the newest ones are found soonest by walking the rows.
    query = _searched(wanted) if wanted.active else select(RegisteredModel).where(RegisteredModel.enabled)
    return query.where(RegisteredModel.health != "down") if settings().hide_down else query


def _searched(wanted: Search) -> Select[RegisteredModel]:
    return RegisteredModel.matching(
        q=wanted.q or None,
        model_type=wanted.value("type"),
        region=wanted.value("region"),
        seen=wanted.value("can"),
        enabled=True,
    )
