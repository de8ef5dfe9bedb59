"""Models: create, read, list, change, delete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, current_app, g, request, stream_with_context
from sqlalchemy import Select
from werkzeug.exceptions import MethodNotAllowed

from app.access.actors import Actor
from app.probe.capabilities import CAPABILITIES
from app.probe.model_types import MODEL_TYPES
from app.registry import changes, stored_documents
from app.registry.clients import CLIENT_BY_NAME, only_working_with
from app.registry.declared.labels import LONGEST, LONGEST_TAG
from app.registry.form.json_body import Problem, read
from app.registry.form.json_form import invalid
from app.registry.stored_documents import StoredDocument
from app.registry.visible import body_as_seen
from app.store.models import HEALTHS, RegisteredModel
from app.web.api import verbs
from app.web.api.answers import (
    allowed_methods,
    answer,
    check_if_match,
    conditional,
    document_answer,
    find_model,
    is_known,
    json_body,
    next_link,
    whole_model,
)
from app.web.api.describe import describe
from app.web.api.idempotency import idempotent
from app.web.api.openapi.examples import REFERENCES
from app.web.api.query import (
    LONGEST_PAGE,
    choice_argument,
    cursor_argument,
    flag_argument,
    limit_argument,
    text_argument,
)
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_models", __name__)

EXAMPLE = {
    "api_key": "practice-key",
    "base_url": "http://127.0.0.1:8099/v1",
    "display_name": "Practice chat",
    "model_id": "practice-chat",
    "model_type": "chat",
    "region": "on-prem",
    "input_cost": 0.5,
    "output_cost": 1.5,
    "supports_tool_calling": True,
}
"""A body that registers a model of the practice endpoint."""

CHANGE = {"display_name": "Our chat", "region": "europe", "model_type": "chat", "max_tokens": 4096}
LIST_QUERY: tuple[str, ...] = ("limit", "cursor", "q", "model_type", "region", "status", "enabled")
LIST_QUERY += ("endpoint", "tag", "owner", "capability", "works_with")


@blueprint.after_app_request
def _tell_methods(response: Response) -> Response:
    """`Allow` names what the narrowest route takes: Werkzeug adds up all that fit the address."""
    if "Allow" in response.headers and request.path.startswith("/v2/models/"):
        response.headers["Allow"] = ", ".join([*allowed_methods(), "OPTIONS"])
    return response


@blueprint.after_app_request
def _hide_query_values(response: Response) -> Response:
    """Who may not write does not see the values of a base URL's query either: they may be keys."""
    actor = g.get("actor")
    reads = isinstance(actor, Actor) and actor.may("read") and not actor.may("write")
    if reads and response.mimetype == "application/json" and not response.is_streamed:
        body = response.get_data()
        if b"?" in body:
            response.set_data(body_as_seen(body))
    return response


_BELOW = "/v2/models/<path:ref>/"
_OF_THE_REFERENCE = re.compile(r"%2f[a-z-]+$", re.IGNORECASE)


@blueprint.before_app_request
def _take_whole_reference() -> None:
    """A model's own id may end like a route below a model: a slash sent as %2F belongs to the reference."""
    if request.url_rule is None or not request.url_rule.rule.startswith(_BELOW):
        return
    sent = str(request.environ.get("RAW_URI", "")).partition("?")[0]
    if _OF_THE_REFERENCE.search(sent):
        (whole,) = current_app.url_map.iter_rules("api_models.read_model")
        if request.method not in (whole.methods or ()):
            raise MethodNotAllowed(["GET", "HEAD"])
        request.url_rule, request.view_args = whole, {"ref": request.path.removeprefix("/v2/models/")}


@blueprint.post("/v2/models/openai-like")
@require_scope("write")
@idempotent
@describe(
    tag="Models",
    takes="ModelRequest",
    gives="Model",
    query=("strict", "depth"),
    examples={"practice": EXAMPLE},
)
def create_openai_like() -> Response:
    """Probe an OpenAI-compatible model and register it."""
    return verbs.create(json_body())


@blueprint.post("/v2/models/openai-like/validate")
@require_scope("write")
@describe(
    tag="Probes",
    takes="ModelRequest",
    gives="Report",
    query=("strict", "depth"),
    examples={"practice": EXAMPLE},
)
def validate_openai_like() -> Response:
    """Probe an OpenAI-compatible model and store nothing."""
    return verbs.look_at(json_body())


@blueprint.patch("/v2/models/openai-like/<path:ref>")
@require_scope("write")
@describe(
    tag="Models",
    takes="ModelChange",
    examples={"change": CHANGE},
    gives="Model",
    query=("strict", "depth", "move_key"),
    headers=("If-Match",),
    errors=(409, 412),
)
def update_openai_like(ref: str) -> Response:
    """Change what the body holds; probe first where that is needed."""
    return verbs.change(find_model(ref), json_body())


@blueprint.get("/v2/models")
@require_scope("read")
@describe(tag="Models", gives="Model[]", query=LIST_QUERY, headers=("If-None-Match",))
def list_models() -> Response:
    """Every model, newest first, or with `limit` a page of them."""
    # The revision is read before the list, so that the ETag never promises too much.
    etag = stored_documents.list_etag(stored_documents.revision(), request.query_string)
    if is_known(etag):
        return conditional(document_answer(StoredDocument(etag, b"")))
    paged = "limit" in request.args
    limit = limit_argument() if paged else LONGEST_PAGE
    page = stored_documents.page(etag, lambda: _newest(_matching(), cursor_argument(), limit), limit)
    response = document_answer(StoredDocument(etag, page.body))
    if page.cursor and paged:
        next_link(response, page.cursor, request.path)
    elif page.cursor:
        response.response = stream_with_context(_all(page, _matching()))
        del response.headers["Content-Length"]
    return conditional(response)


def _all(page: stored_documents.Page, matching: Select[Any]) -> Iterator[bytes]:
    """The list from its first page on, as it is read: clients list once and follow no links."""
    actor = current_actor()
    hidden = not actor.may("write")
    pieces = stored_documents.pieces(page, lambda after: _newest(matching, after, LONGEST_PAGE), LONGEST_PAGE)
    return (body_as_seen(piece) if hidden else piece for piece in pieces)


@blueprint.get("/v2/models/<path:ref>")
@require_scope("read")
@describe(tag="Models", gives="Model", headers=("If-None-Match",), errors=(409,))
def read_model(ref: str) -> Response:
    """One model, by id or refId."""
    return whole_model(ref)


@blueprint.delete("/v2/models/<path:ref>")
@require_scope("write")
@describe(tag="Models", gives="Deleted", headers=("If-Match",), errors=(409, 412))
def delete_model(ref: str) -> Response:
    """Delete a model with its key and its probes."""
    id = find_model(ref).id
    changes.remove(id, current_actor(), check_if_match)
    return answer({"id": id, "deleted": True})


@blueprint.post("/v2/workspace-models")
@require_scope("write")
@describe(
    tag="Workspace",
    takes="ModelReference",
    examples=REFERENCES,
    status=204,
    headers=("If-Match",),
    errors=(404, 409, 412),
)
def enable() -> Response:
    """Enable a model, by id or refId."""
    return _switch(_named_model(json_body()), enabled=True)


@blueprint.delete("/v2/workspace-models/<path:ref>")
@require_scope("write")
@describe(tag="Workspace", status=204, headers=("If-Match",), errors=(409, 412))
def disable(ref: str) -> Response:
    """Disable a model, by id or refId."""
    return _switch(find_model(ref), enabled=False)


def _switch(model: RegisteredModel, *, enabled: bool) -> Response:
    changes.set_enabled(model.id, current_actor(), enabled=enabled, still=check_if_match)
    return Response(status=204)


def _named_model(body: Any) -> RegisteredModel:
    """The model that the one member of a body names."""
    given, problems = read(body, {"model_id": "string"})
    if not problems and not given.get("model_id"):
        problems = [Problem("model_id", "required", "`model_id` is required: the id or refId of a model.")]
    if problems:
        raise invalid(problems)
    return find_model(given["model_id"], "model_id")


def _matching() -> Select[Any]:
    """The ids of the models that the query's filters leave."""
    matching: Select[Any] = RegisteredModel.matching_in_index(
        RegisteredModel.id,
        q=text_argument("q"),
        model_type=choice_argument("model_type", MODEL_TYPES),
        region=text_argument("region", 64),
        status=choice_argument("status", HEALTHS),
        enabled=flag_argument("enabled"),
        endpoint=text_argument("endpoint", 36),
        tag=text_argument("tag", LONGEST_TAG),
        owner=text_argument("owner", LONGEST["owner"]),
        seen=choice_argument("capability", [row.name for row in CAPABILITIES]),
    )
    return only_working_with(matching, choice_argument("works_with", CLIENT_BY_NAME))


def _newest(matching: Select[Any], after: str | None, limit: int) -> Select[Any]:
    """Those of them that follow the id `after`, newest first; one more than `limit`, to tell of others."""
    left = matching.where(RegisteredModel.id < after) if after else matching
    return left.order_by(RegisteredModel.id.desc()).limit(limit + 1)
