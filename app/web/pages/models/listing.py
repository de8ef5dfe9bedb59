"""The list of models: what is searched for, in which order, and what each row shows (paging.py finds it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import select

from app.probe.capabilities import CAPABILITIES
from app.registry.clients import CLIENTS
from app.store.base import db, now
from app.store.models import HEALTHS, RegisteredModel
from app.store.probes import Probe
from app.web.pages import display, search
from app.web.pages.models.orders import ORDERS, Order
from app.web.pages.search import Search
from app.web.pages.states import look_of
from app.web.pages.watch import health
from app.web.pages.watch.health import Shown

STALE = "stale"
"""A filter beside the healths: what nobody has looked at for three intervals."""


@dataclass(frozen=True, slots=True)
class ModelSearch(Search):
    """What the list of models is asked for."""

    sort: str = "added"
    turned: bool = False

    @property
    def order(self) -> Order:
        """What is sorted by."""
        return ORDERS[self.sort]

    @property
    def descending(self) -> bool:
        """Whether the largest comes first."""
        return self.order.descending is not self.turned

    def url(self, cursor: str = "", **more: str) -> str:
        """The list with the same search and order, from a cursor on."""
        order = {"turned": "yes" if self.turned else "", "sort": "" if self.sort == "added" else self.sort}
        return Search.url(self, cursor, **order, **more)

    @property
    def here(self) -> str:
        """This very page of the list."""
        return self.url(self.cursor)

    @property
    def chosen(self) -> list[tuple[str, str, str]]:
        """Label and value of each filter in use, and the list without it."""
        used = [choice for choice in self.choices if choice.value]
        told = [
            (choice.label, dict(choice.options)[choice.value], self.url(**{choice.name: ""}))
            for choice in used
        ]
        return told + ([("Host", self.host, self.url(host=""))] if self.host else [])

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
    """A model as the list shows it; `probed` and `verdict` are of its last probe, `window` is in tokens."""

    model: RegisteredModel
    type_label: str
    chips: Sequence[Chip]
    input: str
    output: str
    window: int | None
    probed: datetime | None
    verdict: str | None
    health: Shown

    @property
    def looked(self) -> datetime | None:
        """When the watch or a probe last looked, None where neither has."""
        return max((at for at in (self.health.looked, self.probed) if at), default=None)


def search_of(arguments: Mapping[str, str]) -> ModelSearch:
    """The search in a query string; values that are not on offer count as not given."""
    states = [(name, look_of(name).label) for name in (*HEALTHS, STALE)]
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
        sort if sort in ORDERS else "added",
        arguments.get("turned") == "yes",
    )


def of_query(query: str) -> ModelSearch:
    """The search in a query string that a form brings back."""
    return search_of(dict(parse_qsl(query)))


def rows_of(models: Sequence[RegisteredModel]) -> list[Row]:
    """The rows of these models, with their health and their last probes."""
    known, probes = health.shown(models, now()), _last_probes(models)
    return [_row(model, probes.get(model.last_probe_id or ""), known[model.id]) for model in models]


def chips_of(capabilities: Mapping[str, Mapping[str, Any]]) -> list[Chip]:
    """What the probe saw, and what was declared and not seen."""
    return [
        Chip(row.chip, contradicted=seen.get("observed") is False)
        for row in CAPABILITIES
        if row.chip and (seen := capabilities.get(row.name)) and _worth_showing(seen)
    ]


def input_of(model: RegisteredModel) -> str:
    """The price of what is sent, or that of an image where there is no other; "" where none is known."""
    if model.cost_per_image is not None and model.input_cost is None and model.output_cost is None:
        return f"{display.money(model.cost_per_image)} an image"
    return display.money(model.input_cost)


def cost_of(model: RegisteredModel) -> str:
    """The prices in one line, as far as they are known."""
    if model.output_cost is None:
        return input_of(model)
    return f"{input_of(model) or 'not known'} / {display.money(model.output_cost)}"


def window_of(model: RegisteredModel) -> int | None:
    """The context window in tokens, None where nobody knows it."""
    observed = model.observed or {}
    return observed.get("context_window") or observed.get("max_input_tokens")


def _last_probes(models: Sequence[RegisteredModel]) -> Mapping[str, Any]:
    """Verdict and time of their last probes by id; not their reports, which are long."""
    ids = [model.last_probe_id for model in models if model.last_probe_id]
    query = select(Probe.id, Probe.verdict, Probe.started).where(Probe.id.in_(ids))
    return {row.id: row for row in db.session.execute(query)}


def _worth_showing(seen: Mapping[str, Any]) -> bool:
    return seen.get("observed") is True or (seen.get("observed") is False and seen.get("declared") is True)


def _row(model: RegisteredModel, last: Any, known: Shown) -> Row:
    return Row(
        model,
        display.type_label(model.model_type),
        chips_of(model.capabilities or {}),
        input_of(model),
        display.money(model.output_cost),
        window_of(model),
        last.started if last else None,
        last.verdict if last else None,
        known,
    )
