"""The enabled models, as an OpenAI client lists them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import Select, select

from app.config import settings
from app.errors import ApiError
from app.registry.exchange import openai_list
from app.registry.form.json_body import shortened
from app.registry.stored_documents import StoredDocument, encoded, etag_of
from app.store.base import db
from app.store.models import RegisteredModel
from app.web.api.answers import conditional, document_answer
from app.web.api.describe import describe
from app.web.api.query import flag_argument
from app.web.guards import require_scope

blueprint = Blueprint("api_catalog", __name__)


@blueprint.get("/v1/models")
@blueprint.get("/v3/router/models")
@require_scope("read")
@describe(tag="Workspace", gives="OpenAIList", query=("healthy",), headers=("If-None-Match",), any_query=True)
def list_for_openai() -> Response:
    """Every enabled model, the newest first; a model id that several deployments share stands there once.

    With `healthy=true`, and where MUSTER_HIDE_DOWN is set, those that are down are left out.
    """
    rows = db.session.execute(_shown())
    return _conditional(openai_list.listing((model_id, created) for model_id, created in rows))


@blueprint.get("/v1/models/<path:model_id>")
@require_scope("read")
@describe(
    tag="Workspace", gives="OpenAIModel", query=("healthy",), headers=("If-None-Match",), any_query=True
)
def retrieve_for_openai(model_id: str) -> Response:
    """One model by its own `model_id`, where the list of OpenAI clients has it."""
    found = db.session.execute(_shown().where(RegisteredModel.model_id == model_id)).all()
    if not found:
        message = f"There is no enabled model with the id {shortened(model_id, 320)}."
        raise ApiError("not_found", message, field="model")
    return _conditional(openai_list.entry(model_id, found[-1].created))


def _shown() -> Select[str, datetime]:
    """`model_id` and `created` of the models that such a client may use, the newest first."""
    is_enabled = RegisteredModel.enabled.is_(True)
    query = select(RegisteredModel.model_id, RegisteredModel.created).where(is_enabled)
    if (request.args.get("healthy") and flag_argument("healthy")) or settings().hide_down:
        query = query.where(RegisteredModel.health != "down")
    return query.order_by(RegisteredModel.id.desc())


def _conditional(value: Any) -> Response:
    body = encoded(value)
    return conditional(document_answer(StoredDocument(etag_of(body), body)))
