"""Own behaviours: shapes of chat requests and answers, and what they show of a capability."""

from __future__ import annotations

import json
from typing import Any

from app.practice.wire import Reply, Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.own import accepted, rejected
from tests.endpoints.replies import has_image, html, roles, schema_of, sse, text, vllm
from tests.endpoints.reports_capability import hide_reasoning
from tests.endpoints.reports_chat import limit

JSON = Any
OPENAI = "https://platform.openai.com/docs/api-reference/chat"
DEEPSEEK = "https://api-docs.deepseek.com/api/create-chat-completion"
DASHSCOPE = "https://www.alibabacloud.com/help/en/model-studio/error-code"
GEMINI = "https://ai.google.dev/gemini-api/docs/openai"
OPENROUTER = "https://openrouter.ai/docs/features/tool-calling"
AZURE_FILTER = "https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter"


def streamed(body: JSON) -> bool:
    """Whether a stream is asked for."""
    return bool(body.get("stream"))


@accepted(
    "own-gpt-5-in-full",
    "https://platform.openai.com/docs/guides/latest-model",
    model="gpt-5",
    capabilities={"reasoning": True, "tool_calling": True, "max_completion_tokens": True},
)
def _(sim: Simulator) -> None:
    """No max_tokens, no temperature but 1, reasoning that only the usage shows and that eats the limit."""
    sim.traits(efforts=("minimal", "low", "medium", "high"))
    hide_reasoning(sim)
    refusal = "Unsupported {}: '{}' {} with this model."
    tokens = (
        refusal.format("parameter", "max_tokens", "is not supported")
        + " Use 'max_completion_tokens' instead."
    )
    heat = refusal.format("value", "temperature", "does not support the value given")
    sim.refuse(
        error(400, tokens, param="max_tokens", code="unsupported_parameter"),
        when=lambda body: "max_tokens" in body,
    )
    sim.refuse(
        error(
            400,
            heat + " Only the default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        ),
        when=lambda body: body.get("temperature", 1) != 1,
    )


@accepted(
    "own-azure-old-api-version",
    "https://learn.microsoft.com/azure/ai-services/openai/reference",
    capabilities={"max_completion_tokens": False, "tool_calling": True},
)
def _(sim: Simulator) -> None:
    """max_completion_tokens is not known yet."""
    message = "Unrecognized request argument supplied: max_completion_tokens"
    sim.refuse(error(400, message), when=lambda body: "max_completion_tokens" in body)


@accepted(
    "own-gemini-unknown-name",
    GEMINI,
    path="/v1beta/openai",
    capabilities={"tool_calling": True, "streaming": True},
)
def _(sim: Simulator) -> None:
    """400 in an array for fields that the translation does not know."""

    def unknown(request: Request) -> Reply:
        name = next(
            one for one in ("parallel_tool_calls", "seed", "store", "logit_bias") if one in request.json
        )
        message = f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
        return as_json([{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}], 400)

    sim.refuse(unknown, when=lambda body: {"parallel_tool_calls", "seed", "store", "logit_bias"} & set(body))


@accepted("own-gemini-no-content-under-a-limit", GEMINI, path="/v1beta/openai", model="gemini-2.5-pro")
def _(sim: Simulator) -> None:
    """A small limit is used up by thinking: the message has no content at all."""

    def thought(asked: JSON, answer: JSON) -> JSON:
        if 0 < limit(asked) < 200:
            answer["choices"][0] = {"index": 0, "finish_reason": "length", "message": {"role": "assistant"}}
        return answer

    sim.edit(thought)


@accepted(
    "own-deepseek-role-unknown",
    DEEPSEEK,
    path="",
    capabilities={"developer_message": False, "system_message": True},
)
def _(sim: Simulator) -> None:
    """The role developer is no variant of the schema."""
    message = (
        "Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant "
        "`developer`, expected one of `system`, `user`, `assistant`, `tool`, `latest_reminder` at line 1 "
        "column 103"
    )
    sim.refuse(
        error(400, message, code="invalid_request_error"), when=lambda body: "developer" in roles(body)
    )


@accepted(
    "own-content-only-as-string", DEEPSEEK, path="", capabilities={"vision": False, "tool_calling": True}
)
def _(sim: Simulator) -> None:
    """A list as content is no string."""
    message = (
        "Failed to deserialize the JSON body into the target type: messages[0]: invalid type: sequence, "
        "expected a string at line 1 column 60"
    )
    sim.refuse(
        error(400, message, code="invalid_request_error"),
        when=lambda body: any(isinstance(one["content"], list) for one in body["messages"]),
    )


@accepted(
    "own-content-only-as-list",
    "https://docs.sglang.ai/basic_usage/openai_api_vision.html",
    capabilities={"vision": True},
)
def _(sim: Simulator) -> None:
    """A string as content is no list."""
    detail = {
        "type": "list_type",
        "loc": ["body", "messages", 0, "content"],
        "msg": "Input should be a valid list",
    }
    sim.refuse(
        as_json({"detail": [detail | {"input": "..."}]}, 422),
        when=lambda body: any(isinstance(one["content"], str) for one in body["messages"]),
    )


@accepted("own-limit-has-a-minimum", "https://platform.openai.com/docs/api-reference/responses")
def _(sim: Simulator) -> None:
    """A limit below 64 is refused."""
    message = "Invalid 'max_tokens': integer below minimum value. Expected a value >= 64, but got 16 instead."
    sim.refuse(
        error(400, message, param="max_tokens", code="integer_below_min_value"),
        when=lambda body: 0 < limit(body) < 64,
    )


@accepted("own-limit-is-needed", "https://docs.anthropic.com/en/api/openai-sdk")
def _(sim: Simulator) -> None:
    """A request without max_tokens is refused, and max_completion_tokens is no such."""
    detail = {"type": "missing", "loc": ["body", "max_tokens"], "msg": "Field required"}
    sim.refuse(as_json({"detail": [detail]}, 422), when=lambda body: "max_tokens" not in body)


@accepted(
    "own-tgi-total-too-long",
    "https://huggingface.co/docs/text-generation-inference/",
    capabilities={"streaming": True},
)
def _(sim: Simulator) -> None:
    """422 where prompt and limit are more than the context."""
    message = (
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 1024. Given: 30 `inputs` "
        "tokens and 4096 `max_new_tokens`"
    )
    sim.refuse(
        as_json({"error": message, "error_type": "validation"}, 422), when=lambda body: limit(body) > 990
    )


@accepted(
    "own-stream-only",
    DASHSCOPE,
    path="/compatible-mode/v1",
    model="qwq-plus",
    capabilities={"streaming": True, "tool_calling": True},
)
def _(sim: Simulator) -> None:
    """400 for whatever is not streamed."""
    message = (
        "<400> InternalError.Algo.InvalidParameter: This model only support stream mode, please enable the "
        "stream parameter to access the model. "
    )
    sim.refuse(error(400, message, code="invalid_parameter_error"), when=lambda body: not streamed(body))


@accepted(
    "own-stream-unsupported", OPENAI, model="o1", capabilities={"streaming": False, "tool_calling": True}
)
def _(sim: Simulator) -> None:
    """400 for whatever is streamed."""
    message = (
        "Unsupported value: 'stream' does not support true with this model. Only the default (false) value "
        "is supported."
    )
    sim.refuse(error(400, message, param="stream", code="unsupported_value"), when=streamed)


@accepted(
    "own-stream-needs-verification",
    "https://help.openai.com/en/articles/10910291",
    model="o3",
    capabilities={"streaming": False},
)
def _(sim: Simulator) -> None:
    """400: this organization may not stream this model."""
    message = (
        "Your organization must be verified to stream this model. Please go to: "
        "https://platform.openai.com/settings/organization/general and click on Verify Organization."
    )
    sim.refuse(error(400, message, param="stream", code="unsupported_value"), when=streamed)


@accepted("own-stream-breaks-with-503", "https://www.envoyproxy.io/docs", capabilities={"streaming": None})
def _(sim: Simulator) -> None:
    """A streamed request meets a 503 of the proxy to the end: that tells nothing of streaming."""
    sim.refuse(text(503, "upstream connect error or disconnect/reset before headers"), when=streamed)
    sim.settings |= {"probe_check_seconds": 2.0, "probe_wait_seconds": 0.2}


@accepted("own-stream-first-chunk-is-a-filter", AZURE_FILTER, capabilities={"streaming": True})
def _(sim: Simulator) -> None:
    """The first chunk has no choices and tells of the prompt's filter results; the last has no delta."""

    def azure(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        first = chunks[0] | {"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "model": ""}
        last = [chunk for chunk in chunks if chunk["choices"]][-1]
        del last["choices"][0]["delta"]
        return [first, *chunks]

    sim.edit_stream(azure)


@accepted(
    "own-stream-with-crlf-comments-and-events",
    "https://html.spec.whatwg.org/multipage/server-sent-events.html",
    capabilities={"streaming": True},
)
def _(sim: Simulator) -> None:
    """CRLF, comments, event names, ids and `data:` without a space."""

    def odd(asked: JSON, chunks: list[JSON]) -> Reply:
        events = b"".join(
            b"event: chunk\r\nid: 1\r\ndata:" + json.dumps(one).encode() + b"\r\n\r\n" for one in chunks
        )
        return Reply(200, b": ping\r\n\r\n\r\n" + events + b"data:[DONE]\r\n\r\n", "text/event-stream")

    sim.edit_stream(odd)


@accepted("own-azure-filter-on-every-prompt", AZURE_FILTER, path="/openai/v1", warnings=("prompt_filtered",))
def _(sim: Simulator) -> None:
    """400 content_filter whatever is said."""
    message = (
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
        "Please modify your prompt and retry."
    )
    inner = {
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {"jailbreak": {"filtered": True}},
    }
    refusal = {"message": message, "type": None, "param": "prompt", "code": "content_filter", "status": 400}
    sim.refuse(as_json({"error": refusal | {"innererror": inner}}, 400))


@accepted(
    "own-dashscope-inspection-of-every-prompt",
    DASHSCOPE,
    path="/compatible-mode/v1",
    warnings=("prompt_filtered",),
)
def _(sim: Simulator) -> None:
    """400 data_inspection_failed whatever is said."""
    message = "Input data may contain inappropriate content."
    sim.refuse(error(400, message, kind="data_inspection_failed", code="data_inspection_failed"))


@accepted("own-reasoning-field", OPENROUTER, capabilities={"reasoning": True})
def _(sim: Simulator) -> None:
    """The reasoning is in `reasoning`, as OpenRouter, Groq and newer vLLM have it."""

    def renamed(asked: JSON, message: JSON) -> None:
        message["reasoning"] = message.pop("reasoning_content", None)

    sim.traits(efforts=("low", "medium", "high"))
    sim.edit_message(renamed)


@accepted(
    "own-thinking-part",
    "https://docs.mistral.ai/capabilities/reasoning/",
    model="magistral-medium",
    capabilities={"reasoning": True},
)
def _(sim: Simulator) -> None:
    """The content is a list: a thinking part, then the text."""

    def parts(asked: JSON, message: JSON) -> None:
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "The user wants OK."}]}
        message["content"] = [thinking, {"type": "text", "text": message["content"] or ""}]

    sim.edit_message(parts)


@accepted("own-no-reasoning-anywhere", OPENAI, capabilities={"reasoning": False})
def _(sim: Simulator) -> None:
    """A plain model: reasoning_tokens is 0, and reasoning_effort is refused."""


@accepted(
    "own-tool-call-as-text",
    "https://docs.vllm.ai/en/latest/features/tool_calling.html",
    capabilities={"tool_calling": False},
)
def _(sim: Simulator) -> None:
    """The call stands in the content, since no parser picks it out."""

    def words(calls: list[JSON]) -> str:
        function = calls[0]["function"]
        call = {"name": function["name"], "arguments": json.loads(function["arguments"])}
        return f"<tool_call>\n{json.dumps(call)}\n</tool_call>"

    def as_text(asked: JSON, message: JSON) -> None:
        if calls := message.pop("tool_calls", None):
            message["content"] = words(calls)

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        calls = joined_calls(chunks)
        if not calls:
            return chunks
        said = chunks[0] | {
            "choices": [{"index": 0, "delta": {"content": words(calls)}, "finish_reason": None}]
        }
        return [said, *[chunk for chunk in chunks if not called(chunk)]]

    sim.edit_message(as_text)
    sim.edit_stream(stream)


def called(chunk: JSON) -> list[JSON]:
    """The pieces of calls in a chunk."""
    return [piece for choice in chunk["choices"] for piece in choice["delta"].get("tool_calls") or []]


def joined_calls(chunks: list[JSON]) -> list[JSON]:
    """The calls that the pieces of a stream join to."""
    calls: dict[int, JSON] = {}
    for piece in [one for chunk in chunks for one in called(chunk)]:
        function = calls.setdefault(piece["index"], {"function": {"name": "", "arguments": ""}})["function"]
        function["name"] += piece["function"].get("name") or ""
        function["arguments"] += piece["function"].get("arguments") or ""
    return list(calls.values())


@accepted(
    "own-tool-arguments-are-no-json",
    "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
    capabilities={"tool_calling": False},
)
def _(sim: Simulator) -> None:
    """The arguments of every call are cut off."""

    def broken(asked: JSON, message: JSON) -> None:
        for call in message.get("tool_calls", []):
            call["function"]["arguments"] = '{"city": "Os'

    def stream(asked: JSON, chunks: list[JSON]) -> list[JSON]:
        for piece in [one for chunk in chunks for one in called(chunk)]:
            piece["function"]["arguments"] = piece["function"]["arguments"].replace("}", "")
        return chunks

    sim.edit_message(broken)
    sim.edit_stream(stream)


@accepted("own-tool-calls-that-end-with-stop", OPENROUTER, capabilities={"tool_calling": True})
def _(sim: Simulator) -> None:
    """finish_reason is `stop` beside good calls, and the content is an empty string."""

    def stopped(asked: JSON, answer: JSON) -> JSON:
        for choice in answer["choices"]:
            choice["finish_reason"], choice["message"]["content"] = "stop", choice["message"]["content"] or ""
        return answer

    sim.edit(stopped)


@accepted(
    "own-parallel-calls-refused",
    "https://docs.fireworks.ai/guides/function-calling",
    capabilities={"tool_calling": True},
)
def _(sim: Simulator) -> None:
    """400 where parallel_tool_calls is sent."""
    message = "Extra inputs are not permitted, field: 'parallel_tool_calls', value: True"
    sim.refuse(error(400, message), when=lambda body: "parallel_tool_calls" in body)


@accepted(
    "own-one-call-at-a-time",
    "https://docs.vllm.ai/en/latest/features/tool_calling.html",
    capabilities={"tool_calling": True, "parallel_tool_calls": False},
)
def _(sim: Simulator) -> None:
    """Never more than one call, whatever is asked."""
    sim.traits(parallel_tools=False)


@accepted(
    "own-forced-tool-ignored",
    "https://ollama.com/blog/tool-support",
    capabilities={"tool_calling": True, "tool_choice": False},
)
def _(sim: Simulator) -> None:
    """tool_choice is taken without a word and does nothing."""
    sim.ignore("tool_choice")


@accepted("own-openrouter-no-tools", OPENROUTER, path="/api/v1", capabilities={"tool_calling": False})
def _(sim: Simulator) -> None:
    """404 where tools are sent."""
    message = (
        "No endpoints found that support tool use. To learn more about provider routing, visit: "
        "https://openrouter.ai/docs/provider-routing"
    )
    sim.refuse(
        as_json({"error": {"message": message, "code": 404}}, 404), when=lambda body: body.get("tools")
    )


@accepted("own-openrouter-no-pictures", OPENROUTER, path="/api/v1", capabilities={"vision": False})
def _(sim: Simulator) -> None:
    """404 where a picture is sent."""
    refusal = as_json({"error": {"message": "No endpoints found that support image input", "code": 404}}, 404)
    sim.refuse(refusal, when=has_image)


@accepted(
    "own-vllm-not-multimodal",
    "https://docs.vllm.ai/en/latest/features/multimodal_inputs.html",
    model="Qwen/Qwen3-8B",
    capabilities={"vision": False},
)
def _(sim: Simulator) -> None:
    """400 where a picture is sent."""
    sim.refuse(vllm(400, "Qwen/Qwen3-8B is not a multimodal model"), when=has_image)


@accepted(
    "own-llamacpp-no-mmproj",
    "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
    capabilities={"vision": False},
)
def _(sim: Simulator) -> None:
    """500 where a picture is sent, and it is a refusal of the picture."""
    message = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
    sim.refuse(
        as_json({"error": {"code": 500, "message": message, "type": "server_error"}}, 500), when=has_image
    )


@accepted(
    "own-proxy-limits-the-body",
    "https://nginx.org/en/docs/http/ngx_http_core_module.html#client_max_body_size",
    capabilities={"vision": None},
)
def _(sim: Simulator) -> None:
    """413 of the proxy where a picture is sent: that tells nothing of the model."""
    sim.refuse(html(413, "413 Request Entity Too Large", server="nginx"), when=has_image)


@accepted("own-colours-swapped", OPENAI, capabilities={"vision": False})
def _(sim: Simulator) -> None:
    """The model sees a picture in any request with one, and names other colours than there are."""
    turn = {
        "red": "white",
        "white": "blue",
        "blue": "black",
        "black": "green",
        "green": "yellow",
        "yellow": "red",
    }

    def other(asked: JSON, said: str) -> str:
        if not has_image(asked):
            return said
        return " ".join(_swapped(word, turn) for word in said.split(" "))

    sim.edit_text(other)


def _swapped(word: str, turn: dict[str, str]) -> str:
    for colour, other in turn.items():
        if colour in word:
            return word.replace(colour, other)
    return word


@accepted(
    "own-strict-schemas",
    "https://platform.openai.com/docs/guides/structured-outputs",
    capabilities={"json_schema": True, "strict_tool": True},
)
def _(sim: Simulator) -> None:
    """Strict schemas must close their objects and require every property, as OpenAI wants it."""

    def schemas(body: JSON) -> list[JSON]:
        form = (body.get("response_format") or {}).get("json_schema") or {}
        functions = [tool["function"] for tool in body.get("tools") or []]
        return [form.get("schema")] * bool(form.get("strict")) + [
            one["parameters"] for one in functions if one.get("strict")
        ]

    def loose(body: JSON) -> bool:
        return any(
            one.get("additionalProperties") is not False or set(one["required"]) != set(one["properties"])
            for one in schemas(body)
        )

    message = (
        "Invalid schema for function 'get_weather': In context=(), 'additionalProperties' is required to be "
        "supplied and to be false."
    )
    sim.refuse(error(400, message, param="tools", code="invalid_function_parameters"), when=loose)


@accepted(
    "own-json-object-in-a-fence",
    "https://github.com/ollama/ollama/blob/main/docs/openai.md",
    capabilities={"json_mode": False},
)
def _(sim: Simulator) -> None:
    """JSON comes inside of a code fence."""
    sim.edit_text(lambda asked, said: f"```json\n{said}\n```" if schema_of(asked) == "json_object" else said)


@accepted("own-null-fields-everywhere", OPENAI, capabilities={"streaming": True, "tool_calling": True})
def _(sim: Simulator) -> None:
    """usage, id, created, logprobs and tool_calls are null where there is nothing to say."""

    def nulls(asked: JSON, answer: JSON) -> JSON:
        for choice in answer["choices"]:
            choice["message"] = {"tool_calls": None, "function_call": None} | choice["message"]
        return answer | {"usage": None, "id": None, "created": None, "system_fingerprint": None}

    sim.edit(nulls)


@accepted("own-sampling-not-validated", "https://github.com/ollama/ollama/blob/main/docs/openai.md")
def _(sim: Simulator) -> None:
    """Any temperature is taken."""
    sim.reads(lambda body: body | {"temperature": 1} if "temperature" in body else body)


@accepted(
    "own-responses-missing",
    "https://docs.litellm.ai/docs/response_api",
    capabilities={"responses_api": False},
)
def _(sim: Simulator) -> None:
    """There is no /responses."""
    sim.on("/responses", as_json({"detail": "Not Found"}, 404))


@accepted(
    "own-responses-served",
    "https://platform.openai.com/docs/api-reference/responses",
    capabilities={"responses_api": True},
)
def _(sim: Simulator) -> None:
    """/responses works, with its minimum of 16 tokens."""


@accepted(
    "own-whole-stream-in-one-piece",
    "https://developers.cloudflare.com/workers-ai/",
    capabilities={"streaming": True},
)
def _(sim: Simulator) -> None:
    """The stream is buffered: all events come at once, without a type of content that says so."""
    sim.edit_stream(lambda asked, chunks: sse(*chunks, content_type="application/octet-stream"))


@accepted(
    "own-empty-error-beside-choices",
    "https://github.com/songquanpeng/one-api/blob/main/relay/model/misc.go",
    capabilities={"json_mode": True, "tool_calling": True},
)
def _(sim: Simulator) -> None:
    """Every answer holds an error object of which all fields are empty."""
    empty = {"message": "", "type": "", "param": "", "code": None}
    sim.edit(lambda asked, answer: answer | {"error": empty})


@rejected(
    "own-error-inside-the-choice",
    "https://openrouter.ai/docs/api-reference/errors",
    "quota_exhausted",
    "api_key",
)
def _(sim: Simulator) -> None:
    """200 with a choice that ends in `error` and says in itself why."""
    failure = {"code": 429, "message": "Rate limit exceeded: free-models-per-day. Add 10 credits."}

    def failed(asked: JSON, answer: JSON) -> JSON:
        answer["choices"][0] |= {"finish_reason": "error", "error": failure}
        return answer

    sim.edit(failed)
    sim.reads(lambda body: body | {"stream": False})


@rejected(
    "own-chat-answered-as-a-completion",
    "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    "not_openai_compatible endpoint_error",
    "base_url",
)
def _(sim: Simulator) -> None:
    """The route of chat answers with `text` in its choices, which no chat client reads."""

    def as_text(asked: JSON, answer: JSON) -> JSON:
        choices = [{"index": 0, "text": "OK", "finish_reason": "stop"}]
        return answer | {"object": "text_completion", "choices": choices}

    sim.edit(as_text)
    sim.reads(lambda body: body | {"stream": False})


@rejected(
    "own-chat-message-is-a-string",
    "https://platform.openai.com/docs/api-reference/chat/object",
    "not_openai_compatible endpoint_error",
    "base_url",
)
def _(sim: Simulator) -> None:
    """The message of the choice is a string."""

    def bare(asked: JSON, answer: JSON) -> JSON:
        return answer | {"choices": [{"index": 0, "message": "OK", "finish_reason": "stop"}]}

    sim.edit(bare)
    sim.reads(lambda body: body | {"stream": False})


@accepted(
    "own-frame-of-a-stream-around-json",
    "https://openrouter.ai/docs/api-reference/streaming#additional-information",
)
def _(sim: Simulator) -> None:
    """Comments that hold the connection open come before a whole answer, and `[DONE]` after it."""

    def framed(asked: JSON, answer: JSON) -> Reply:
        body = b": keep-alive\n\n: keep-alive\n\n" + json.dumps(answer).encode() + b"\n\ndata: [DONE]\n\n"
        return Reply(200, body)

    sim.edit(framed)


@accepted(
    "own-only-a-refusal",
    "https://platform.openai.com/docs/guides/structured-outputs#refusals",
    capabilities={"json_mode": None, "tool_calling": None, "vision": None},
)
def _(sim: Simulator) -> None:
    """The model refuses in `refusal`, with no content and no usage."""

    def refusing(asked: JSON, answer: JSON) -> JSON:
        answer["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I can't help."}
        return answer | {"usage": None}

    sim.edit(refusing)


@accepted(
    "own-end-with-its-reason",
    GEMINI,
    warnings=("prompt_filtered",),
    capabilities={"json_mode": None, "tool_calling": None, "vision": None},
)
def _(sim: Simulator) -> None:
    """The filter's end names its reason after a colon."""

    def filtered(asked: JSON, answer: JSON) -> JSON:
        choice = {"index": 0, "finish_reason": "content_filter: PROHIBITED_CONTENT", "message": {}}
        return answer | {"choices": [choice], "usage": None}

    sim.edit(filtered)
