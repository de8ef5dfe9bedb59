"""The list of models: what is searched for, and what each row shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import select

from app.model_types import MODEL_TYPES
from app.models import Probe, RegisteredModel, db
from app.pages import words

PAGE = 50
HEALTHS = ("up", "degraded", "down", "unknown")


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

    @property
    def active(self) -> bool:
        """Whether anything is searched for or filtered."""
        return bool(self.q or any(choice.value for choice in self.choices))

    def value(self, name: str) -> str | None:
        """The value of one filter, None where all will do."""
        return next((choice.value or None for choice in self.choices if choice.name == name), None)

    def url(self, cursor: str = "") -> str:
        """The list with the same search, from a cursor on."""
        given: dict[str, Any] = {choice.name: choice.value for choice in self.choices}
        given |= {"q": self.q, "cursor": cursor}
        return url_for("models.index", **{name: value for name, value in given.items() if value})


@dataclass(frozen=True, slots=True)
class Chip:
    """A capability at a glance."""

    label: str
    contradicted: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A model as the list shows it."""

    model: RegisteredModel
    type_label: str
    chips: Sequence[Chip]
    cost: str
    probed: datetime | None
    verdict: str | None


def search_of(arguments: Mapping[str, str]) -> Search:
    """The search in a query string; values that are not on offer count as not given."""
    types = [(name, kind.label) for name, kind in MODEL_TYPES.items()]
    states = [(name, words.look_of(name).label) for name in HEALTHS]
    choices = (
        _choice("type", "Type", arguments, types),
        _choice("region", "Region", arguments, [(region, region) for region in _regions()]),
        _choice("health", "Health", arguments, states),
        _choice("enabled", "Use", arguments, [("yes", "Enabled"), ("no", "Disabled")]),
    )
    return Search(arguments.get("q", "").strip()[:200], arguments.get("cursor", "")[:64], choices)


def found(search: Search) -> tuple[list[RegisteredModel], str]:
    """A page of models and the cursor of the next page, "" where there is none."""
    enabled = search.value("enabled")
    models = RegisteredModel.newest(
        PAGE + 1,
        search.cursor or None,
        q=search.q or None,
        model_type=search.value("type"),
        region=search.value("region"),
        status=search.value("health"),
        enabled=None if enabled is None else enabled == "yes",
    )
    return models[:PAGE], models[PAGE - 1].id if len(models) > PAGE else ""


def rows_of(models: Sequence[RegisteredModel]) -> list[Row]:
    """The rows of these models; one query for all their last probes."""
    wanted = [model.last_probe_id for model in models if model.last_probe_id]
    query = select(Probe.id, Probe.started, Probe.verdict).where(Probe.id.in_(wanted))
    probes = {id: (started, verdict) for id, started, verdict in db.session.execute(query)} if wanted else {}
    return [_row(model, *probes.get(model.last_probe_id or "", (None, None))) for model in models]


def chips_of(capabilities: Mapping[str, Mapping[str, Any]]) -> list[Chip]:
    """What the probe saw, and what was declared and not seen."""
    return [
        Chip(label, contradicted=seen.get("observed") is False)
        for name, label in words.SHORT_CAPABILITIES.items()
        if (seen := capabilities.get(name)) and _worth_showing(seen)
    ]


def cost_of(model: RegisteredModel) -> str:
    """The prices in one line, as far as they are known."""
    if model.cost_per_image is not None and model.input_cost is None and model.output_cost is None:
        return f"{words.money(model.cost_per_image)} an image"
    if model.input_cost is None and model.output_cost is None:
        return ""
    if model.output_cost is None:
        return words.money(model.input_cost)
    return f"{words.money(model.input_cost) or 'not known'} / {words.money(model.output_cost)}"


def _worth_showing(seen: Mapping[str, Any]) -> bool:
    return seen.get("observed") is True or (seen.get("observed") is False and seen.get("declared") is True)


def _row(model: RegisteredModel, probed: datetime | None, verdict: str | None) -> Row:
    kind = MODEL_TYPES.get(model.model_type)
    chips = chips_of(model.capabilities or {})
    return Row(model, kind.label if kind else model.model_type, chips, cost_of(model), probed, verdict)


def _choice(
    name: str, label: str, arguments: Mapping[str, str], options: Iterable[tuple[str, str]]
) -> Choice:
    offered = tuple(options)
    value = arguments.get(name, "")
    return Choice(name, label, value if any(value == known for known, _ in offered) else "", offered)


def _regions() -> list[str]:
    column = RegisteredModel.region
    return list(db.session.scalars(select(column).distinct().order_by(column).limit(200)))
