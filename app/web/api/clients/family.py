"""The calls of the family's public clients that know every provider, as far as Muster's models go."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from app.config import settings
from app.errors import ApiError
from app.registry.credentials import target_for
from app.registry.endpoints.catalog import OfferedModel, list_endpoint_models
from app.registry.exchange import family
from app.registry.exchange.litellm.names import MODES, per_token
from app.web.api import verbs
from app.web.api.answers import answer, find_model, json_body
from app.web.api.describe import describe
from app.web.api.idempotency import idempotent
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_family", __name__)
JSON = Any

CREATION = {
    "provider": "openailike",
    "display_name": "Practice chat",
    "model_id": "practice-chat",
    "model_type": "chat",
    "input_cost": 0.5,
    "output_cost": 1.5,
    "has_functions": True,
    "metadata": {"is_private": True, "region": "on-prem"},
    "parameters": None,
    "configuration": {"base_url": "http://127.0.0.1:8099/v1", "api_key": "practice-key"},
}
CHANGE = {"display_name": "Our chat", "metadata": {"region": "europe"}}
CHECK = {
    "provider": "openailike",
    "base_url": "http://127.0.0.1:8099/v1",
    "api_key": "practice-key",
    "deployment_name": "practice-chat",
}


@blueprint.post("/v2/models")
@require_scope("write")
@idempotent
@describe(
    tag="Models",
    takes="ModelCreation",
    gives="Model",
    query=("strict", "depth"),
    examples={"practice": CREATION},
)
def create() -> Response:
    """Register a model through the call that the clients have for every provider.

    `provider` is `openailike`; the endpoint stands in `configuration`. Muster makes the id, and keeps neither
    developer nor family.
    """
    body, places = family.creation(json_body())
    with verbs.fields_named(places):
        return verbs.create(body)


@blueprint.patch("/v2/models/<path:ref>")
@require_scope("write")
@describe(
    tag="Models",
    takes="ModelPatch",
    gives="Model",
    query=("strict", "depth"),
    headers=("If-Match",),
    errors=(409, 412),
    examples={"change": CHANGE},
)
def change(ref: str) -> Response:
    """Change name, costs, type or what is declared in `metadata`; what is absent stays."""
    model = find_model(ref)
    body, places = family.change(json_body(), model)
    with verbs.fields_named(places):
        return verbs.change(model, body)


@blueprint.post("/v2/models/validate")
@require_scope("write")
@describe(
    tag="Probes",
    takes="EndpointCheck",
    gives="Report",
    query=("strict", "depth"),
    examples={"practice": CHECK},
)
def check() -> Response:
    """Probe a chat model, which `deployment_name` names, and store nothing."""
    body, places = family.check(json_body())
    with verbs.fields_named(places):
        return verbs.look_at(body)


@blueprint.get("/v2/models/litellm/models")
@require_scope("write")
@describe(tag="Exchange", gives="LiteLLMDefinition[]", errors=(404,))
def list_litellm() -> Response:
    """What the LiteLLM proxy of the settings lists, as definitions that the import takes."""
    base_url = settings().litellm_base_url
    if not base_url:
        message = "No LiteLLM proxy is set up. The operator sets MUSTER_LITELLM_BASE_URL."
        raise ApiError("not_found", message)
    target = target_for(current_actor(), "list_models", base_url, typed=settings().litellm_api_key)
    seen = list_endpoint_models(target)
    if seen.problem:
        raise ApiError("not_found", f"The LiteLLM proxy gave no list of models. {seen.problem}")
    return answer([_definition(offer) for offer in seen.offers])


def _definition(offer: OfferedModel) -> dict[str, JSON]:
    """A model of the proxy with every member that the clients' own type of a definition asks for."""
    info: dict[str, JSON] = {"id": None, "db_model": False, "key": None, "litellm_provider": "openai"}
    info["mode"] = MODES[offer.values.get("model_type", "chat")]
    if offer.context_window:
        info["max_input_tokens"] = offer.context_window
    for word, field in (("input_cost_per_token", "input_cost"), ("output_cost_per_token", "output_cost")):
        if field in offer.values:
            info[word] = per_token(float(offer.values[field]))
    params = {
        "model": f"openai/{offer.id}",
        "use_litellm_proxy": True,
        "use_in_pass_through": False,
        "merge_reasoning_content_in_choices": False,
    }
    return {"model_name": offer.id, "litellm_params": params, "model_info": info}
