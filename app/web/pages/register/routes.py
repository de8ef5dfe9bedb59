"""The form: for a new model, for a copy, for a change."""

from __future__ import annotations

from flask import Blueprint, abort, request
from werkzeug.wrappers import Response

from app.store.models import RegisteredModel
from app.web.guards import current_actor, require_role
from app.web.pages.register import answering, reading
from app.web.pages.search import text_of

blueprint = Blueprint("register", __name__, url_prefix="/models")
_LONGEST_ID = 36


@blueprint.get("/new")
@require_role("editor")
def new() -> str:
    """The form; `?preset=NAME` fills in what is known of a server, `?copy=ID` what another model has."""
    source = text_of(request.args, "copy", _LONGEST_ID)
    if source:
        return answering.page(reading.copy_of(_model(source)))
    return answering.page(reading.blank(request.args))


@blueprint.post("/new")
@require_role("editor")
def create() -> Response | tuple[str, int]:
    """Probe, and register what was seen working: 303 to the model, or the filled form with what is wrong."""
    return answering.answer(reading.read(request.form, current_actor().id))


@blueprint.get("/<id>/edit")
@require_role("editor")
def edit(id: str) -> str:
    """The form of a model that is there."""
    return answering.page(reading.change_of(_model(id)))


@blueprint.post("/<id>/edit")
@require_role("editor")
def change(id: str) -> Response | tuple[str, int]:
    """Save what changed, after a probe where one is needed; the key field empty leaves the key as it is."""
    return answering.answer(reading.read(request.form, current_actor().id, _model(id)))


def _model(id: str) -> RegisteredModel:
    model = RegisteredModel.by_id(id)
    if model is None:
        abort(404)
    return model
