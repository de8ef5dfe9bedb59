"""What the good endpoint does beyond the practice endpoint: second turns, tools, schemas, sounds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.practice.wire import Reply, Request, as_json, error
from tests.endpoints.replies import texts

JSON = Any
WORD = re.compile(r"[a-z]{3,}")
SAMPLES = {
    "date": "2026-03-01",
    "date-time": "2026-03-01T09:00:00Z",
    "time": "09:00:00Z",
    "email": "practice@example.com",
    "uri": "https://example.com/practice",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "ipv4": "192.0.2.1",
}
COMPRESSED = (b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\x1aE\xdf\xa3")
"""How FLAC, OGG, MP3 and WebM begin."""


def understood(request: Request) -> Request:
    """The chat request as the practice endpoint's mind takes it: the best tool first, schemas made plain."""
    body = request.json
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
        return request
    body = json.loads(request.body)
    said = texts(body, "user")
    results = results_of(body["messages"])
    tools: list[JSON] = body.get("tools") or []
    functions: list[JSON] = [one.get("function") for one in tools if isinstance(one, dict)]
    if all(isinstance(one, dict) for one in functions):
        for function in functions:
            schema = function.get("parameters") or {}
            function["parameters"] = settled(schema, said, schema)
        if functions:
            body["tools"].sort(key=lambda tool: fit(tool["function"], said), reverse=True)
    form = body.get("response_format")
    if isinstance(form, dict) and isinstance((form.get("json_schema") or {}).get("schema"), dict):
        schema = form["json_schema"]["schema"]
        form["json_schema"]["schema"] = settled(schema, said, schema, results=results)
    if results:
        body["messages"][-1]["content"] = " ".join(results)
    return replace(request, body=json.dumps(body).encode())


def results_of(messages: list[JSON]) -> list[str]:
    """The results of tools that the conversation ends with; none where it ends with anything else."""
    found: list[str] = []
    for message in reversed(messages):
        if not isinstance(message, dict) or message.get("role") != "tool":
            break
        found.insert(0, texts({"messages": [message]}))
    return found


def fit(function: Mapping[str, JSON], said: str) -> tuple[bool, int, int]:
    """How well a function fits what was said: named outright, by words of its name, by its description."""
    name, words = str(function.get("name")), set(WORD.findall(said.lower()))
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()
    described = set(WORD.findall(str(function.get("description", "")).lower()))
    return name in said, len(set(WORD.findall(parts)) & words), len(described & words)


def settled(
    schema: JSON, said: str, root: JSON, active: tuple[str, ...] = (), results: list[str] | None = None
) -> JSON:
    """The schema with references put in, and values chosen that the words name or the format asks for."""
    if not isinstance(schema, dict):
        return schema
    if reference := schema.get("$ref"):
        if reference in active:
            return {"type": "null"}
        return settled(pointed(root, reference), said, root, (*active, reference), results)
    if schema.get("enum"):
        named = [one for one in schema["enum"] if str(one).lower() in said.lower()]
        return {"const": (named or schema["enum"])[0]}
    if schema.get("type") == "string" and "const" not in schema:
        if schema.get("format") in SAMPLES:
            return {"const": SAMPLES[schema["format"]]}
        return {"const": " ".join(results)} if results else schema
    return _parts_settled(schema, said, root, active, results)


def _parts_settled(
    schema: dict[str, JSON], said: str, root: JSON, active: tuple[str, ...], results: list[str] | None
) -> JSON:
    plain = dict(schema)
    if isinstance(properties := schema.get("properties"), dict):
        plain["properties"] = {
            name: settled(one, said, root, active, results)
            for name, one in properties.items()
            if not _recursive(one, active) or name in (schema.get("required") or [])
        }
    if "items" in schema:
        if _recursive(schema["items"], active) and not schema.get("minItems"):
            return {"const": []}
        plain["items"] = settled(schema["items"], said, root, active, results)
    for several in ("anyOf", "oneOf", "allOf"):
        if isinstance(options := schema.get(several), list):
            valued = [one for one in options if {"type", "properties", "$ref", "enum", "const"} & set(one)]
            plain[several] = [settled(one, said, root, active, results) for one in valued]
    return plain


def _recursive(schema: JSON, active: tuple[str, ...]) -> bool:
    return isinstance(schema, dict) and schema.get("$ref") in active


def pointed(root: JSON, reference: str) -> JSON:
    """What a local reference such as `#/$defs/City` points to; anything where it points nowhere."""
    found = root
    for step in reference.lstrip("#").split("/")[1:]:
        found = found.get(step, {}) if isinstance(found, dict) else {}
    return found


def unanswered(body: JSON) -> Reply | None:
    """The refusal of calls without results, and of results without calls, as OpenAI words it."""
    waiting: list[str] = []
    messages = body.get("messages") if isinstance(body, dict) else None
    for at, message in enumerate(messages if isinstance(messages, list) else []):
        if not isinstance(message, dict):
            return None
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in waiting:
                return error(
                    400,
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
                    "with 'tool_calls'.",
                    param=f"messages.[{at}].role",
                )
            waiting.remove(message["tool_call_id"])
        elif waiting:
            return _without_results(waiting, at)
        elif message.get("tool_calls"):
            waiting = [call["id"] for call in message["tool_calls"]]
    return _without_results(waiting, len(messages or [])) if waiting else None


def _without_results(ids: list[str], at: int) -> Reply:
    return error(
        400,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(ids)}",
        param=f"messages.[{at}].role",
    )


def heard(request: Request) -> Reply | None:
    """The transcription of a sound that the practice endpoint can't read; None: it can, or it is none."""
    if not request.form.get("file", b"").startswith(COMPRESSED):
        return None
    text = "A practice sound in a compressed format."
    if request.form.get("response_format") == b"text":
        return Reply(200, text.encode(), "text/plain; charset=utf-8")
    return as_json({"text": text})
