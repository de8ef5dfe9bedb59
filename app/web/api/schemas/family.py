"""Schemas of the family's calls that know every provider."""

from __future__ import annotations

from app.registry.exchange import family
from app.registry.form.openai_like import OpenAILikeForm
from app.registry.metadata import FIELDS, PROVIDER
from app.web.api.schemas.forms import request_schema
from app.web.api.schemas.shapes import Schema, closed, nullable, text


def schemas() -> dict[str, Schema]:
    """Their bodies by name: the fields of our own form, where these calls have them; needs a request."""
    fields = request_schema(OpenAILikeForm)["properties"]
    inner = fields["configuration"]["properties"]["model_id"]
    plain = {name: fields[name] for name in family.PLAIN}
    declared = {row.name: fields[row.declared_by] for row in FIELDS if row.declared_by}
    # Not an enum of true and null: generators of clients take no values of two types.
    true_or_nothing = {"type": ["boolean", "null"], "not": {"const": False}}
    shared = {
        **plain,
        "has_functions": nullable({"type": "boolean", "description": "Tool calling."}),
        "metadata": nullable(closed({"is_private": true_or_nothing, **declared}, required=())),
        "parameters": {
            "type": ["array", "null"],
            "items": {},
            "maxItems": 0,
            "description": "They follow from the model type.",
        },
    }
    configuration = closed(
        {"provider": {"const": PROVIDER}, "base_url": fields["base_url"], "api_key": fields["api_key"]}
        | {"model_id": inner},
        required=["base_url", "api_key"],
    )
    provider: Schema = {"const": PROVIDER}
    made = {"provider": provider, "configuration": configuration, **shared}
    made |= {name: text("Taken and not kept.") for name in family.NOT_KEPT}
    needed = ["provider", "configuration", "display_name", "model_id", "model_type", "metadata"]
    made["metadata"] = made["metadata"] | {"type": "object", "required": ["region"]}
    check = {"provider": provider, "deployment_name": fields["model_id"]}
    check |= {name: fields[name] for name in ("base_url", "api_key")}
    check |= {name: text("Of other providers.") for name in family.OF_OTHERS}
    changed = {name: schema for name, schema in shared.items() if name != "model_id"}
    return {
        "ModelCreation": closed(made, required=needed),
        "ModelPatch": closed(changed | {"model_id": text("As it is; it can't change.")}, required=()),
        "EndpointCheck": closed(check, required=["provider", "deployment_name", "base_url", "api_key"]),
    }
