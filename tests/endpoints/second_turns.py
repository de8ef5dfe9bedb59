"""Second round, asked besides: second turns with the results of tools, and many tools."""

from __future__ import annotations

import json
from typing import Any

from app.practice.wire import as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import roles, vllm
from tests.endpoints.second import accepted
from tests.endpoints.second_calls import FUNCTION, ONE, WEATHER

JSON = Any
ASKED = {"role": "user", "content": "What is the weather in Oslo?"}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
}
TURN: list[JSON] = [
    ASKED,
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "17 degrees"},
]
SECOND_TURN = {"messages": TURN, "tools": [WEATHER]}
MANY = ONE | {
    "tools": [{"type": "function", "function": FUNCTION | {"name": f"tool_{at}"}} for at in range(40)]
}


def answered(body: JSON) -> bool:
    """Whether results of tools stand in the conversation."""
    return "tool" in roles(body)


@accepted(
    "cap-everything",
    "https://platform.openai.com/docs/guides/function-calling",
    declared="tools reasoning",
    capabilities=dict.fromkeys(
        "tool_results tool_call_ids streamed_parallel_tool_calls tool_choice_none tools_with_reasoning "
        "tools_with_json_schema many_tools stream_usage responses_tools responses_streaming "
        "system_message_list "
        "responses_api".split(),
        True,
    ),
)
def _(sim: Simulator) -> None:
    """A good model that thinks: all that is asked besides is there."""
    sim.traits(efforts=("low", "medium", "high"))


@accepted(
    "cap-results-have-no-role",
    "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#chat-template",
    capabilities={"tool_calling": True, "tool_results": False},
    shows=(SECOND_TURN, "must alternate"),
)
def _(sim: Simulator) -> None:
    """vLLM with a template that knows no role `tool`: the second turn is refused."""
    message = "Conversation roles must alternate user/assistant/user/assistant/..."
    sim.refuse(vllm(400, message, "TemplateError"), answered)


@accepted(
    "cap-results-are-not-answered",
    "https://github.com/ollama/ollama/issues/16389",
    model="minimax-m3:cloud",
    capabilities={"tool_calling": True, "tool_results": False},
    shows=(SECOND_TURN, '"content": ""'),
)
def _(sim: Simulator) -> None:
    """The model stalls at results: the second turn is empty."""
    sim.edit_text(lambda asked, said: "" if answered(asked) else said)


@accepted(
    "cap-results-are-forgotten",
    "https://docs.sglang.ai/advanced_features/tool_parser.html",
    capabilities={"tool_calling": True, "tool_results": False},
    shows=(SECOND_TURN, "tool_calls"),
)
def _(sim: Simulator) -> None:
    """The template drops results: the model calls the same function again."""

    def without(body: JSON) -> JSON:
        if not answered(body):
            return body
        kept = [one for one in body["messages"] if one["role"] not in ("tool", "assistant")]
        return body | {"messages": kept}

    sim.reads(without)


@accepted(
    "cap-results-beside-null-content",
    "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/261",
    model="qwen2.5-7b-instruct",
    capabilities={"tool_calling": True, "tool_results": True},
    shows=(SECOND_TURN, "must be a string"),
)
def _(sim: Simulator) -> None:
    """LM Studio: null is refused as the content of a call that goes back; a string, as it says, is taken."""
    refusal = as_json(
        {"error": "Invalid 'content': 'content' field must be a string or an array of objects."}, 400
    )
    sim.key = ""
    sim.refuse(refusal, lambda body: any(one.get("content", "") is None for one in body["messages"]))


@accepted(
    "cap-sixteen-tools-at-most",
    "https://github.com/anomalyco/opencode/issues/43378",
    path="/zen/go/v1",
    model="deepseek-v4-flash",
    capabilities={"tool_calling": True, "many_tools": False},
    shows=(MANY, "tool_count_limit"),
)
def _(sim: Simulator) -> None:
    """A gateway that takes sixteen functions, far below what is documented."""
    message = (
        "Error from provider (Console Go): Upstream request failed: [unsupported_tool_schema] The tool "
        "schema is "
        "not supported (tool_count_limit)."
    )
    sim.refuse(error(400, message, param="tools"), lambda body: len(body.get("tools") or []) > 16)


@accepted(
    "cap-no-references-in-schemas",
    "https://github.com/Intelligent-Internet/gemini-cli-mcp-openai-bridge/pull/7",
    path="/v1beta/openai",
    capabilities={"tool_calling": True, "many_tools": False},
)
def _(sim: Simulator) -> None:
    """Gemini: schemas with `$ref` or `anyOf` are refused by name."""
    message = (
        'Invalid JSON payload received. Unknown name "$ref" at '
        "'tools[0].function_declarations[0].parameters'"
    )
    refusal = as_json([{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}], 400)
    sim.refuse(refusal, lambda body: "$ref" in json.dumps(body.get("tools") or []))


@accepted(
    "cap-lost-among-many",
    "https://gorilla.cs.berkeley.edu/leaderboard.html",
    capabilities={"tool_calling": True, "many_tools": False},
    shows=(MANY, "tool_0"),
)
def _(sim: Simulator) -> None:
    """A small model: among more than ten functions it always calls the first."""

    def first(body: JSON) -> JSON:
        tools = body.get("tools") or []
        if len(tools) <= 10 or body.get("tool_choice") == "none" or answered(body):
            return body
        return body | {"tools": tools[:1], "tool_choice": "required"}

    sim.reads(first)


@accepted(
    "cap-a-hundred-and-twenty-eight-tools",
    "https://github.com/vishalmysore/Tools4AI/issues/16",
    capabilities={"tool_calling": True, "many_tools": True},
)
def _(sim: Simulator) -> None:
    """OpenAI: 128 functions are taken and more are refused; forty are no trouble."""
    message = "Invalid 'tools': array too long. Expected an array with maximum length 128."
    refusal = error(400, message, param="tools", code="array_above_max_length")
    sim.refuse(refusal, lambda body: len(body.get("tools") or []) > 128)


@accepted(
    "cap-six-strict-tools",
    "https://github.com/anthropics/anthropic-sdk-typescript/issues/885",
    capabilities={"many_tools": True, "strict_tool": True},
)
def _(sim: Simulator) -> None:
    """Only strict functions are few: forty plain ones are taken."""
    message = (
        "The compiled grammar is too large. Simplify your tool schemas or reduce the number of strict tools."
    )

    def too_strict(body: JSON) -> bool:
        return len([tool for tool in body.get("tools") or [] if tool["function"].get("strict")]) > 6

    sim.refuse(error(400, message), too_strict)
