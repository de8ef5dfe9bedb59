"""The enabled models, as an OpenAI client lists them."""

from __future__ import annotations

from flask import Blueprint, Response, request
from sqlalchemy import select

from app.config import settings
from app.registry.exchange.openai_list import listing
from app.registry.stored_documents import StoredDocument, encoded, etag_of
from app.store.base import db
from app.store.models import RegisteredModel
from app.web.api.answers import conditional, document_answer
from app.web.api.describe import describe
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
    query = select(RegisteredModel.model_id, RegisteredModel.created).where(RegisteredModel.enabled.is_(True))
    if settings().hide_down or request.args.get("healthy") == "true":
        query = query.where(RegisteredModel.health != "down")
    rows = db.session.execute(query.order_by(RegisteredModel.id.desc()))
    body = encoded(listing((model_id, created) for model_id, created in rows))
    return conditional(document_answer(StoredDocument(etag_of(body), body)))
