"""The catalogue for consumers, read only: which models there are, what they do and cost, how to call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec

from flask import Blueprint, abort, render_template, request
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.config import settings
from app.probe.capabilities import CAPABILITIES
from app.registry.exchange import artefacts
from app.registry.exchange.first_call import is_keyed
from app.registry.visible import as_seen
from app.store.base import db
from app.store.models import RegisteredModel
from app.web.guards import require_role
from app.web.pages import display, search
from app.web.pages.catalogue import facts, paging
from app.web.pages.search import Search

P = ParamSpec("P")

blueprint = Blueprint("catalogue", __name__, url_prefix="/catalogue")

SIDE_BY_SIDE = 4
"""How many models are compared at once."""

ARTEFACTS = ("python", "curl", "node", "litellm")
"""What consumers can use; a Terraform block registers a model, which they do not."""


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
    page = paging.found(wanted)
    return render_template(
        "catalogue/index.html",
        search=wanted,
        rows=facts.rows_of(page.models),
        most=SIDE_BY_SIDE,
        summary=display.range_of(page.skipped, len(page.models), page.total),
        before_url=wanted.url(page.before) if page.before else None,
        next_url=wanted.url(page.after) if page.after else None,
    )


@blueprint.get("/compare")
@readable
def compare() -> str:
    """Up to four models side by side, in the order in which they were asked for; more are left out."""
    ids = list(dict.fromkeys(id.replace("\0", "") for id in request.args.getlist("id")))
    wanted = ids[:SIDE_BY_SIDE]
    query = select(RegisteredModel).where(RegisteredModel.id.in_(wanted), RegisteredModel.enabled)
    known = {model.id: model for model in db.session.scalars(query)}
    models = list(as_seen([known[id] for id in wanted if id in known], whole_url=False))
    told = [facts.capabilities_of(model) for model in models]
    return render_template(
        "catalogue/compare.html",
        rows=facts.rows_of(models),
        too_many=len(ids) > SIDE_BY_SIDE,
        most=SIDE_BY_SIDE,
        limits=facts.side_by_side([facts.bounds_of(model) for model in models]),
        capabilities=facts.side_by_side(told),
    )


@blueprint.get("/<id>")
@readable
def detail(id: str) -> str:
    """One enabled model: what it is, what it costs, what it was seen to do, how to call it."""
    model = RegisteredModel.by_id(id)
    if model is None or not model.enabled:
        abort(404)
    (model,) = as_seen([model], whole_url=False)
    (row,) = facts.rows_of([model])
    return render_template(
        "catalogue/detail.html",
        row=row,
        model=model,
        keyed=is_keyed(model),
        prices=facts.prices_of(model),
        sample=display.sample_cost(model.input_cost, model.output_cost),
        limits=facts.limits_of(model),
        capabilities=facts.capabilities_of(model),
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
