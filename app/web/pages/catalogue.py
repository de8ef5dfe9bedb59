"""The catalogue for consumers, read only: which models there are, what they do and cost, how to call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

from flask import Blueprint, abort, render_template, request
from sqlalchemy import Select, select
from werkzeug.wrappers import Response

from app.config import settings
from app.probe.capabilities import CAPABILITIES
from app.probe.model_types import MODEL_TYPES
from app.registry.document import document, ref_id
from app.registry.exchange import artefacts
from app.registry.exchange.first_call import is_keyed
from app.registry.metadata import FIELDS
from app.registry.visible import as_seen
from app.store.base import db, now
from app.store.models import RegisteredModel
from app.web.guards import require_role
from app.web.pages import display, search
from app.web.pages.models import listing
from app.web.pages.search import Search
from app.web.pages.watch import health
from app.web.pages.watch.health import Shown

P = ParamSpec("P")

blueprint = Blueprint("catalogue", __name__, url_prefix="/catalogue")

PAGE = 50
"""How many models a page of the catalogue has."""


ARTEFACTS = ("curl", "python", "node", "litellm")
"""What consumers can use; a Terraform block registers a model, which they do not."""

PRICES = {
    "input_cost": ("Input", "per 1,000,000 tokens"),
    "output_cost": ("Output", "per 1,000,000 tokens"),
    "cache_read_cost": ("Input from the cache", "per 1,000,000 tokens"),
    "cache_write_cost": ("Input into the cache", "per 1,000,000 tokens"),
    "cost_per_image": ("Image", "each"),
}
LIMITS = (
    "context_window",
    "max_input_tokens",
    "max_output_tokens",
    "embedding_dimensions",
    "max_temperature",
)
_FIELDS = {row.name: row for row in FIELDS}


@dataclass(frozen=True, slots=True)
class Row:
    """A model as the catalogue shows it; `window` is in tokens, None where nobody knows."""

    model: RegisteredModel
    ref_id: str
    type_label: str
    window: int | None
    cost: str
    chips: Sequence[listing.Chip]
    health: Shown

    @classmethod
    def of(cls, model: RegisteredModel, known: Shown) -> Row:
        """The row of a model: only what a probe has seen counts as a capability."""
        observed = model.observed or {}
        kind = MODEL_TYPES.get(model.model_type)
        return cls(
            model,
            ref_id(model.model_id),
            kind.label if kind else model.model_type,
            observed.get("context_window") or observed.get("max_input_tokens"),
            listing.cost_of(model),
            [chip for chip in listing.chips_of(model.capabilities or {}) if not chip.contradicted],
            known,
        )


def readable(view: Callable[P, str]) -> Callable[P, str | Response]:
    """Decorate a page of the catalogue: for viewers, and for all where MUSTER_PUBLIC_CATALOGUE says so."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> str | Response:
        return view(*args, **kwargs) if settings().public_catalogue else for_viewers(*args, **kwargs)

    for_viewers = require_role("viewer")(view)
    return checked


@blueprint.get("")
@readable
def index() -> str:
    """The enabled models, newest first; search and filters stand in the URL."""
    wanted = search_of(request.args)
    found = _found(wanted)
    models, cursor = found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else ""
    known = health.shown(models, now())
    return render_template(
        "catalogue/index.html",
        search=wanted,
        rows=[Row.of(model, known[model.id]) for model in models],
        first_url=wanted.url() if wanted.cursor else None,
        next_url=wanted.url(cursor) if cursor else None,
    )


@blueprint.get("/<id>")
@readable
def detail(id: str) -> str:
    """One enabled model: what it is, what it costs, what it was seen to do, how to call it."""
    model = RegisteredModel.by_id(id)
    if model is None or not model.enabled:
        abort(404)
    (model,) = as_seen([model], whole_url=False)
    return render_template(
        "catalogue/detail.html",
        row=Row.of(model, health.shown([model], now())[model.id]),
        model=model,
        keyed=is_keyed(model),
        prices=prices_of(model),
        sample=display.sample_cost(model.input_cost, model.output_cost),
        limits=_limits(document(model)["metadata"]),
        capabilities=_capabilities(model),
        artefacts=artefacts.labelled(model, ARTEFACTS),
    )


def search_of(arguments: Mapping[str, str]) -> Search:
    """The search in a query string; values that are not on offer count as not given."""
    seen = [(row.name, row.label) for row in CAPABILITIES if row.is_filter and row.chip]
    choices = (
        search.type_choice(arguments),
        search.region_choice(arguments),
        search.choice_of("can", "Can do", arguments, seen),
    )
    text, cursor = search.text_of(arguments, "q", 200), search.text_of(arguments, "cursor", 64)
    return Search("catalogue.index", text, cursor, choices)


def prices_of(model: RegisteredModel) -> list[tuple[str, str, str]]:
    """Label, amount and unit of each price that is known."""
    named = ((getattr(model, name), words_) for name, words_ in PRICES.items())
    return [(label, display.money(cost), unit) for cost, (label, unit) in named if cost is not None]


def _found(wanted: Search) -> list[RegisteredModel]:
    # Nearly all are enabled: without a filter the newest ones are found soonest by walking the rows.
    query = _matching(wanted) if wanted.active else select(RegisteredModel).where(RegisteredModel.enabled)
    if wanted.cursor:
        query = query.where(RegisteredModel.id < wanted.cursor)
    return list(db.session.scalars(query.order_by(RegisteredModel.id.desc()).limit(PAGE + 1)))


def _matching(wanted: Search) -> Select[RegisteredModel]:
    return RegisteredModel.matching(
        q=wanted.q or None,
        model_type=wanted.value("type"),
        region=wanted.value("region"),
        seen=wanted.value("can"),
        enabled=True,
    )


def _limits(metadata: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Label, number and unit of each bound that is known."""
    known = (_FIELDS[name] for name in LIMITS if metadata.get(name) is not None)
    return [(field.label, display.as_text(metadata[field.name]), field.unit) for field in known]


def _capabilities(model: RegisteredModel) -> list[tuple[str, bool]]:
    """Label of each capability that a probe could tell, and whether it saw it."""
    told = (model.capabilities or {}).items()
    return [(display.label_of(name), seen["observed"]) for name, seen in told if seen["observed"] is not None]
