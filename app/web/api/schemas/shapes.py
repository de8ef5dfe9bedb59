"""What every schema is made of: objects and their members."""

from __future__ import annotations

from typing import Any

JSON = Any
Schema = dict[str, JSON]

UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
EXAMPLE_ID = "01a207f6-7564-77e5-9d6f-6f2b1c0d8e4a"
EXAMPLE_TIME = "2026-03-01T12:00:00.007Z"
ID: Schema = {"type": "string", "pattern": UUID, "examples": [EXAMPLE_ID]}
TIME: Schema = {"type": "string", "format": "date-time", "examples": [EXAMPLE_TIME]}
NO_NUL = r"^[^\u0000]*$"


def ref(name: str) -> Schema:
    """A component schema by name; `[]` at the end makes an array of it."""
    one = {"$ref": f"#/components/schemas/{name.removesuffix('[]')}"}
    return {"type": "array", "items": one} if name.endswith("[]") else one


def closed(properties: dict[str, Schema], required: Any = None) -> Schema:
    """An object with these members and no others, all of them required unless told."""
    made: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    needed = list(properties) if required is None else list(required)
    return made | ({"required": needed} if needed else {})


def extensible(properties: dict[str, Schema], required: Any = None) -> Schema:
    """The same, but more members may come in later versions."""
    return closed(properties, required) | {"additionalProperties": True}


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    made = schema | {"type": [schema["type"], "null"]}
    return made | ({"enum": [*made["enum"], None]} if "enum" in made else {})


def or_null(schema: Schema) -> Schema:
    """What a schema without a `type` of its own allows, or null; `nullable` is shorter where there is one."""
    return {"anyOf": [schema, {"type": "null"}]}


def text(description: str = "") -> Schema:
    """A string."""
    return {"type": "string"} | ({"description": description} if description else {})


def whole(description: str = "") -> Schema:
    """A whole number."""
    return {"type": "integer"} | ({"description": description} if description else {})


def number(description: str = "") -> Schema:
    """A number."""
    return {"type": "number"} | ({"description": description} if description else {})


def texts(description: str = "") -> Schema:
    """A list of strings."""
    return {"type": "array", "items": text()} | ({"description": description} if description else {})
