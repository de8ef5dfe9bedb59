"""Releases a stored key to a gateway: only for tokens with the scope `credentials`, and always recorded."""

from __future__ import annotations

from flask import Blueprint, Response, request

from app.access import audit
from app.probe.base_url import without_query_values
from app.registry.credentials import target_for
from app.store.base import db
from app.store.models import RegisteredModel
from app.web.api.answers import answer, find_model
from app.web.api.describe import describe
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_credentials", __name__)


@blueprint.get("/v2/models/<path:ref>/credentials")
@require_scope("credentials")
@describe(tag="Workspace", gives="Credentials", errors=(400, 409))
def release(ref: str) -> Response:
    """The key of a model in clear, and where it belongs; recorded before it is sent."""
    model = find_model(ref)
    response = _nothing() if request.method == "HEAD" else _released(model)
    response.headers["Cache-Control"] = "no-store"
    return response


def _nothing() -> Response:
    """HEAD: no key is sent, so nothing is recorded; the answer does not give away its length either."""
    response = Response(mimetype="application/json")
    response.automatically_set_content_length = False
    return response


def _released(model: RegisteredModel) -> Response:
    endpoint = model.endpoint
    target = target_for(current_actor(), "release", endpoint.base_url, endpoint=endpoint)
    released = {
        "model": model.id,
        "base_url": target.base_url,
        "model_id": model.wire_model_id,
        "api_key": target.api_key,
    }
    audit.record(
        current_actor(), "model.key_released", model, {"base_url": without_query_values(model.base_url)}
    )
    db.session.commit()
    return answer(released)
