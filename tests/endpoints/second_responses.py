"""Second round, asked besides: usage in streams, the Responses API, system messages of parts."""

from __future__ import annotations

from typing import Any

from app.practice.wire import as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import text
from tests.endpoints.second import accepted
from tests.endpoints.second_calls import FUNCTION

JSON = Any
ASKED = {"path": "/responses", "input": "What is the weather in Oslo?", "messages": None}
RESPONSES_TOOLS = ASKED | {"tools": [{"type": "function"} | FUNCTION]}
PARTS = [{"type": "text", "text": "Be brief."}]
LISTED = {"messages": [{"role": "system", "content": PARTS}, {"role": "user", "content": "Say OK"}]}


@accepted(
    "cap-stream-without-usage",
    "https://inference.readthedocs.io/en/latest/models/model_abilities/chat.html",
    capabilities={"streaming": True, "stream_usage": False},
)
def _(sim: Simulator) -> None:
    """`include_usage` is taken, and no usage comes."""
    sim.edit_stream(lambda asked, chunks: [chunk for chunk in chunks if chunk["choices"]])


@accepted(
    "cap-stream-usage-of-noughts",
    "https://github.com/InternLM/lmdeploy/blob/main/docs/en/llm/api_server.md",
    capabilities={"streaming": True, "stream_usage": False},
)
def _(sim: Simulator) -> None:
    """The usage at the end of a stream is nought in every field."""
    noughts = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    sim.edit_stream(
        lambda asked, chunks: [one | ({"usage": noughts} if one.get("usage") else {}) for one in chunks]
    )


@accepted(
    "cap-stream-usage-beside-the-end",
    "https://openrouter.ai/docs/use-cases/usage-accounting",
    path="/api/v1",
    capabilities={"streaming": True, "stream_usage": True},
)
def _(sim: Simulator) -> None:
    """The usage comes in the chunk that ends the choice, not in one of its own."""

    def joined(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        usage = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
        told = [chunk for chunk in chunks if chunk["choices"]]
        return [*told[:-1], told[-1] | ({"usage": usage[0]} if usage else {})]

    sim.edit_stream(joined)


@accepted(
    "cap-responses-ignore-tools",
    "https://lmstudio.ai/docs/developer/openai-compat/responses",
    capabilities={"responses_api": True, "responses_tools": False, "tool_calling": True},
    shows=(RESPONSES_TOOLS, '"type": "message"'),
)
def _(sim: Simulator) -> None:
    """The Responses API takes tools without a word and never calls one."""
    sim.ignore("tools", "tool_choice", path="/responses")


@accepted(
    "cap-responses-refuse-tools",
    "https://docs.litellm.ai/docs/response_api",
    capabilities={"responses_api": True, "responses_tools": False, "tool_calling": True},
    shows=(RESPONSES_TOOLS, "not supported"),
)
def _(sim: Simulator) -> None:
    """The Responses API refuses functions."""
    message = "Tools of type 'function' are not supported in /v1/responses"
    sim.refuse(error(400, message, param="tools"), lambda body: body.get("tools"), "/responses")


@accepted(
    "cap-responses-without-call-ids",
    "https://github.com/openai/openai-agents-python/pull/1959",
    capabilities={"responses_api": True, "responses_tools": False},
    shows=(RESPONSES_TOOLS, '"call_id": ""'),
)
def _(sim: Simulator) -> None:
    """The Responses API calls functions with an empty `call_id`: no result can go back."""

    def bare(asked: JSON, answer: JSON) -> JSON:
        output = [item | ({"call_id": ""} if "call_id" in item else {}) for item in answer["output"]]
        return answer | {"output": output}

    sim.edit(bare, "/responses")


@accepted(
    "cap-responses-stream-three-events",
    "https://github.com/Sophomoresty/gemini-web2api/pull/57",
    capabilities={"responses_api": True, "responses_streaming": False},
)
def _(sim: Simulator) -> None:
    """Of a stream only its beginning, the whole text and the end come: no delta, no item."""
    kept = ("response.created", "response.output_text.done", "response.completed")
    sim.edit_events(lambda asked, events: [one for one in events if one["type"] in kept])


@accepted(
    "cap-responses-come-whole",
    "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#responses-api",
    capabilities={"responses_api": True, "responses_streaming": False},
    shows=(ASKED | {"stream": True}, '"object": "response"'),
)
def _(sim: Simulator) -> None:
    """The Responses API does not look at `stream`."""
    sim.ignore("stream", path="/responses")


@accepted(
    "cap-responses-stream-breaks-off",
    "https://github.com/openai/codex/issues/41340",
    capabilities={"responses_api": True, "responses_streaming": False},
)
def _(sim: Simulator) -> None:
    """A stream ends in the middle of the words, and never says that it is complete."""
    sim.edit_events(
        lambda asked, events: [one for one in events if one["type"].endswith((".created", ".delta"))]
    )


@accepted(
    "cap-responses-stream-lacks-one-event",
    "https://github.com/ogx-ai/ogx/issues/5309",
    capabilities={"responses_api": True, "responses_streaming": True},
)
def _(sim: Simulator) -> None:
    """`response.output_text.done` is left out; the deltas and the end are there, and clients are content."""
    sim.edit_events(
        lambda asked, events: [one for one in events if one["type"] != "response.output_text.done"]
    )


@accepted(
    "cap-system-parts-refused",
    "https://docs.cerebras.ai/api-reference/chat-completions",
    capabilities={"system_message": True, "system_message_list": False},
    shows=(LISTED, "valid string"),
)
def _(sim: Simulator) -> None:
    """The content of a system message must be a string."""
    fault = {"type": "string_type", "loc": ["body", "messages", 0, "system", "content"]}
    refusal = as_json({"detail": [fault | {"msg": "Input should be a valid string"}]}, 422)
    sim.refuse(refusal, lambda body: any(in_parts(one) for one in body["messages"]))


def in_parts(message: JSON) -> bool:
    """Whether a system message comes as a list of parts."""
    return message.get("role") in ("system", "developer") and isinstance(message.get("content"), list)


@accepted(
    "cap-system-parts-dropped",
    "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    capabilities={"system_message": True, "system_message_list": False},
)
def _(sim: Simulator) -> None:
    """A system message of parts is taken and not read."""
    sim.reads(lambda body: body | {"messages": [one for one in body["messages"] if not in_parts(one)]})


@accepted(
    "cap-system-parts-only",
    "https://docs.sglang.ai/basic_usage/openai_api_vision.html",
    capabilities={"system_message": True, "system_message_list": True},
    shows=({"messages": [{"role": "system", "content": "Be brief."}]}, "must be a list"),
)
def _(sim: Simulator) -> None:
    """A multimodal template reads parts only: a string is refused, and the refusal says so."""
    refusal = text(400, "content must be a list of parts for this chat template")
    sim.refuse(refusal, lambda body: any(isinstance(one.get("content"), str) for one in body["messages"]))
