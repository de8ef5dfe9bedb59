"""Schemas of bodies, made from the lines of the forms that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.registry.endpoints.form import LONGEST_VALUE, MOST_HEADERS, MOST_MODELS, EndpointForm, an_end
from app.registry.form.fields import Choice, Input, Length, Range, absolute_url, no_binary, no_controls
from app.registry.form.json_form import JsonForm
from app.registry.form.openai_like import OpenAILikeForm
from app.registry.metadata import Kind
from app.web.api.schemas.shapes import Schema, closed, nullable

_SPACE = r"\t-\r \u0085\u00a0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
CONTROL = r"\u0000-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_ONE_LINE = rf"^[{_SPACE}]*([^{_SPACE}{CONTROL}][^{CONTROL}]*)?[{_SPACE}]*$"
"""A name, with what is trimmed around it."""
_NAME = _ONE_LINE.replace(")?[", ")[")
"""The same, and not empty after that."""
_WEB = rf"^[{_SPACE}]*[hH][tT][tT][pP][sS]?://[^/?#@\\{_SPACE}{CONTROL}]+([/?][^#\\{_SPACE}{CONTROL}]*)?[{_SPACE}]*$"
_END = r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2}))?$"
"""A base URL, with what is trimmed around it; whether its host is one is for the form to say."""
_TEXT = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"

KINDS: Mapping[Kind, Schema] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "strings": {"type": "array", "items": {"type": "string"}},
    "integers": {"type": "array", "items": {"type": "integer", "format": "int64"}},
    "object": {"type": "object"},
}


def request_schema(form: type[JsonForm]) -> Schema:
    """A form's fields as the JSON object that it takes."""
    properties: dict[str, Schema] = {}
    required = []
    for field in form(formdata=None, meta={"csrf": False}).inputs():
        outer, _, inner = field.wire.partition(".")
        if inner:
            members = properties.setdefault(outer, nullable(closed({}, required=())))["properties"]
            members[inner] = field_schema(field)
        else:
            properties[outer] = field_schema(field)
        if field.required:
            required.append(outer)
    return closed(properties, required=required)


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
        schema["properties"]["models"] = models_schema()
    return schema | ({"required": list(required)} if required else {})


def models_schema() -> Schema:
    """Models of an endpoint: as the request that registers one, without what is the endpoint's."""
    model = request_schema(OpenAILikeForm)
    own = {name: one for name, one in model["properties"].items() if name not in ("api_key", "base_url")}
    own |= {name: nullable(own[name]) for name in ("display_name", "region")}
    entry = closed(own, required=["model_id", "model_type"])
    return {"type": "array", "items": entry, "minItems": 1, "maxItems": MOST_MODELS}


def field_schema(field: Input) -> Schema:
    """One field with its rules; null stands for not given where it is optional."""
    schema: Schema = dict(KINDS[field.kind])
    for rule in field.rules:
        schema |= _rule_schema(rule)
    if schema.get("minLength") and schema.get("pattern") == _ONE_LINE:
        schema["pattern"] = _NAME
    if isinstance(field, Choice):
        schema["enum"] = [value for value, *_ in field.iter_choices()]
    schema["description"] = f"{field.description} In {field.unit}." if field.unit else field.description
    if field.example is not None:
        schema["examples"] = [field.example]
    return schema if field.required else nullable(schema)


def _rule_schema(rule: Any) -> Schema:
    if isinstance(rule, Length):
        # What counts only after trimming can't be said as a length of what is sent.
        longest = {} if rule.trimmed else {"maxLength": rule.max}
        return longest | ({"minLength": rule.min} if rule.min else {})
    if isinstance(rule, Range):
        return {"minimum": rule.min} | ({} if rule.max is None else {"maximum": rule.max})
    patterns = {no_controls: _ONE_LINE, no_binary: _TEXT, absolute_url: _WEB, an_end: _END}
    return {"pattern": patterns[rule]} if rule in patterns else {}
