"""Second round: vendors' own ends (rule 3), and failed generations that are no refusals (rule 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.practice.wire import Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.now_and_then import new_kinds
from tests.endpoints.own import briefly
from tests.endpoints.replies import has_image, schema_of
from tests.endpoints.reports_capability import forced
from tests.endpoints.reports_chat import limit
from tests.endpoints.second import accepted, rejected

JSON = Any
GROQ_TOOLS = "https://console.groq.com/docs/tool-use"
EPAM = "https://github.com/epam/ai-dial-adapter-vertexai/issues/85"
TOOLS = {"tools": [{"type": "function", "function": {"name": "get_weather"}}]}


def ends(
    sim: Simulator, reason: str, when: Callable[[JSON], Any] = lambda body: True, said: JSON = ""
) -> None:
    """End every answer of this kind so, with nothing said."""

    def whole(asked: JSON, answer: JSON) -> JSON:
        if when(asked):
            message = {"role": "assistant", "content": said}
            answer["choices"] = [{"index": 0, "finish_reason": reason, "message": message}]
            answer["usage"] |= {"completion_tokens": 0, "total_tokens": answer["usage"]["prompt_tokens"]}
        return answer

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        if not when(asked):
            return chunks
        last = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": reason}
        return [chunks[0] | {"choices": [last]}]

    sim.edit(whole)
    sim.edit_stream(stream)


@accepted(
    "r03-sensitive",
    "https://github.com/langgenius/dify/issues/7559",
    path="/api/paas/v4",
    model="glm-4.6",
    warnings="prompt_filtered",
    shows='"finish_reason": "sensitive"',
)
def _(sim: Simulator) -> None:
    """Zhipu: every answer ends with `sensitive` and says nothing."""
    ends(sim, "sensitive")


@accepted("r03-recitation", EPAM, model="gemini-2.5-pro", warnings="prompt_filtered", shows="RECITATION")
def _(sim: Simulator) -> None:
    """Vertex: every answer ends with `RECITATION`, the content is null."""
    ends(sim, "RECITATION", said=None)


@accepted(
    "r03-refusal",
    "https://github.com/BerriAI/litellm/pull/40864",
    model="gemini-2.5-flash-image",
    warnings="prompt_filtered",
    shows='"finish_reason": "refusal"',
)
def _(sim: Simulator) -> None:
    """Every answer ends with `refusal`, as Anthropic's filter does."""
    ends(sim, "refusal")


@accepted(
    "r03-prohibited-pictures",
    "https://ai.google.dev/api/generate-content#FinishReason",
    capabilities={"vision": None, "tool_calling": True},
)
def _(sim: Simulator) -> None:
    """Only pictures are filtered: whether it sees could not be told."""
    ends(sim, "prohibited_content", has_image)


@accepted(
    "r03-blocklist-in-json", EPAM, capabilities={"json_mode": None, "json_schema": None, "streaming": True}
)
def _(sim: Simulator) -> None:
    """Only answers in a format are filtered, by a list of words."""
    ends(sim, "BLOCKLIST", lambda body: schema_of(body) != "text")


@rejected(
    "r03-other-is-no-filter",
    EPAM,
    "endpoint_error model_unavailable not_openai_compatible",
    shows='"finish_reason": "OTHER"',
)
def _(sim: Simulator) -> None:
    """`OTHER` is an unknown failure, no filter: nothing was seen to work."""
    ends(sim, "OTHER")
    briefly(sim)


@accepted("r03-max-tokens-in-capitals", EPAM, model="gemini-2.5-pro", shows=({"max_tokens": 8}, "MAX_TOKENS"))
def _(sim: Simulator) -> None:
    """`MAX_TOKENS` is the limit's end in another spelling: the model thought until there."""
    ends(sim, "MAX_TOKENS", lambda body: 0 < limit(body) < 200)


def groq(code: str, message: str, generation: str) -> Callable[[Request], Any]:
    """Groq's refusal of its own model's output."""
    refusal = error(400, message, code=code).json["error"] | {"failed_generation": generation}
    return lambda request: as_json({"error": refusal}, 400)


@accepted(
    "r04-json-failed-once",
    "https://console.groq.com/docs/structured-outputs",
    path="/openai/v1",
    capabilities={"json_schema": True, "json_mode": True},
)
def _(sim: Simulator) -> None:
    """Groq: now and then the model's JSON does not validate; the same request again works."""
    message = "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details."
    failed = groq("json_validate_failed", message, '{"label": "app')
    sim.refuse(new_kinds(3, failed), lambda body: schema_of(body) != "text")


@accepted(
    "r04-call-fails-unless-forced",
    GROQ_TOOLS,
    path="/openai/v1",
    declared="tools",
    capabilities={"tool_choice": True, "tool_calling": (True, None)},
    shows=(TOOLS, "tool_use_failed"),
)
def _(sim: Simulator) -> None:
    """Groq: a call that the model chooses always fails in the parser; a forced one is made."""
    failed = groq("tool_use_failed", "Tool call validation failed: parameters did not match", "<function=")
    sim.refuse(failed, lambda body: body.get("tools") and not forced(body))


@accepted(
    "r04-parser-of-the-server",
    "https://github.com/huggingface/text-generation-inference/pull/2353",
    declared="tools",
    capabilities={"tool_calling": None, "streaming": True},
    shows=(TOOLS, "Tool error"),
)
def _(sim: Simulator) -> None:
    """TGI: the server can't read what its model generated, whenever tools are there."""
    message = "Tool error: Failed to parse generated text: EOF while parsing a string at line 1 column 96"
    sim.refuse(as_json({"error": message, "error_type": "tool_error"}, 422), lambda body: body.get("tools"))


@accepted(
    "r04-500-of-the-chat-parser",
    "https://github.com/ggml-org/llama.cpp/blob/master/docs/function-calling.md",
    capabilities={"tool_calling": True, "streamed_tool_calling": True},
)
def _(sim: Simulator) -> None:
    """llama.cpp: 500 now and then, where the output does not fit the template; again, and it works."""
    failure = {
        "code": 500,
        "message": "Failed to parse input at pos 0: <tool_call>get_we",
        "type": "server_error",
    }
    failed = as_json({"error": failure}, 500)
    sim.refuse(new_kinds(3, lambda request: failed), lambda body: body.get("tools"))


@accepted(
    "r04-tools-do-not-exist",
    GROQ_TOOLS,
    path="/openai/v1",
    declared="tools",
    capabilities={"tool_calling": False, "tool_choice": False},
    shows=(TOOLS, "not supported with this model"),
)
def _(sim: Simulator) -> None:
    """Looks like a failed call, but is the refusal of tools as such."""
    message = "`tool calling` is not supported with this model"
    sim.refuse(error(400, message), lambda body: body.get("tools"))
