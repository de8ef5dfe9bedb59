"""Field reports about chat requests: which shapes are refused, which are read in another way."""

from __future__ import annotations

from typing import Any

from app.practice.mind import tokens
from app.practice.wire import Reply, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import roles, text, vllm
from tests.endpoints.reports import report

JSON = Any
MISTRAL_FIELDS = frozenset(
    "model messages temperature top_p max_tokens stream stop random_seed response_format tools tool_choice "
    "n presence_penalty frequency_penalty parallel_tool_calls prediction prompt_mode safe_prompt "
    "metadata".split()
)
MAX_TOKENS = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)


def with_system(body: JSON) -> bool:
    """Whether there is a system or developer message."""
    return bool({"system", "developer"} & set(roles(body)))


def limit(body: JSON) -> int:
    """The token limit asked for, 0 where there is none."""
    return body.get("max_completion_tokens") or body.get("max_tokens") or 0


def prompt_tokens(body: JSON) -> int:
    """Roughly what the messages take."""
    return len(tokens(str([message.get("content") for message in body["messages"]])))


@report("lorax-424-roles-must-alternate")
def _(sim: Simulator) -> None:
    message = (
        "Request failed during generation: Server error: Conversation roles must alternate "
        "user/assistant/user/assistant/..."
    )
    sim.refuse(as_json({"error": message, "error_type": "generation"}, 424), when=with_system)


@report("system-role-500-no-body")
def _(sim: Simulator) -> None:
    sim.refuse(text(500, "Internal Server Error"), when=with_system)


@report("openai-o1-system-role-unsupported")
def _(sim: Simulator) -> None:
    def refusal(request: Any) -> Reply:
        at, role = next((at, one) for at, one in enumerate(roles(request.json)) if one != "user")
        param = f"messages[{at}].role"
        message = f"Unsupported value: '{param}' does not support '{role}' with this model."
        return error(400, message, param=param, code="unsupported_value")

    sim.refuse(refusal, when=with_system)


@report("mistral-extra-forbidden-unrelated-field")
def _(sim: Simulator) -> None:
    def refusal(request: Any) -> Reply:
        extra = [name for name in request.json if name not in MISTRAL_FIELDS]
        detail = [
            {
                "type": "extra_forbidden",
                "loc": ["body", name],
                "msg": "Extra inputs are not permitted",
                "input": request.json[name],
            }
            for name in extra
        ]
        return as_json({"detail": detail}, 422)

    sim.refuse(refusal, when=lambda body: set(body) - MISTRAL_FIELDS)


@report("mistral-stream-options-422-nested")
def _(sim: Simulator) -> None:
    detail = {
        "type": "extra_forbidden",
        "loc": ["body", "stream_options", "include_usage"],
        "msg": "Extra inputs are not permitted",
        "input": True,
    }
    refusal = {"object": "error", "message": {"detail": [detail]}, "type": "invalid_request_error"}
    sim.refuse(
        as_json(refusal | {"param": None, "code": None}, 422), when=lambda body: body.get("stream_options")
    )


@report("groq-stream-options-400")
def _(sim: Simulator) -> None:
    message = "property 'stream_options' is unsupported, did you mean 'stream'?"
    refusal = as_json({"error": {"message": message, "type": "invalid_request_error"}}, 400)
    sim.refuse(refusal, when=lambda body: "stream_options" in body)


@report("openai-temperature-only-default")
def _(sim: Simulator) -> None:
    def refusal(request: Any) -> Reply:
        message = (
            f"Unsupported value: 'temperature' does not support {request.json['temperature']} with this "
            "model. "
            "Only the default (1) value is supported."
        )
        return error(400, message, param="temperature", code="unsupported_value")

    sim.refuse(refusal, when=lambda body: body.get("temperature", 1) != 1)


@report("kimi-temperature-fixed-value")
def _(sim: Simulator) -> None:
    message = "invalid temperature: only 0.6 is allowed for this model"
    refusal = as_json({"error": {"message": message, "type": "invalid_request_error"}}, 400)
    sim.refuse(refusal, when=lambda body: body.get("temperature", 0.6) != 0.6)


@report("openai-max-tokens-unsupported")
def _(sim: Simulator) -> None:
    refusal = error(400, MAX_TOKENS, param="max_tokens", code="unsupported_parameter")
    sim.refuse(refusal, when=lambda body: "max_tokens" in body)


@report("copilot-max-tokens-unsupported-no-param-field")
def _(sim: Simulator) -> None:
    refusal = as_json({"error": {"message": MAX_TOKENS, "code": "invalid_request_body"}}, 400)
    sim.refuse(refusal, when=lambda body: "max_tokens" in body)


@report("strict-pydantic-400-extra-forbidden-list-as-string")
def _(sim: Simulator) -> None:
    def refusal(request: Any) -> Reply:
        message = (
            "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), "
            f"'msg': 'Extra inputs are not permitted', 'input': {request.json['max_completion_tokens']}}}]"
        )
        return vllm(400, message)

    sim.refuse(refusal, when=lambda body: "max_completion_tokens" in body)


@report("small-context-max-tokens-too-large")
def _(sim: Simulator) -> None:
    def refusal(request: Any) -> Reply:
        asked, used = limit(request.json), prompt_tokens(request.json)
        message = (
            f"'max_tokens' or 'max_completion_tokens' is too large: {asked}. This model's maximum context "
            f"length is 2048 tokens and your request has {used} input tokens ({asked} > 2048 - {used})."
        )
        return vllm(400, message)

    sim.traits(context_length=2048)
    sim.refuse(refusal, when=lambda body: limit(body) + prompt_tokens(body) > 2048)


@report("groq-413-tpm-reservation")
def _(sim: Simulator) -> None:
    def refusal(request: Any) -> Reply:
        requested = limit(request.json) + prompt_tokens(request.json)
        message = (
            "Request too large for model llama-3.1-8b-instant in organization org_x service tier on_demand "
            "on tokens "
            f"per minute (TPM): Limit 6000, Requested {requested}, please reduce your message size and try "
            "again. "
            "Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing"
        )
        return error(413, message, kind="tokens", code="rate_limit_exceeded")

    sim.refuse(refusal, when=lambda body: limit(body) + prompt_tokens(body) > 6000)


@report("dashscope-empty-tools-array")
def _(sim: Simulator) -> None:
    sim.refuse(error(400, "[] is too short - 'tools'"), when=lambda body: body.get("tools") == [])
