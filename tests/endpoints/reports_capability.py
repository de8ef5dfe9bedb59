"""Field reports about capabilities: a good model that lacks one thing, or says so in odd words."""

from __future__ import annotations

import base64
import json
from typing import Any

from app.practice.wire import as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import has_image, schema_of, vllm
from tests.endpoints.reports import report

JSON = Any
FORCED = ("required", "any")


def forced(body: JSON) -> bool:
    """Whether a call of a tool is demanded."""
    return body.get("tool_choice") in FORCED or isinstance(body.get("tool_choice"), dict)


def strict_named(body: JSON) -> bool:
    """Whether a tool carries `strict`, whatever its value."""
    return any("strict" in tool["function"] for tool in body.get("tools") or [])


def pictures(body: JSON) -> list[str]:
    """The URLs of all pictures."""
    parts = [
        part
        for message in body["messages"]
        for part in message.get("content") or []
        if isinstance(part, dict)
    ]
    return [part["image_url"]["url"] for part in parts if part.get("type") == "image_url"]


@report("ollama-does-not-support-tools")
def _(sim: Simulator) -> None:
    message = "registry.ollama.ai/library/gemma3:4b does not support tools"
    sim.refuse(error(400, message, kind="api_error"), when=lambda body: body.get("tools"))


@report("deepseek-json-schema-unavailable")
def _(sim: Simulator) -> None:
    refusal = error(400, "This response_format type is unavailable now", code="invalid_request_error")
    sim.refuse(refusal, when=lambda body: schema_of(body) == "json_schema")


@report("gateway-image-omitted-placeholder")
def _(sim: Simulator) -> None:
    def without(body: JSON) -> JSON:
        for message in body["messages"]:
            if isinstance(message.get("content"), list):
                parts = [
                    part if part["type"] == "text" else {"text": "[image omitted]"}
                    for part in message["content"]
                ]
                message["content"] = " ".join(part["text"] for part in parts)
        return body

    sim.reads(without)


@report("vllm-auto-tool-choice-flag")
def _(sim: Simulator) -> None:
    message = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
    sim.refuse(
        vllm(400, message), when=lambda body: body.get("tools") and body.get("tool_choice", "auto") == "auto"
    )


@report("tool-arguments-as-object")
def _(sim: Simulator) -> None:
    def as_object(asked: JSON, message: JSON) -> None:
        for call in message.get("tool_calls", []):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])

    sim.edit_message(as_object)


@report("reasoning-effort-xai-400")
def _(sim: Simulator) -> None:
    """It reasons without showing it: only the usage tells."""
    message = "Model grok-4-latest does not support parameter reasoningEffort."
    refusal = as_json({"code": "Client specified an invalid argument", "error": message}, 400)
    sim.traits(efforts=("low",))
    sim.refuse(refusal, when=lambda body: "reasoning_effort" in body)
    sim.refuse(refusal, when=lambda body: "reasoning" in body, path="/responses")
    hide_reasoning(sim)


def hide_reasoning(sim: Simulator) -> None:
    """Leave the reasoning out of the answers; its tokens stay in the usage."""
    sim.edit_message(lambda asked, message: message.pop("reasoning_content", None))
    sim.edit_stream(
        lambda asked, chunks: [
            chunk
            for chunk in chunks
            if not any("reasoning_content" in choice["delta"] for choice in chunk["choices"])
        ]
    )


@report("deepseek-v4-forced-tool-choice-400")
def _(sim: Simulator) -> None:
    refusal = error(400, "Thinking mode does not support this tool_choice", code="invalid_request_error")
    sim.traits(efforts=("low", "medium", "high"))
    sim.refuse(refusal, when=forced)


@report("lmstudio-rejects-json-object")
def _(sim: Simulator) -> None:
    refusal = as_json({"error": "'response_format.type' must be 'json_schema' or 'text'"}, 400)
    sim.key = ""
    sim.refuse(refusal, when=lambda body: schema_of(body) == "json_object")


@report("llamacpp-json-schema-ignored")
def _(sim: Simulator) -> None:
    sim.ignore("response_format", when=lambda body: schema_of(body) == "json_schema")


@report("json-object-markdown-fenced")
def _(sim: Simulator) -> None:
    """The model writes JSON because the prompt says so, and goes on to explain it: nothing is enforced."""

    def chatty(asked: JSON, text: str) -> str:
        return text + "\nThis JSON object contains the answer." if schema_of(asked) != "text" else text

    sim.edit_text(chatty)


@report("routellm-strict-extra-input")
def _(sim: Simulator) -> None:
    detail = {
        "type": "extra_forbidden",
        "loc": ["body", "tools", 0, "function", "strict"],
        "msg": "Extra inputs are not permitted",
        "input": True,
    }
    sim.refuse(as_json({"detail": [detail]}, 400), when=strict_named)


@report("qwen-thinking-tool-choice-400")
def _(sim: Simulator) -> None:
    message = (
        "<400> InternalError.Algo.InvalidParameter: The tool_choice parameter does not support being set to "
        "required or object in thinking mode"
    )
    refusal = {
        "message": message,
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_parameter_error",
    }
    sim.traits(efforts=("low", "medium", "high"))
    sim.refuse(as_json({"error": refusal, "id": "chatcmpl-1", "request_id": "1"}, 400), when=forced)


@report("ollama-remote-image-url-unsupported")
def _(sim: Simulator) -> None:
    sim.refuse(
        error(400, "invalid image input"),
        when=lambda body: not all(url.startswith("data:image/") for url in pictures(body)),
    )


@report("qwen-vl-image-min-10px")
def _(sim: Simulator) -> None:
    def tiny(body: JSON) -> bool:
        heads = [base64.b64decode(url.partition(",")[2])[16:24] for url in pictures(body)]
        return any(
            min(int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")) <= 10 for head in heads
        )

    message = (
        "<400> InternalError.Algo.InvalidParameter: The image length and width do not meet the model "
        "restrictions. [height:1 or width:1 must be larger than 10]"
    )
    refusal = as_json({"error": {"message": message, "code": "invalid_parameter_error"}}, 400)
    sim.refuse(refusal, when=lambda body: has_image(body) and tiny(body))


@report("tokenmix-strict-generic-400")
def _(sim: Simulator) -> None:
    sim.refuse(error(400, "invalid value for parameter 'tools'"), when=strict_named)
