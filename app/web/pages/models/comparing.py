"""The same model elsewhere? Two models sampled side by side, with the price told before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, render_template, request
from sqlalchemy import select

from app.errors import ApiError
from app.registry.visible import as_seen
from app.store.base import db
from app.store.models import RegisteredModel
from app.watch.identity import side_by_side
from app.watch.sampling import UNLIKENESS
from app.web.guards import current_actor, require_role
from app.web.pages.search import text_of

blueprint = Blueprint("comparing", __name__)
Response = str | tuple[str, int]

_LONGEST_NAME = 600
"""Characters of a refId, and some more."""
_OFFERED = 200
"""Models that are offered by name; any other is found by its id or refId."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A model of the two, or one that is offered: its name, and where it is served."""

    id: str
    name: str
    where: str


@blueprint.get("/<id>/compare")
@require_role("editor")
def choose(id: str) -> Response:
    """Choose the other model; with `with` in the address, see what it costs."""
    return _page(_comparable(id), text_of(request.args, "with", _LONGEST_NAME))


@blueprint.post("/<id>/compare")
@require_role("editor")
def compare(id: str) -> Response:
    """Ask both, and show what came of it. It waits for all answers, and nothing is kept."""
    return _page(_comparable(id), request.form.get("with", "").strip(), ask=True)


def _page(model: RegisteredModel, wanted: str, *, ask: bool = False) -> Response:
    told: dict[str, Any] = {"wanted": wanted, "second": None, "price": None, "found": None, "problem": ""}
    status = 200
    # Rows don't outlive the calls, during which no connection is held.
    shown, offers = _shown([model])[0], _shown(_others(model))
    try:
        if wanted or ask:
            second = side_by_side.model_named(wanted, "with")
            told |= {"second": _shown([second])[0], "price": side_by_side.price_of(model, second)}
            if ask:
                told["found"] = side_by_side.compare_models(model, second, current_actor())
    except ApiError as error:
        told["problem"], status = error.message, error.status
    return render_template(
        "models/compare.html", model=shown, offers=offers, units=UNLIKENESS, **told
    ), status


def _shown(models: Sequence[RegisteredModel]) -> Sequence[Compared]:
    seen = as_seen(models, whole_url=current_actor().may("write"))
    return [Compared(one.id, one.display_name, one.base_url) for one in seen]


def _others(model: RegisteredModel) -> Sequence[RegisteredModel]:
    """Models of the same type, by name."""
    query = (
        select(RegisteredModel)
        .where(RegisteredModel.model_type == model.model_type, RegisteredModel.id != model.id)
        .order_by(RegisteredModel.display_name, RegisteredModel.id)
        .limit(_OFFERED)
    )
    return db.session.scalars(query).all()


def _comparable(id: str) -> RegisteredModel:
    """The model with this id, of a type that can be compared; 404."""
    model = RegisteredModel.by_id(id)
    if model is None or model.model_type not in side_by_side.COMPARABLE:
        abort(404)
    return model
