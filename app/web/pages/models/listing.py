"""The list of models: what is searched for, in which order, and what each row shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import current_app, url_for
from itsdangerous import BadData, URLSafeSerializer
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, and_, or_, select

from app.probe.model_types import MODEL_TYPES
from app.registry import stored_documents
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.probes import Probe
from app.web.pages import display
from app.web.pages.models import charts

PAGE = 30
"""How many models a page has: so that it weighs less than 100 kB with all that it loads."""
SPARKS = 20
HEALTHS = ("up", "degraded", "down", "unknown")

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
class Choice:
    """One filter: its parameter, its label, the value chosen and what may be chosen."""

    name: str
    label: str
    value: str
    options: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Search:
    """What the list is asked for, as it stands in the URL."""

    q: str
    cursor: str
    choices: tuple[Choice, ...]
    host: str = ""
    sort: str = "added"
    turned: bool = False

    @property
    def active(self) -> bool:
        """Whether anything is searched for or filtered."""
        return bool(self.q or self.host or any(choice.value for choice in self.choices))

    @property
    def descending(self) -> bool:
        """Whether the largest comes first."""
        return SORTS[self.sort][2] is not self.turned

    def value(self, name: str) -> str | None:
        """The value of one filter, None where all will do."""
        return next((choice.value or None for choice in self.choices if choice.name == name), None)

    def url(self, cursor: str = "") -> str:
        """The list with the same search and order, from a cursor on."""
        given: dict[str, Any] = {choice.name: choice.value for choice in self.choices}
        given |= {"q": self.q, "host": self.host, "cursor": cursor, "turned": "yes" if self.turned else ""}
        given["sort"] = "" if self.sort == "added" else self.sort
        return url_for("models.index", **{name: value for name, value in given.items() if value})

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
    """A model as the list shows it; `spark` draws its last probes."""

    model: RegisteredModel
    type_label: str
    chips: Sequence[Chip]
    cost: str
    probed: datetime | None
    verdict: str | None
    spark: Markup


def search_of(arguments: Mapping[str, str]) -> Search:
    """The search in a query string; values that are not on offer count as not given."""
    types = [(name, kind.label) for name, kind in MODEL_TYPES.items()]
    states = [(name, display.look_of(name).label) for name in HEALTHS]
    choices = (
        _choice("type", "Type", arguments, types),
        _choice("region", "Region", arguments, [(region, region) for region in regions()]),
        _choice("health", "Health", arguments, states),
        _choice("seen", "Can do", arguments, list(display.CAPABILITIES.items())),
        _choice("enabled", "Use", arguments, [("yes", "Enabled"), ("no", "Disabled")]),
    )
    sort = arguments.get("sort", "")
    return Search(
        arguments.get("q", "").strip()[:200],
        arguments.get("cursor", "")[:2000],
        choices,
        arguments.get("host", "").strip()[:255],
        sort if sort in SORTS else "added",
        arguments.get("turned") == "yes",
    )


def found(search: Search) -> tuple[list[RegisteredModel], str]:
    """A page of models and the cursor of the next page, "" where there is none.

    Two steps: the ids of the page from the index alone, then these rows.
    """
    query = _matching(search)
    after = _read_cursor(search)
    if after:
        query = query.where(_beyond(search, *after))
    page = list(db.session.execute(_ordered(query, search).limit(PAGE + 1)))
    wanted = [row[0] for row in page[:PAGE]]
    rows = {model.id: model for model in db.session.scalars(_rows(wanted))} if wanted else {}
    following = _cursor(search, page[PAGE - 1]) if len(page) > PAGE else ""
    return [rows[id] for id in wanted if id in rows], following


def rows_of(models: Sequence[RegisteredModel]) -> list[Row]:
    """The rows of these models, with their last probes."""
    return [_row(model, _last_probes(model.id)) for model in models]


def chips_of(capabilities: Mapping[str, Mapping[str, Any]]) -> list[Chip]:
    """What the probe saw, and what was declared and not seen."""
    return [
        Chip(label, contradicted=seen.get("observed") is False)
        for name, label in display.SHORT_CAPABILITIES.items()
        if (seen := capabilities.get(name)) and _worth_showing(seen)
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


def regions() -> list[str]:
    """Every region that a model is in, at most 200; looked for anew only when the registry has changed."""
    now = stored_documents.revision()
    kept: tuple[int, list[str]] | None = current_app.extensions.get("muster_regions")
    if kept is None or kept[0] != now:
        column = RegisteredModel.region
        query = select(column).distinct().order_by(column).limit(200)
        kept = (now, list(db.session.scalars(query)))
        current_app.extensions["muster_regions"] = kept
    return kept[1]


def _matching(search: Search) -> Select[Any]:
    """Id and sorted value of the models that the search leaves, in no order yet."""
    enabled = search.value("enabled")
    return RegisteredModel.matching_in_index(
        RegisteredModel.id,
        SORTS[search.sort][1],
        q=search.q or None,
        host=search.host or None,
        model_type=search.value("type"),
        region=search.value("region"),
        status=search.value("health"),
        seen=search.value("seen"),
        enabled=None if enabled is None else enabled == "yes",
    )


def _rows(ids: Sequence[str]) -> Select[Any]:
    return select(RegisteredModel).where(RegisteredModel.id.in_(ids))


def _ordered(query: Select[Any], search: Search) -> Select[Any]:
    """By the column and then by id; what has no value comes last either way."""
    column = SORTS[search.sort][1]
    if search.descending:
        return query.order_by(column.is_(None), column.desc(), RegisteredModel.id.desc())
    return query.order_by(column.is_(None), column, RegisteredModel.id)


def _beyond(search: Search, value: Any, id: str) -> ColumnElement[bool]:
    """What comes after a row with this value and this id."""
    column, own = SORTS[search.sort][1], RegisteredModel.id
    later_id = own < id if search.descending else own > id
    if value is None:
        return and_(column.is_(None), later_id)
    later = column < value if search.descending else column > value
    return or_(later, and_(column == value, later_id), column.is_(None))


def _signed() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="cursor of the list")


def _cursor(search: Search, row: Any) -> str:
    """Where the next page begins, signed: its value is compared with a column, so it must be of its type."""
    cursor: str = _signed().dumps([search.sort, row[1], row[0]])
    return cursor


def _read_cursor(search: Search) -> tuple[Any, str] | None:
    """The value and the id in a cursor; None where it is none of this order, or was changed by hand."""
    try:
        sort, value, id = _signed().loads(search.cursor)
    except BadData:
        return None
    return (value, id) if sort == search.sort else None


def _last_probes(model_pk: str) -> Sequence[Any]:
    """Verdict, duration and time of the last probes, the newest first; not their reports, which are long."""
    query = select(Probe.verdict, Probe.duration_ms, Probe.started).where(Probe.model_pk == model_pk)
    return db.session.execute(query.order_by(Probe.id.desc()).limit(SPARKS)).all()


def _worth_showing(seen: Mapping[str, Any]) -> bool:
    return seen.get("observed") is True or (seen.get("observed") is False and seen.get("declared") is True)


def _row(model: RegisteredModel, probes: Sequence[Any]) -> Row:
    kind = MODEL_TYPES.get(model.model_type)
    last = probes[0] if probes else None
    return Row(
        model,
        kind.label if kind else model.model_type,
        chips_of(model.capabilities or {}),
        cost_of(model),
        last.started if last else None,
        last.verdict if last else None,
        charts.sparkline([(probe.verdict, probe.duration_ms) for probe in reversed(probes)]),
    )


def _choice(
    name: str, label: str, arguments: Mapping[str, str], options: Iterable[tuple[str, str]]
) -> Choice:
    offered = tuple(options)
    value = arguments.get(name, "")
    return Choice(name, label, value if any(value == known for known, _ in offered) else "", offered)
