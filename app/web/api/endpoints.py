"""Endpoints: one base URL with its key, many models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from app.access.actors import Actor
from app.errors import ApiError
from app.probe.values import EndpointSettings
from app.registry import stored_documents
from app.registry.credentials import require_may_name, target_for
from app.registry.endpoints import changes as endpoint_changes
from app.registry.endpoints import document as endpoint_document
from app.registry.endpoints import intake as endpoint_intake
from app.registry.endpoints import rows as endpoints
from app.registry.endpoints.catalog import EndpointModels, list_endpoint_models
from app.registry.endpoints.form import (
    ChangedEndpointForm,
    EndpointForm,
    NewEndpointForm,
    change_of,
    read_headers,
    read_models,
    settings_of,
    take_apart,
)
from app.registry.endpoints.intake import Result
from app.registry.form.json_body import Problem
from app.registry.form.json_form import invalid
from app.registry.probing import ProbeOrder
from app.store.base import db
from app.store.endpoints import Endpoint
from app.store.rotation import digest
from app.web.api.answers import answer, json_body, next_link, page_of
from app.web.api.describe import describe
from app.web.api.idempotency import idempotent
from app.web.api.query import cursor_argument, depth_argument, flag_argument, limit_argument
from app.web.guards import current_actor, require_scope

JSON = Any
blueprint = Blueprint("api_endpoints", __name__)

EXAMPLE = {
    "base_url": "http://127.0.0.1:8099/v1",
    "api_key": "practice-key",
    "region": "on-prem",
    "models": [{"model_id": "practice-chat", "model_type": "chat"}],
}
LOOK: JSON = {"base_url": "http://127.0.0.1:8099/v1", "api_key": "practice-key"}
MODELS = {"models": [{"model_id": "practice-chat", "model_type": "chat", "region": "on-prem"}]}
CHANGE = {"name": "Practice", "headers": {"X-Team": "blue"}}


class EndpointId(BaseConverter):
    """What may be an endpoint's id: not `catalog`, whose address takes other methods and says so in Allow."""

    regex = r"(?!catalog$)[^/]+"


@blueprint.record
def _know_ids(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["endpoint"] = EndpointId


@blueprint.get("/v2/endpoints")
@require_scope("read")
@describe(tag="Endpoints", gives="Endpoint[]", query=("limit", "cursor"))
def list_endpoints() -> Response:
    """A page of endpoints, the newest first."""
    limit = limit_argument()
    rows = list(db.session.scalars(endpoint_document.page(limit, cursor_argument())))
    found, more = page_of(rows, limit)
    response = answer(_shown(*found))
    if more:
        next_link(response, found[-1].id, "/v2/endpoints")
    return response


@blueprint.get("/v2/endpoints/<endpoint:id>")
@require_scope("read")
@describe(tag="Endpoints", gives="Endpoint")
def read_endpoint(id: str) -> Response:
    """One endpoint."""
    return answer(_shown(endpoint_changes.find(id))[0])


@blueprint.post("/v2/endpoints")
@require_scope("write")
@idempotent
@describe(
    tag="Endpoints", takes="EndpointRequest", gives="EndpointAnswer", query=("strict", "depth"),
    examples={"practice": EXAMPLE},
)  # fmt: skip
def create_endpoint() -> Response:
    """Probe the models of an endpoint side by side; it gets in with at least one that works."""
    rest, (given_headers, given_models) = take_apart(json_body(), "headers", "models")
    form = NewEndpointForm.from_json(rest)
    actor, key = current_actor(), form.api_key.data or ""
    base_url = form.base_url.data or ""
    require_may_name(actor, key, base_url)
    headers, problems = read_headers(given_headers)
    shared = {"base_url": base_url, "region": form.region.data}
    good = form.validate()
    models, wrong = read_models(given_models, shared) if good else ([], [])
    _require([*form.problems(), *problems, *wrong])
    settings = settings_of(form, headers)
    known = endpoints.found(base_url, digest(key)) if settings == EndpointSettings() else None
    chosen = None if known else settings
    target = target_for(actor, "register", base_url, typed=key, endpoint=known, settings=chosen)
    return _answer(*endpoint_intake.add(target, key, models, _order(actor), form.name.data or ""))


@blueprint.post("/v2/endpoints/catalog")
@require_scope("write")
@describe(tag="Endpoints", takes="CatalogRequest", gives="Catalog", examples={"practice": LOOK})
def look_at_catalog() -> Response:
    """What an endpoint lists, before any of it is registered."""
    form = EndpointForm.from_json(json_body())
    actor, key, base_url = current_actor(), form.api_key.data or "", form.base_url.data or ""
    require_may_name(actor, key, base_url)
    form.require_valid()
    if not base_url:
        raise invalid([Problem("base_url", "required", "`base_url` is required.")])
    target = replace(target_for(actor, "list_models", base_url, typed=key), settings=settings_of(form, {}))
    return answer(_catalog(list_endpoint_models(target), {}))


@blueprint.post("/v2/endpoints/<endpoint:id>/models")
@require_scope("write")
@idempotent
@describe(
    tag="Endpoints", takes="EndpointModelsRequest", gives="EndpointAnswer", query=("strict", "depth"),
    examples={"practice": MODELS},
)  # fmt: skip
def add_models(id: str) -> Response:
    """Probe more models of an endpoint side by side, with its stored key, and register those that work."""
    endpoint = endpoint_changes.find(id)
    rest, (given,) = take_apart(json_body(), "models")
    region = rest.pop("region", None)
    problems = [Problem(name, "unknown_field", f"There is no field `{name[:80]}` here.") for name in rest]
    if region is not None and not isinstance(region, str):
        problems.append(Problem("region", "wrong_type", "`region` must be a string."))
    models, wrong = read_models(given, {"base_url": endpoint.base_url, "region": region})
    _require([*problems, *wrong])
    order = _order(current_actor())
    target, key = endpoint_intake.stored_target(endpoint, order)
    return _answer(*endpoint_intake.add(target, key, models, order))


@blueprint.patch("/v2/endpoints/<endpoint:id>")
@require_scope("write")
@describe(
    tag="Endpoints", takes="EndpointChange", gives="Endpoint", query=("strict", "partial", "move_key"),
    examples={"change": CHANGE}, errors=(409,),
)  # fmt: skip
def change_endpoint(id: str) -> Response:
    """Change name, key and its end, base URL, headers or TLS: what is sent is proven before it is stored."""
    endpoint = endpoint_changes.find(id)
    body = json_body()
    rest, (given_headers,) = take_apart(body, "headers")
    form = ChangedEndpointForm.from_json(rest)
    actor = current_actor()
    require_may_name(actor, form.api_key.data or "", form.base_url.data or endpoint.base_url)
    headers, problems = read_headers(given_headers)
    form.validate()
    _require([*form.problems(), *problems])
    changed = endpoint_changes.change(
        id,
        change_of(form, body, headers),
        replace(_order(actor), depth="proof"),
        partial=bool(flag_argument("partial")),
        move_key=bool(flag_argument("move_key")),
    )
    return answer(_shown(changed)[0])


@blueprint.delete("/v2/endpoints/<endpoint:id>")
@require_scope("write")
@describe(tag="Endpoints", gives="Deleted", errors=(409,))
def delete_endpoint(id: str) -> Response:
    """Delete an endpoint that no model is served at, with its key."""
    endpoint_changes.remove(id, current_actor())
    return answer({"id": id, "deleted": True})


@blueprint.get("/v2/endpoints/<endpoint:id>/catalog")
@require_scope("write")
@describe(tag="Endpoints", gives="Catalog")
def read_catalog(id: str) -> Response:
    """What the endpoint lists now, and which of it is registered. Its stored key is used, on record."""
    endpoint = endpoint_changes.find(id)
    target = target_for(current_actor(), "list_models", endpoint.base_url, endpoint=endpoint)
    return answer(_catalog(list_endpoint_models(target), endpoints.registered_at(id)))


def _catalog(seen: EndpointModels, registered: dict[str, str]) -> JSON:
    models = [
        {
            "id": offer.id,
            "model_type": offer.values.get("model_type"),
            "context_window": offer.context_window,
            "values": {name: text for name, text in offer.values.items() if name != "model_type"},
            "source": offer.source or None,
            "registered": registered.get(offer.id),
        }
        for offer in seen.offers
    ]
    return {"models": models, "problem": seen.problem or None}


def _shown(*found: Endpoint) -> list[dict[str, JSON]]:
    return endpoint_document.documents(found, whole_url=current_actor().may("write"))


def _order(actor: Actor) -> ProbeOrder:
    return ProbeOrder(actor, bool(flag_argument("strict")), depth_argument())


def _require(problems: list[Problem]) -> None:
    if problems:
        raise invalid(problems)


def _answer(endpoint: Endpoint | None, results: list[Result]) -> Response:
    """200 where at least one model got in, or was there already; else 400 with all the same."""
    got_in = endpoint is not None and any(result.outcome != "rejected" for result in results)
    body = {
        "endpoint": _shown(endpoint)[0] if endpoint is not None and got_in else None,
        "results": [_result(result) for result in results],
    }
    if got_in:
        return answer(body)
    first = next(result.error for result in results if result.error)
    raise ApiError(first["code"], first["message"], status=400, field=first["field"], extra=body)


def _result(result: Result) -> dict[str, JSON]:
    kept = stored_documents.stored(result.model) if result.model else None
    return {
        "model_id": result.model_id,
        "outcome": result.outcome,
        "model": stored_documents.decoded(kept) if kept else None,
        "error": result.error,
        "probe": result.report["id"] if result.report else None,
    }
