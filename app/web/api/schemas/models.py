"""Schemas of models: the document, made from its table, and what is told and taken beside it."""

from __future__ import annotations

from collections.abc import Mapping

from app.registry.clients import CLIENT_BY_NAME, WORKS
from app.registry.declared.labels import LONGEST, LONGEST_TAG, MOST_TAGS
from app.registry.form.openai_like import OpenAILikeForm, OpenAILikeUpdateForm
from app.registry.metadata import CURRENCY, FIELDS, MILLION, PROVIDER
from app.web.api.schemas.forms import CONTROL, KINDS, request_schema
from app.web.api.schemas.shapes import (
    ID,
    NO_NUL,
    TIME,
    UUID,
    Schema,
    closed,
    nullable,
    number,
    ref,
    text,
    texts,
    whole,
)

_LABEL = rf"^([^{CONTROL}]+)?$"

LABELS: Schema = closed(
    {
        "owner": {
            "type": ["string", "null"],
            "maxLength": LONGEST["owner"],
            "pattern": _LABEL,
            "description": "A team or a person.",
        },
        "contact": {
            "type": ["string", "null"],
            "maxLength": LONGEST["contact"],
            "pattern": r"^(https?://[!-.0-~][!-~]*|(mailto:)?[!-9;-?A-~]+@[!-?A-~]+)?$",
            "description": "A mail address or an http(s) URL.",
        },
        "tags": {
            "type": ["array", "null"],
            "maxItems": MOST_TAGS,
            "items": {"type": "string", "maxLength": LONGEST_TAG, "pattern": r"^[!-+\--~]+$"},
            "description": "Words without spaces and commas.",
        },
    },
    required=(),
)


_OPENAI_MODEL = closed(
    {
        "id": text(),
        "object": {"const": "model"},
        "created": whole("Unix time."),
        "owned_by": {"const": PROVIDER},
    }
)

_PLAIN: Mapping[str, Schema] = {
    "Labels": closed(
        {
            "owner": nullable(text("A team or a person.")),
            "contact": nullable(text("A mail address or a URL.")),
            "tags": texts(),
        }
    ),
    "LabelsRequest": LABELS,
    "OpenAIList": closed({"object": {"const": "list"}, "data": {"type": "array", "items": _OPENAI_MODEL}}),
    "OpenAIModel": _OPENAI_MODEL,
    "ModelReference": closed(
        {"model_id": text("The id or the refId of a model.") | {"minLength": 1, "pattern": NO_NUL}}
    ),
    "WorksWith": closed(
        {
            "client": {"enum": list(CLIENT_BY_NAME)},
            "label": text("What people call it."),
            "works": {"enum": list(WORKS)},
            "decided_by": texts("Required capabilities that are missing, or that could not be told."),
            "limited_by": texts("Helpful capabilities that are missing."),
            "required": texts("Capabilities without which the client does not work."),
            "helpful": texts("Capabilities without which it can do less."),
            "note": text("What to know besides."),
            "source": text("The page that says what the client needs."),
            "source_read": {"type": "string", "format": "date"},
        }
    ),
    "Credentials": closed(
        {"model": ID, "base_url": text(), "model_id": text("The id to send."), "api_key": text()}
    ),
}


def schemas() -> dict[str, Schema]:
    """Those of models by name; needs a request, since forms do."""
    price = {"cost": number(), "currency": {"const": CURRENCY}, "unit": text(), "per": whole()}
    return {
        "ModelRequest": request_schema(OpenAILikeForm),
        "ModelChange": request_schema(OpenAILikeUpdateForm),
        "Model": _model_schema(),
        "ModelMetadata": _metadata_schema(),
        "Price": closed(price),
        "Parameter": _parameter_schema(),
        **_PLAIN,
    }


def _metadata_schema() -> Schema:
    """`metadata` of a model: every row of the document's table."""
    properties = {}
    for row in FIELDS:
        help = f"{row.help} In {row.unit}." if row.unit else row.help
        properties[row.name] = {**KINDS[row.kind], "description": help}
    properties["pricing"] = {"type": "object", "additionalProperties": ref("Price")}
    return closed(properties, required=["is_private"])


def _model_schema() -> Schema:
    """The model document."""
    properties: dict[str, Schema] = {
        "id": ID,
        "created": TIME,
        "updated": TIME,
        "display_name": text(),
        "model_id": text(),
        "model_type": text(),
        "description": nullable(text()),
        "is_active": {"type": "boolean"},
        "enabled": {"type": "boolean"},
        "enabled_for_playground": {"type": "boolean"},
        "enabled_for_endpoints": {"type": "boolean"},
        "provider": {"const": PROVIDER},
        "owner": {"type": "string", "pattern": UUID, "description": "The workspace."},
        "refId": {"type": "string", "description": "`<workspace key>@openailike/<model_id>`"},
        "input_cost": nullable(number(f"USD per {MILLION:,} tokens.")),
        "input_currency": {"const": CURRENCY},
        "output_cost": nullable(number(f"USD per {MILLION:,} tokens.")),
        "output_currency": {"const": CURRENCY},
        "pricing_url": nullable(text()),
        "docs_url": nullable(text()),
        "has_functions": {"type": "boolean", "description": "Tool calling, declared or observed."},
        "has_cpu_pricing": {"type": "boolean"},
        "configuration": _configuration_schema(),
        "metadata": ref("ModelMetadata"),
        "parameters": ref("Parameter[]"),
    }
    return closed(properties)


def _configuration_schema() -> Schema:
    properties: dict[str, Schema] = {
        "provider": {"const": PROVIDER},
        "is_openai_compatible": {"type": "boolean"},
        "base_url": {"type": "string", "description": "Exactly as it was given."},
        "workspace_id": text(),
        "integration_id": {"type": "string", "pattern": UUID, "description": "The id of its endpoint."},
        "model_id": {"type": "string", "description": "The id sent to the endpoint, where one was given."},
        "api_key_env": {"type": "string", "description": "The variable that holds the key, if one does."},
    }
    needed = ["provider", "is_openai_compatible", "base_url", "workspace_id", "integration_id"]
    return closed(properties, required=needed)


def _parameter_schema() -> Schema:
    properties: dict[str, Schema] = {
        "id": text(),
        "name": text(),
        "parameter": {"type": "string", "description": "Its name in a request."},
        "parameter_type": {"enum": ["number", "range", "select", "toggle", "text"]},
        "description": nullable(text()),
        "config": {"type": "object", "description": "minimum, maximum and default, or options and default."},
        "is_active": {"type": "boolean"},
        "position": whole(),
    }
    return closed(properties)
