"""Labels of a model: owner, contact, tags."""

from __future__ import annotations

from flask import Blueprint, Response

from app.registry.declared.labels import read_labels, set_labels
from app.registry.form.json_form import invalid
from app.store.labels import labels_of
from app.web.api.answers import answer, find_model, json_body
from app.web.api.describe import describe
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_labels", __name__)

EXAMPLE = {"owner": "Platform team", "contact": "platform@example.com", "tags": ["prod", "eu"]}


@blueprint.get("/v2/models/<path:ref>/labels")
@require_scope("read")
@describe(tag="Models", gives="Labels", errors=(409,))
def read(ref: str) -> Response:
    """Whose a model is, and its tags."""
    return answer(labels_of(find_model(ref).id).as_json())


@blueprint.put("/v2/models/<path:ref>/labels")
@require_scope("write")
@describe(tag="Models", takes="LabelsRequest", gives="Labels", examples={"labels": EXAMPLE}, errors=(409,))
def put(ref: str) -> Response:
    """Give a model just these labels; what is absent is taken away. Nothing is probed."""
    id = find_model(ref).id
    labels, problems = read_labels(json_body())
    if problems:
        raise invalid(problems)
    set_labels(id, labels, current_actor())
    return answer(labels_of(id).as_json())
