"""JSON schemas of what comes in and goes out, made from the form's lines and the document's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from app.error_codes import ErrorType
from app.registry.clients import CLIENT_BY_NAME, WORKS
from app.registry.declared.labels import LONGEST, LONGEST_TAG, MOST_TAGS
from app.registry.declared.plan import Outcome
from app.registry.declared.wanted import MOST_ENDPOINTS
from app.registry.endpoints.form import (
    LONGEST_VALUE,
    MOST_HEADERS,
    MOST_MODELS,
    EndpointForm,
    NewEndpointForm,
)
from app.registry.exchange import family
from app.registry.fields import Choice, Input, Length, Range, absolute_url, no_binary, no_controls
from app.registry.form import JsonForm, OpenAILikeForm, OpenAILikeUpdateForm
from app.registry.metadata import CURRENCY, FIELDS, MILLION, PROVIDER, Kind

JSON = Any
Schema = dict[str, JSON]

UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
ID: Schema = {"type": "string", "pattern": UUID, "examples": ["01a207f6-7564-77e5-9d6f-6f2b1c0d8e4a"]}
TIME: Schema = {"type": "string", "format": "date-time", "examples": ["2026-03-01T12:00:00.007Z"]}
_SPACE = r"\t-\r \u0085\u00a0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
ONE_LINE = rf"^[{_SPACE}]*([^{_SPACE}{_CONTROL}][^{_CONTROL}]*)?[{_SPACE}]*$"
"""A name, with what is trimmed around it."""
NAME = ONE_LINE.replace(")?[", ")[")
"""The same, and not empty after that."""
WEB = rf"^[{_SPACE}]*[hH][tT][tT][pP][sS]?://[^/?#@\\{_SPACE}{_CONTROL}]+([/?][^#\\{_SPACE}{_CONTROL}]*)?[{_SPACE}]*$"
"""A base URL, with what is trimmed around it; whether its host is one is for the form to say."""
_LABEL = r"^([^\u0000-\u001f\u007f-\u009f\u2028\u2029]+)?$"
TEXT = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"
NO_NUL = r"^[^\u0000]*$"

_KINDS: Mapping[Kind, Schema] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "strings": {"type": "array", "items": {"type": "string"}},
    "integers": {"type": "array", "items": {"type": "integer", "format": "int64"}},
    "object": {"type": "object"},
}


def ref(name: str) -> Schema:
    """A component schema by name; `[]` at the end makes an array of it."""
    one = {"$ref": f"#/components/schemas/{name.removesuffix('[]')}"}
    return {"type": "array", "items": one} if name.endswith("[]") else one


def components() -> dict[str, Schema]:
    """Every component schema by its name; needs a request, since forms do."""
    return {
        "ModelRequest": request_schema(OpenAILikeForm),
        "ModelChange": request_schema(OpenAILikeUpdateForm),
        "EndpointRequest": endpoint_request_schema(NewEndpointForm, ("base_url", "models")),
        "EndpointChange": endpoint_request_schema(EndpointForm, ()),
        "EndpointModelsRequest": _closed(
            {"models": _models_schema(), "region": _nullable(_text("Of every model that names none."))},
            required=["models"],
        ),
        **_family_schemas(),
        "CatalogRequest": request_schema(EndpointForm) | {"required": ["base_url"]},
        "Wanted": wanted_schema(),
        "Model": model_schema(),
        "ModelMetadata": metadata_schema(),
        "Price": _closed(
            {"cost": _number(), "currency": {"const": CURRENCY}, "unit": _text(), "per": _whole()}
        ),
        "Parameter": _parameter_schema(),
        **_PLAIN,
    }


def request_schema(form: type[JsonForm]) -> Schema:
    """A form's fields as the JSON object that it takes."""
    properties: dict[str, Schema] = {}
    required = []
    for field in form(formdata=None, meta={"csrf": False}).inputs():
        outer, _, inner = field.wire.partition(".")
        if inner:
            members = properties.setdefault(outer, _nullable(_closed({}, required=())))["properties"]
            members[inner] = field_schema(field)
        else:
            properties[outer] = field_schema(field)
        if field.required:
            required.append(outer)
    return _closed(properties, required=required)


def endpoint_request_schema(form: type[EndpointForm], required: Sequence[str]) -> Schema:
    """What an endpoint's form takes, with its headers and, for a new one, its models."""
    schema = request_schema(form)
    value = {"type": ["string", "null"], "pattern": r"^[!-~]([ -~]*[!-~])?$", "maxLength": LONGEST_VALUE}
    schema["properties"]["headers"] = {
        "type": ["object", "null"],
        "description": "Further headers of every call; in a change null removes one.",
        "maxProperties": MOST_HEADERS,
        "additionalProperties": value,
    }
    if "models" in required:
        schema["properties"]["models"] = _models_schema()
    return schema | ({"required": list(required)} if required else {})


def wanted_schema() -> Schema:
    """A file with all that is wanted: endpoints as POST /v2/endpoints takes them, labels beside."""
    endpoint = endpoint_request_schema(NewEndpointForm, ("base_url", "models"))
    labels = LABELS | {"type": ["object", "null"]}
    properties = endpoint["properties"] | {"labels": labels | {"description": "Of each model without any."}}
    models: Schema = endpoint["properties"]["models"]
    model = models["items"]["properties"] | {"labels": labels, "enabled": {"type": ["boolean", "null"]}}
    properties["models"] = models | {"minItems": 0, "items": models["items"] | {"properties": model}}
    entry = endpoint | {"properties": properties, "required": ["base_url"]}
    return _closed(
        {
            "endpoints": {"type": "array", "items": entry, "maxItems": MOST_ENDPOINTS},
            "prune": {"type": "boolean", "description": "Delete what is not in here."},
            "dry_run": {"type": "boolean", "description": "Only say what would be done; contact nothing."},
        },
        required=["endpoints"],
    )


def _models_schema() -> Schema:
    """Models of an endpoint: as the request that registers one, without what is the endpoint's."""
    model = request_schema(OpenAILikeForm)
    own = {name: one for name, one in model["properties"].items() if name not in ("api_key", "base_url")}
    own |= {name: _nullable(own[name]) for name in ("display_name", "region")}
    entry = _closed(own, required=["model_id", "model_type"])
    return {"type": "array", "items": entry, "minItems": 1, "maxItems": MOST_MODELS}


def field_schema(field: Input) -> Schema:
    """One field with its rules; null stands for not given where it is optional."""
    schema: Schema = dict(_KINDS[field.kind])
    for rule in field.rules:
        schema |= _rule_schema(rule)
    if schema.get("minLength") and schema.get("pattern") == ONE_LINE:
        schema["pattern"] = NAME
    if isinstance(field, Choice):
        schema["enum"] = [value for value, *_ in field.iter_choices()]
    schema["description"] = f"{field.description} In {field.unit}." if field.unit else field.description
    if field.example is not None:
        schema["examples"] = [field.example]
    return schema if field.required else _nullable(schema)


def _rule_schema(rule: Any) -> Schema:
    if isinstance(rule, Length):
        # What counts only after trimming can't be said as a length of what is sent.
        longest = {} if rule.trimmed else {"maxLength": rule.max}
        return longest | ({"minLength": rule.min} if rule.min else {})
    if isinstance(rule, Range):
        return {"minimum": rule.min} | ({} if rule.max is None else {"maximum": rule.max})
    patterns = {no_controls: ONE_LINE, no_binary: TEXT, absolute_url: WEB}
    return {"pattern": patterns[rule]} if rule in patterns else {}


def _family_schemas() -> dict[str, Schema]:
    """Bodies of the calls that know every provider: the same fields, where the document has them."""
    fields = request_schema(OpenAILikeForm)["properties"]
    inner = fields["configuration"]["properties"]["model_id"]
    plain = {name: fields[name] for name in family.PLAIN}
    declared = {row.name: fields[row.declared_by] for row in FIELDS if row.declared_by}
    # Not an enum of true and null: generators of clients take no values of two types.
    true_or_nothing = {"type": ["boolean", "null"], "not": {"const": False}}
    shared = {
        **plain,
        "has_functions": _nullable({"type": "boolean", "description": "Tool calling."}),
        "metadata": _nullable(_closed({"is_private": true_or_nothing, **declared}, required=())),
        "parameters": {
            "type": ["array", "null"],
            "items": {},
            "maxItems": 0,
            "description": "They follow from the model type.",
        },
    }
    configuration = _closed(
        {"provider": {"const": PROVIDER}, "base_url": fields["base_url"], "api_key": fields["api_key"]}
        | {"model_id": inner},
        required=["base_url", "api_key"],
    )
    provider: Schema = {"const": PROVIDER}
    made = {"provider": provider, "configuration": configuration, **shared}
    made |= {name: _text("Taken and not kept.") for name in family.NOT_KEPT}
    needed = ["provider", "configuration", "display_name", "model_id", "model_type", "metadata"]
    made["metadata"] = made["metadata"] | {"type": "object", "required": ["region"]}
    check = {"provider": provider, "deployment_name": fields["model_id"]}
    check |= {name: fields[name] for name in ("base_url", "api_key")}
    check |= {name: _text("Of other providers.") for name in family.OF_OTHERS}
    changed = {name: schema for name, schema in shared.items() if name != "model_id"}
    return {
        "ModelCreation": _closed(made, required=needed),
        "ModelPatch": _closed(changed | {"model_id": _text("As it is; it can't change.")}, required=()),
        "EndpointCheck": _closed(check, required=["provider", "deployment_name", "base_url", "api_key"]),
    }


def metadata_schema() -> Schema:
    """`metadata` of a model: every row of the document's table."""
    properties = {}
    for row in FIELDS:
        text = f"{row.help} In {row.unit}." if row.unit else row.help
        properties[row.name] = {**_KINDS[row.kind], "description": text}
    properties["pricing"] = {"type": "object", "additionalProperties": ref("Price")}
    return _closed(properties, required=["is_private"])


def model_schema() -> Schema:
    """The model document."""
    properties: dict[str, Schema] = {
        "id": ID,
        "created": TIME,
        "updated": TIME,
        "display_name": _text(),
        "model_id": _text(),
        "model_type": _text(),
        "description": _nullable(_text()),
        "is_active": {"type": "boolean"},
        "enabled": {"type": "boolean"},
        "enabled_for_playground": {"type": "boolean"},
        "enabled_for_endpoints": {"type": "boolean"},
        "provider": {"const": PROVIDER},
        "owner": {"type": "string", "pattern": UUID, "description": "The workspace."},
        "refId": {"type": "string", "description": "`<workspace key>@openailike/<model_id>`"},
        "input_cost": _nullable(_number(f"USD per {MILLION:,} tokens.")),
        "input_currency": {"const": CURRENCY},
        "output_cost": _nullable(_number(f"USD per {MILLION:,} tokens.")),
        "output_currency": {"const": CURRENCY},
        "pricing_url": _nullable(_text()),
        "docs_url": _nullable(_text()),
        "has_functions": {"type": "boolean", "description": "Tool calling, declared or observed."},
        "has_cpu_pricing": {"type": "boolean"},
        "configuration": _configuration_schema(),
        "metadata": ref("ModelMetadata"),
        "parameters": ref("Parameter[]"),
    }
    return _closed(properties)


def _configuration_schema() -> Schema:
    properties: dict[str, Schema] = {
        "provider": {"const": PROVIDER},
        "is_openai_compatible": {"type": "boolean"},
        "base_url": {"type": "string", "description": "Exactly as it was given."},
        "workspace_id": _text(),
        "integration_id": {"type": "string", "pattern": UUID, "description": "The id of its endpoint."},
        "model_id": {"type": "string", "description": "The id sent to the endpoint, where one was given."},
        "api_key_env": {"type": "string", "description": "The variable that holds the key, if one does."},
    }
    needed = ["provider", "is_openai_compatible", "base_url", "workspace_id", "integration_id"]
    return _closed(properties, required=needed)


def _parameter_schema() -> Schema:
    properties: dict[str, Schema] = {
        "id": _text(),
        "name": _text(),
        "parameter": {"type": "string", "description": "Its name in a request."},
        "parameter_type": {"enum": ["number", "range", "select", "toggle", "text"]},
        "description": _nullable(_text()),
        "config": {"type": "object", "description": "minimum, maximum and default, or options and default."},
        "is_active": {"type": "boolean"},
        "position": _whole(),
    }
    return _closed(properties)


def _closed(properties: dict[str, Schema], required: Any = None) -> Schema:
    """An object with these members and no others, all of them required unless told."""
    made: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    needed = list(properties) if required is None else list(required)
    return made | ({"required": needed} if needed else {})


def _open(properties: dict[str, Schema], required: Any = None) -> Schema:
    """The same, but more members may come in later versions."""
    return _closed(properties, required) | {"additionalProperties": True}


def _nullable(schema: Schema) -> Schema:
    made = schema | {"type": [schema["type"], "null"]}
    return made | ({"enum": [*made["enum"], None]} if "enum" in made else {})


def _text(description: str = "") -> Schema:
    return {"type": "string"} | ({"description": description} if description else {})


def _whole(description: str = "") -> Schema:
    return {"type": "integer"} | ({"description": description} if description else {})


def _number(description: str = "") -> Schema:
    return {"type": "number"} | ({"description": description} if description else {})


_CHECK = _open(
    {
        "name": _text(),
        "status": {"enum": ["passed", "failed", "inconclusive", "skipped"]},
        "method": _nullable(_text()),
        "path": _nullable(_text()),
        "http_status": _nullable(_whole()),
        "duration_ms": _nullable(_whole()),
        "first_byte_ms": _nullable(_whole()),
        "evidence": _text(),
        "adaptations": {"type": "array", "items": _text()},
    }
)
_CAPABILITY = _open(
    {
        "declared": {"type": ["boolean", "null"], "description": "What a person declared."},
        "observed": {
            "type": ["boolean", "null"],
            "description": "What the probe saw; null: unknown.",
        },
        "evidence": _text(),
    }
)
_SUGGESTIONS: Schema = {"type": "object", "additionalProperties": {"type": "array", "items": _text()}}
_DIAGNOSIS = _closed(
    {"code": _text(), "field": _nullable(_text()), "message": _text(), "suggestions": _SUGGESTIONS}
)
_REPORT_FIELDS: dict[str, Schema] = {
    "id": ID,
    "model": _nullable(ID),
    "verdict": {"enum": ["accepted", "rejected"]},
    "started": TIME,
    "duration_ms": _whole(),
    "diagnosis": {"anyOf": [_DIAGNOSIS, {"type": "null"}]},
    "checks": {"type": "array", "items": _CHECK},
    "capabilities": {"type": "object", "additionalProperties": _CAPABILITY},
    "warnings": {"type": "array", "items": _open({"code": _text(), "message": _text()})},
    "catalog": {"type": "object"},
    "performance": {"type": "object"},
}
_REPEATED: Schema = {
    "type": "array",
    "items": {"type": "object"},
    "description": "Where checks were repeated: how often each passed, and the kinds of error.",
}
_REPORT = _open(_REPORT_FIELDS | {"reliability": _REPEATED}, required=list(_REPORT_FIELDS))
_DETAIL = _closed({"field": _nullable(_text()), "code": _text(), "message": _text()})
_ERROR = _closed(
    {
        "code": _text("What programs know the error by."),
        "message": _text("What happened and what to do, in words."),
        "type": {"enum": list(get_args(ErrorType)), "description": "The family that the code belongs to."},
        "param": _nullable(_text("The same as `field`, null where there is none.")),
        "field": _text("The field that is wrong, where it is one."),
        "details": {"type": "array", "items": _DETAIL},
        "suggestions": _SUGGESTIONS,
        "doc_url": _text("Where the code is explained."),
        "request_id": _text("What to tell the people who run this Muster."),
    },
    required=["code", "message", "type", "param", "doc_url", "request_id"],
)
_OPENAI_MODEL = _closed(
    {
        "id": _text(),
        "object": {"const": "model"},
        "created": _whole("Unix time."),
        "owned_by": {"const": PROVIDER},
    }
)

_CERTIFICATE = _closed({"subject": _text(), "sha256": _text(), "not_after": TIME})
_ENDPOINT = _closed(
    {
        "id": ID,
        "name": _text(),
        "base_url": _text("Values of its query are shown to who may write."),
        "api_key_env": _nullable(_text("The variable that holds the key, if one does.")),
        "has_key": {"type": "boolean"},
        "key_changed": _nullable(TIME),
        "auth": _closed({"header": _text(), "scheme": _text()}),
        "headers": {"type": "array", "items": _text(), "description": "Names; no value ever comes back."},
        "ca": {"anyOf": [_CERTIFICATE, {"type": "null"}]},
        "client_certificate": {"anyOf": [_CERTIFICATE, {"type": "null"}]},
        "models": _whole("How many models are served there."),
        "health": {"enum": ["up", "degraded", "down", "unknown"]},
        "created": TIME,
        "updated": TIME,
    }
)
_RESULT = _closed(
    {
        "model_id": _text(),
        "outcome": {"enum": ["registered", "rejected", "exists"]},
        "model": {"anyOf": [ref("Model"), {"type": "null"}]},
        "error": {"anyOf": [_DIAGNOSIS, {"type": "null"}]},
        "probe": _nullable(ID),
    }
)
_PROVEN = _closed(
    {
        "model": ID,
        "model_id": _text(),
        "outcome": {"enum": ["accepted", "rejected"]},
        "error": {"anyOf": [_DIAGNOSIS, {"type": "null"}]},
    }
)
_OFFERED = _closed(
    {
        "id": _text(),
        "model_type": _nullable(_text()),
        "context_window": _nullable(_whole("In tokens.")),
        "values": {"type": "object", "additionalProperties": _text(), "description": "Fields of a model."},
        "source": _nullable(_text("Where prices come from that the endpoint does not tell.")),
        "registered": _nullable(_text("The id of the model that is registered with it.")),
    }
)

LABELS: Schema = _closed(
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

_APPLIED = _closed(
    {
        "kind": {"enum": ["endpoint", "model"]},
        "name": _text("The name of an endpoint, the model_id of a model."),
        "endpoint": _text("The name of its endpoint."),
        "outcome": {"enum": list(get_args(Outcome))},
        "id": _nullable(_text()),
        "changes": {"type": "object", "description": "Old and new value of each field that differs."},
        "error": {"anyOf": [_DETAIL, {"type": "null"}]},
    }
)


def _names(help: str) -> Schema:
    return {"type": "array", "items": _text(), "description": help}


_PLAIN: Mapping[str, Schema] = {
    "Endpoint": _ENDPOINT,
    "EndpointAnswer": _closed(
        {
            "endpoint": {"anyOf": [ref("Endpoint"), {"type": "null"}]},
            "results": {"type": "array", "items": _RESULT},
        }
    ),
    "EndpointRejection": _closed(
        {
            "error": _ERROR,
            "endpoint": {"type": "null"},
            "results": {"type": "array", "items": {"anyOf": [_RESULT, _PROVEN]}},
        },
        required=["error"],
    ),
    "Labels": _closed(
        {
            "owner": _nullable(_text("A team or a person.")),
            "contact": _nullable(_text("A mail address or a URL.")),
            "tags": {"type": "array", "items": _text()},
        }
    ),
    "LabelsRequest": LABELS,
    "Applied": _closed(
        {
            "dry_run": {"type": "boolean"},
            "counts": _closed({name: _whole() for name in get_args(Outcome)}),
            "entries": {"type": "array", "items": _APPLIED},
        }
    ),
    "Catalog": _closed(
        {
            "models": {"type": "array", "items": _OFFERED},
            "problem": _nullable(_text("Why there is no list, where there is none.")),
        }
    ),
    "Report": _REPORT,
    "Error": _closed({"error": _ERROR}),
    "Rejection": _closed({"error": _ERROR, "probe": ref("Report")}, required=["error"]),
    "OpenAIList": _closed({"object": {"const": "list"}, "data": {"type": "array", "items": _OPENAI_MODEL}}),
    "OpenAIModel": _OPENAI_MODEL,
    "ModelReference": _closed(
        {"model_id": _text("The id or the refId of a model.") | {"minLength": 1, "pattern": NO_NUL}}
    ),
    "WorksWith": _closed(
        {
            "client": {"enum": list(CLIENT_BY_NAME)},
            "label": _text("What people call it."),
            "works": {"enum": list(WORKS)},
            "decided_by": _names("Required capabilities that are missing, or that could not be told."),
            "limited_by": _names("Helpful capabilities that are missing."),
            "required": _names("Capabilities without which the client does not work."),
            "helpful": _names("Capabilities without which it can do less."),
            "note": _text("What to know besides."),
            "source": _text("The page that says what the client needs."),
            "source_read": {"type": "string", "format": "date"},
        }
    ),
    "Deleted": _closed({"id": ID, "deleted": {"const": True}}),
    "Credentials": _closed(
        {"model": ID, "base_url": _text(), "model_id": _text("The id to send."), "api_key": _text()}
    ),
    "Health": _open({"status": {"const": "ok"}}),
    "LiteLLMDefinition": _open(
        {
            "model_name": {"type": "string", "minLength": 1, "examples": ["our-chat"]},
            "litellm_params": _open(
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
    "ImportStep": _closed(
        {
            "index": _whole(),
            "model_name": _text(),
            "action": {"enum": ["create", "exists", "refuse", "skip"]},
            "existing": _nullable(_text("The id of the model that is the same.")),
            "problems": {"type": "array", "items": _DETAIL},
            "ignored": {"type": "array", "items": _text()},
            "request": {"type": ["object", "null"], "description": "The body that would register it."},
        }
    ),
    "Artefacts": {
        "type": "object",
        "additionalProperties": _text(),
        "description": "What a model is used with, by kind: curl, python, node, litellm, terraform.",
    },
    "AnyText": {"type": "string", "description": "A text."},
    "AnyJson": {"description": "JSON as the chosen form has it."},
    "AnyObject": {"type": "object", "description": "An OpenAPI document."},
}
