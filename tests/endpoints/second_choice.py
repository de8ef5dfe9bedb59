"""Second round, asked besides: `tool_choice` none, and tools beside reasoning and beside schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from app.practice.wire import as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.own_chat import called
from tests.endpoints.replies import schema_of
from tests.endpoints.second import accepted
from tests.endpoints.second_calls import ONE

JSON = Any


@accepted(
    "cap-none-is-auto",
    "https://github.com/google-ai-edge/LiteRT-LM/issues/2471",
    capabilities={"tool_calling": True, "tool_choice_none": False, "tool_choice": False},
    shows=(ONE | {"tool_choice": "none"}, "tool_calls"),
)
def _(sim: Simulator) -> None:
    """LiteRT-LM: `tool_choice` is not looked at, whatever it says."""
    sim.ignore("tool_choice")


@accepted(
    "cap-none-means-nothing",
    "https://github.com/Blaizzy/mlx-vlm/issues/1045",
    capabilities={"tool_calling": True, "tool_choice_none": False, "tool_choice": True},
    shows=(ONE | {"tool_choice": "none"}, "tool_calls"),
)
def _(sim: Simulator) -> None:
    """Forcing works, forbidding does not."""
    sim.ignore("tool_choice", when=lambda body: body.get("tool_choice") == "none")


@accepted(
    "cap-none-drops-the-tools",
    "https://github.com/tenstorrent/tt-inference-server/pull/3084",
    capabilities={"tool_calling": True, "tool_choice_none": True},
)
def _(sim: Simulator) -> None:
    """`none` is kept by leaving the tools out; the words speak of the tool, and call nothing."""

    def words(asked: JSON, said: str) -> str:
        return "I would call get_weather for that." if asked.get("tool_choice") == "none" else said

    sim.edit_text(words)


def thinks_on_demand(sim: Simulator) -> None:
    """Think only where an effort is asked for that is not `none`."""

    def quiet(asked: JSON) -> bool:
        return bool(asked.get("reasoning_effort", "none") == "none")

    def answer(asked: JSON, answered: JSON) -> JSON:
        if quiet(asked):
            answered["choices"][0]["message"].pop("reasoning_content", None)
            answered["usage"]["completion_tokens_details"]["reasoning_tokens"] = 0
        return answered

    def stream(asked: JSON, chunks: list[JSON]) -> Iterator[JSON]:
        for chunk in chunks:
            if not quiet(asked) or not any("reasoning_content" in one["delta"] for one in chunk["choices"]):
                yield chunk

    sim.traits(efforts=("none", "low", "medium", "high"))
    sim.edit(answer)
    sim.edit_stream(stream)


@accepted(
    "cap-no-tools-while-thinking",
    "https://api-docs.deepseek.com/guides/thinking_mode",
    path="",
    model="deepseek-v3.1",
    capabilities={"tool_calling": True, "reasoning": True, "tools_with_reasoning": False},
    shows=(ONE | {"reasoning_effort": "low"}, "does not support"),
)
def _(sim: Simulator) -> None:
    """Tools are called and thoughts are thought, but not in one request."""
    refusal = error(400, "Thinking mode does not support function calling", code="invalid_request_error")
    thinks_on_demand(sim)
    sim.refuse(refusal, lambda body: body.get("tools") and body.get("reasoning_effort", "none") != "none")


@accepted(
    "cap-call-lost-in-thought",
    "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html",
    capabilities={"tool_calling": True, "reasoning": True, "tools_with_reasoning": False},
)
def _(sim: Simulator) -> None:
    """While it thinks, the call ends up in the thoughts as text, and none is made."""

    def lost(asked: JSON, message: JSON) -> None:
        if asked.get("reasoning_effort", "none") != "none" and message.get("tool_calls"):
            calls = message.pop("tool_calls")
            message |= {
                "content": "",
                "reasoning_content": f"I shall call {json.dumps(calls[0]['function'])}",
            }

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        thinking = asked.get("reasoning_effort", "none") != "none"
        return [chunk for chunk in chunks if not (thinking and called(chunk))]

    thinks_on_demand(sim)
    sim.edit_message(lost)
    sim.edit_stream(stream)


@accepted(
    "cap-tools-with-a-certain-effort",
    "https://platform.openai.com/docs/guides/reasoning#reasoning-effort",
    model="gpt-5",
    capabilities={"tool_calling": True, "reasoning": True, "tools_with_reasoning": True},
)
def _(sim: Simulator) -> None:
    """The lowest effort is refused beside tools, and the others that the refusal names work."""
    message = (
        "The following tools cannot be used with reasoning_effort 'minimal': function. Supported "
        "values are: 'low', "
        "'medium', 'high'."
    )
    sim.traits(efforts=("minimal", "low", "medium", "high"))
    sim.refuse(
        error(400, message, param="reasoning_effort"),
        lambda body: body.get("tools") and body.get("reasoning_effort") == "minimal",
    )


@accepted(
    "cap-schema-refused-beside-tools",
    "https://ai.google.dev/gemini-api/docs/structured-output",
    path="/v1beta/openai",
    capabilities={"tool_calling": True, "json_schema": True, "tools_with_json_schema": False},
)
def _(sim: Simulator) -> None:
    """Gemini: both in one request are refused."""
    message = "Function calling with a response mime type: 'application/json' is unsupported"
    refusal = as_json([{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}], 400)
    sim.refuse(refusal, lambda body: body.get("tools") and schema_of(body) != "text")


@accepted(
    "cap-schema-ends-all-calls",
    "https://docs.vllm.ai/en/latest/features/structured_outputs.html",
    capabilities={"tool_calling": True, "json_schema": True, "tools_with_json_schema": False},
)
def _(sim: Simulator) -> None:
    """A grammar for the answer leaves no room for a call: with both, the tools are never called."""
    sim.ignore(
        "tools", "tool_choice", "parallel_tool_calls", when=lambda body: schema_of(body) == "json_schema"
    )
