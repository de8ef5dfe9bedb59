"""Whether a model is still the one that was there, and whether another endpoint serves the same one."""

from __future__ import annotations

from flask import Blueprint, Response

from app.access import audit
from app.store.base import db
from app.watch import sameness
from app.watch.identity import side_by_side, told
from app.web.api.answers import answer, find_model, find_or_none, require_no_body, whole_model
from app.web.api.describe import describe
from app.web.api.watch.bodies import checked_body
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_identity", __name__)
_TWO = {"first": "openai-like@eu/gpt-5", "second": "reseller@eu/gpt-5", "dry_run": True}


@blueprint.get("/v2/models/<path:ref>/identity")
@require_scope("read")
@describe(tag="Health", gives="ModelIdentity", errors=(409,))
def read_identity(ref: str) -> Response:
    """Whether it answers as it did when it was learned, and how sure that is."""
    model = find_or_none(ref)
    if model is None:
        return whole_model(f"{ref}/identity")
    return answer(told.identity_of(model))


@blueprint.post("/v2/models/<path:ref>/identity/confirm")
@require_scope("write")
@describe(tag="Health", gives="ModelIdentity", errors=(409,))
def confirm_identity(ref: str) -> Response:
    """Say that what answers now is right: it is learned anew."""
    require_no_body("It takes nothing but the model.")
    model = find_model(ref)
    sameness.confirm(model)
    audit.record(current_actor(), "model.identity_confirmed", model)
    db.session.commit()
    return answer(told.identity_of(model))


@blueprint.post("/v2/compare")
@require_scope("write")
@describe(
    tag="Health", takes="CompareRequest", gives="Comparison", errors=(404, 409), examples={"price": _TWO}
)
def compare() -> Response:
    """Sample two models side by side: same, different or not told. `dry_run` tells the price only."""
    wanted = checked_body("CompareRequest")
    first, second = (find_model(wanted[name], name) for name in ("first", "second"))
    price = side_by_side.price_of(first, second)
    found = None if wanted.get("dry_run") else side_by_side.compare_models(first, second, current_actor())
    return answer(side_by_side.as_json(price, found))
