"""Schemas of what is exchanged with other programs and in files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from app.registry.declared.plan import Outcome
from app.registry.declared.wanted import MOST_ENDPOINTS
from app.registry.endpoints.form import NewEndpointForm
from app.web.api.schemas.forms import endpoint_request_schema
from app.web.api.schemas.models import LABELS
from app.web.api.schemas.probes import DETAIL
from app.web.api.schemas.shapes import (
    Schema,
    closed,
    extensible,
    nullable,
    or_null,
    ref,
    text,
    texts,
    whole,
)

_APPLIED = closed(
    {
        "kind": {"enum": ["endpoint", "model"]},
        "name": text("The name of an endpoint, the model_id of a model."),
        "endpoint": text("The name of its endpoint."),
        "outcome": {"enum": list(get_args(Outcome))},
        "id": nullable(text()),
        "changes": {"type": "object", "description": "Old and new value of each field that differs."},
        "error": or_null(DETAIL),
    }
)

_PLAIN: Mapping[str, Schema] = {
    "Applied": closed(
        {
            "dry_run": {"type": "boolean"},
            "counts": closed({name: whole() for name in get_args(Outcome)}),
            "entries": {"type": "array", "items": _APPLIED},
        }
    ),
    "LiteLLMDefinition": extensible(
        {
            "model_name": {"type": "string", "minLength": 1, "examples": ["our-chat"]},
            "litellm_params": extensible(
                {
                    "model": {"type": "string", "minLength": 1, "examples": ["openai/practice-chat"]},
                    "api_base": {"type": ["string", "null"], "examples": ["http://127.0.0.1:8099/v1"]},
                    "api_key": {"type": ["string", "null"], "description": "Or os.environ/NAME."},
                },
                required=["model"],
            ),
            "model_info": {"type": ["object", "null"]},
        },
        required=["model_name", "litellm_params"],
    ),
    "ImportAnswer": {
        "type": "array",
        "description": "Documents; with dry_run what would be done, entry by entry.",
        "items": {"anyOf": [ref("Model"), ref("ImportStep")]},
    },
    "ImportStep": closed(
        {
            "index": whole(),
            "model_name": text(),
            "action": {"enum": ["create", "exists", "refuse", "skip"]},
            "existing": nullable(text("The id of the model that is the same.")),
            "problems": {"type": "array", "items": DETAIL},
            "ignored": texts(),
            "request": {"type": ["object", "null"], "description": "The body that would register it."},
        }
    ),
    "Artefacts": {
        "type": "object",
        "additionalProperties": text(),
        "description": "What a model is used with, by kind: curl, python, node, litellm, terraform.",
    },
}


def schemas() -> dict[str, Schema]:
    """Those of what is exchanged, by name; needs a request, since forms do."""
    return {"Wanted": _wanted_schema(), **_PLAIN}


def _wanted_schema() -> Schema:
    """A file with all that is wanted: endpoints as POST /v2/endpoints takes them, labels beside."""
    endpoint = endpoint_request_schema(NewEndpointForm, ("base_url", "models"))
    labels = LABELS | {"type": ["object", "null"]}
    properties = endpoint["properties"] | {"labels": labels | {"description": "Of each model without any."}}
    models: Schema = endpoint["properties"]["models"]
    model = models["items"]["properties"] | {"labels": labels, "enabled": {"type": ["boolean", "null"]}}
    properties["models"] = models | {"minItems": 0, "items": models["items"] | {"properties": model}}
    entry = endpoint | {"properties": properties, "required": ["base_url"]}
    return closed(
        {
            "endpoints": {"type": "array", "items": entry, "maxItems": MOST_ENDPOINTS},
            "prune": {"type": "boolean", "description": "Delete what is not in here."},
            "dry_run": {"type": "boolean", "description": "Only say what would be done; contact nothing."},
        },
        required=["endpoints"],
    )
