"""The list of models: what is searched for, in which order, and what each row shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from app.probe.capabilities import CAPABILITIES
from app.probe.model_types import MODEL_TYPES
from app.registry.clients import CLIENTS, only_working_with
from app.store.base import db, now
from app.store.models import HEALTHS, RegisteredModel
from app.store.probes import Probe
from app.watch import summary
from app.web.pages import display, search
from app.web.pages.search import Search
from app.web.pages.watch import health
from app.web.pages.watch.health import Shown

PAGE = 30
"""How many models a page has: so that it weighs less than 100 kB with all that it loads."""
STALE = "stale"
"""A filter beside the healths: what nobody has looked at for three intervals."""

# Name in the URL: label, column of the index `ix_models_list`, whether it begins with the largest.
SORTS: dict[str, tuple[str, Any, bool]] = {
    "added": ("Added", RegisteredModel.id, True),
    "name": ("Name", RegisteredModel.search, False),
    "health": ("Health", RegisteredModel.health, False),
    "type": ("Type", RegisteredModel.model_type, False),
    "region": ("Region", RegisteredModel.region, False),
    "cost": ("Input / output", RegisteredModel.input_cost, False),
    "probed": ("Last probe", RegisteredModel.last_probe_id, True),
}


@dataclass(frozen=True, slots=True)
class ModelSearch(Search):
    """What the list of models is asked for."""

    sort: str = "added"
    turned: bool = False

    @property
    def descending(self) -> bool:
        """Whether the largest comes first."""
        return SORTS[self.sort][2] is not self.turned

    def url(self, cursor: str = "", **more: str) -> str:
        """The list with the same search and order, from a cursor on."""
        order = {"turned": "yes" if self.turned else "", "sort": "" if self.sort == "added" else self.sort}
        return Search.url(self, cursor, **order, **more)

    def sorted_url(self, sort: str) -> str:
        """The list in another order; a second time turns it round."""
        return replace(self, sort=sort, turned=self.sort == sort and not self.turned).url()

    def aria(self, sort: str) -> str:
        """The `aria-sort` of a column's head."""
        if self.sort != sort:
            return "none"
        return "descending" if self.descending else "ascending"


@dataclass(frozen=True, slots=True)
class Chip:
    """A capability at a glance."""

    label: str
    contradicted: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A model as the list shows it; `probed` and `verdict` are of its last probe."""

    model: RegisteredModel
    type_label: str
    chips: Sequence[Chip]
    cost: str
    probed: datetime | None
    verdict: str | None
    health: Shown


def search_of(arguments: Mapping[str, str]) -> ModelSearch:
    """The search in a query string; values that are not on offer count as not given."""
    states = [(name, display.look_of(name).label) for name in (*HEALTHS, STALE)]
    seen = [(row.name, row.label) for row in CAPABILITIES if row.is_filter]
    choices = (
        search.type_choice(arguments),
        search.region_choice(arguments),
        search.choice_of("health", "Health", arguments, states),
        search.choice_of("seen", "Can do", arguments, seen),
        search.choice_of("works_with", "Works with", arguments, [(one.name, one.label) for one in CLIENTS]),
        search.choice_of("enabled", "Use", arguments, [("yes", "Enabled"), ("no", "Disabled")]),
        *search.label_choices(arguments),
    )
    sort = arguments.get("sort", "")
    return ModelSearch(
        "models.index",
        search.text_of(arguments, "q", 200),
        search.text_of(arguments, "cursor", 2000),
        choices,
        search.text_of(arguments, "host", 255),
        sort if sort in SORTS else "added",
        arguments.get("turned") == "yes",
    )


def found(wanted: ModelSearch) -> tuple[list[RegisteredModel], str]:
    """A page of models and the cursor of the next page, "" where there is none.

    Two steps: the ids of the page from the index alone, then these rows.
    """
    query = _matching(wanted)
    after = _read_cursor(wanted)
    if after:
        query = query.where(_beyond(wanted, *after))
    page = list(db.session.execute(_ordered(query, wanted).limit(PAGE + 1)))
    ids = [row[0] for row in page[:PAGE]]
    rows = {model.id: model for model in db.session.scalars(_rows(ids))} if ids else {}
    following = _cursor(wanted, page[PAGE - 1]) if len(page) > PAGE else ""
    return [rows[id] for id in ids if id in rows], following


@dataclass(frozen=True, slots=True)
class Count:
    """How many models of the search are in a state, and where these alone are shown; `health` "" is all."""

    health: str
    count: int
    url: str
    current: bool


def counts(wanted: ModelSearch) -> list[Count]:
    """All that the search finds whatever their health, then how many are in each state, the worst first."""
    query = _matching(wanted, any_health=True).with_only_columns(RegisteredModel.health, func.count())
    told = {row[0]: int(row[1]) for row in db.session.execute(query.group_by(RegisteredModel.health))}
    named = [("", sum(told.values())), *((name, told[name]) for name in reversed(HEALTHS) if name in told)]
    chosen = wanted.value("health") or ""
    return [Count(name, count, wanted.url(health=name), name == chosen) for name, count in named]


def ids_of(wanted: ModelSearch, most: int) -> list[str]:
    """The ids of all that the search finds, at most so many, in its order."""
    return [row[0] for row in db.session.execute(_ordered(_matching(wanted), wanted).limit(most))]


def rows_of(models: Sequence[RegisteredModel]) -> list[Row]:
    """The rows of these models, with their health and their last probes."""
    known = health.shown(models, now())
    return [_row(model, _last_probe(model.id), known[model.id]) for model in models]


def chips_of(capabilities: Mapping[str, Mapping[str, Any]]) -> list[Chip]:
    """What the probe saw, and what was declared and not seen."""
    return [
        Chip(row.chip, contradicted=seen.get("observed") is False)
        for row in CAPABILITIES
        if row.chip and (seen := capabilities.get(row.name)) and _worth_showing(seen)
    ]


def cost_of(model: RegisteredModel) -> str:
    """The prices in one line, as far as they are known."""
    if model.cost_per_image is not None and model.input_cost is None and model.output_cost is None:
        return f"{display.money(model.cost_per_image)} an image"
    if model.input_cost is None and model.output_cost is None:
        return ""
    if model.output_cost is None:
        return display.money(model.input_cost)
    return f"{display.money(model.input_cost) or 'not known'} / {display.money(model.output_cost)}"


def _matching(wanted: ModelSearch, *, any_health: bool = False) -> Select[Any]:
    """Id and sorted value of the models that the search leaves, in no order yet."""
    enabled, status = wanted.value("enabled"), wanted.value("health")
    query = RegisteredModel.matching_in_index(
        RegisteredModel.id,
        SORTS[wanted.sort][1],
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


def _rows(ids: Sequence[str]) -> Select[Any]:
    return select(RegisteredModel).where(RegisteredModel.id.in_(ids))


def _ordered(query: Select[Any], wanted: ModelSearch) -> Select[Any]:
    """By the column and then by id; what has no value comes last either way."""
    column = SORTS[wanted.sort][1]
    if wanted.descending:
        return query.order_by(column.is_(None), column.desc(), RegisteredModel.id.desc())
    return query.order_by(column.is_(None), column, RegisteredModel.id)


def _beyond(wanted: ModelSearch, value: Any, id: str) -> ColumnElement[bool]:
    """What comes after a row with this value and this id."""
    column, own = SORTS[wanted.sort][1], RegisteredModel.id
    later_id = own < id if wanted.descending else own > id
    if value is None:
        return and_(column.is_(None), later_id)
    later = column < value if wanted.descending else column > value
    return or_(later, and_(column == value, later_id), column.is_(None))


def _signed() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="cursor of the list")


def _cursor(search: ModelSearch, row: Any) -> str:
    """Where the next page begins, signed: its value is compared with a column, so it must be of its type."""
    cursor: str = _signed().dumps([search.sort, row[1], row[0]])
    return cursor


def _read_cursor(search: ModelSearch) -> tuple[Any, str] | None:
    """The value and the id in a cursor; None where it is none of this order, or was changed by hand."""
    try:
        sort, value, id = _signed().loads(search.cursor)
    except BadData:
        return None
    return (value, id) if sort == search.sort else None


def _last_probe(model_pk: str) -> Any:
    """Verdict and time of the last probe, None where there is none; not its report, which is long."""
    query = select(Probe.verdict, Probe.started).where(Probe.model_pk == model_pk)
    return db.session.execute(query.order_by(Probe.id.desc()).limit(1)).first()


def _worth_showing(seen: Mapping[str, Any]) -> bool:
    return seen.get("observed") is True or (seen.get("observed") is False and seen.get("declared") is True)


def _row(model: RegisteredModel, last: Any, known: Shown) -> Row:
    kind = MODEL_TYPES.get(model.model_type)
    return Row(
        model,
        kind.label if kind else model.model_type,
        chips_of(model.capabilities or {}),
        cost_of(model),
        last.started if last else None,
        last.verdict if last else None,
        known,
    )
