"""Own behaviours: reports of 2026 and what new servers and gateways say, by their own sources."""

from __future__ import annotations

import json
from typing import Any

from app.practice.wire import Reply, as_json, error, event
from tests.endpoints.base import Simulator
from tests.endpoints.own import accepted, rejected
from tests.endpoints.replies import roles, vllm

JSON = Any
ZAI = "https://docs.z.ai/api-reference/api-code"
BEDROCK = "https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html"
XML_CALL = (
    "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n</function>\n</tool_call>"
)
REFUSALS: tuple[tuple[str, str, str, str, str, int, JSON], ...] = (
    (
        "legacy-protocol",
        "https://github.com/Wei-Shaw/sub2api/issues/885",
        "chat",
        "wrong_model_type",
        "model_type",
        400,
        {
            "error": {
                "type": "invalid_request_error",
                "message": "Unsupported legacy protocol: /v1/chat/completions is not supported. "
                "Please use /v1/responses.",
            }
        },
    ),
    (
        "responses-only",
        "https://github.com/pgadmin-org/pgadmin4/issues/9795",
        "chat",
        "wrong_model_type",
        "model_type",
        404,
        {
            "error": {
                "message": "This model is only supported in v1/responses and not in v1/chat/completions.",
                "type": "invalid_request_error",
                "param": "model",
                "code": None,
            }
        },
    ),
    (
        "window-of-five-hours",
        ZAI,
        "chat",
        "quota_exhausted rate_limited",
        "api_key",
        429,
        {
            "error": {
                "code": "1308",
                "message": "Usage limit reached for 5 hour. Your limit will reset at 2026-11-29 03:12:44",
            }
        },
    ),
    (
        "weekly-window",
        ZAI,
        "chat",
        "quota_exhausted",
        "api_key",
        429,
        {
            "error": {
                "code": "1310",
                "message": "Weekly/Monthly Limit Exhausted. Your limit will reset at 2026-12-02 10:00:00",
            }
        },
    ),
    (
        "no-resource-package",
        ZAI,
        "chat",
        "quota_exhausted",
        "api_key",
        429,
        {
            "error": {
                "code": "1113",
                "message": "Insufficient balance or no resource package. Please recharge.",
            }
        },
    ),
    (
        "plan-without-this-model",
        ZAI,
        "chat",
        "permission_denied",
        "model_id api_key",
        429,
        {
            "error": {
                "code": "1311",
                "message": "The current subscription plan does not yet include access to GLM-5-Turbo",
            }
        },
    ),
    (
        "key-limit-of-a-router",
        "https://github.com/Kilo-Org/kilocode/issues/2072",
        "chat",
        "quota_exhausted",
        "api_key",
        403,
        {
            "error": {
                "message": "Key limit exceeded (total limit). Manage it using "
                "https://openrouter.ai/settings/keys",
                "code": 403,
            }
        },
    ),
    (
        "rule-of-a-gateway",
        "https://github.com/theopenco/llmgateway/pull/909",
        "chat",
        "permission_denied",
        "model_id api_key",
        403,
        {
            "error": True,
            "status": 403,
            "message": "Access denied: Model m1 is not in the allowed models list. Adapt your LLMGateway API "
            "key IAM permissions in the dashboard or contact your LLMGateway API Key issuer. (Rule ID: "
            "8hd2k)",
        },
    ),
    (
        "key-expired-in-quotes",
        "https://github.com/continuedev/continue/issues/11336",
        "chat",
        "invalid_credentials",
        "api_key",
        400,
        {
            "error": {
                "message": json.dumps(
                    {
                        "error": {
                            "code": 400,
                            "message": "API key expired. Please renew the API key.",
                            "status": "INVALID_ARGUMENT",
                            "details": [{"reason": "API_KEY_INVALID", "domain": "googleapis.com"}],
                        }
                    },
                    indent=2,
                ),
                "code": 400,
                "status": "Bad Request",
            }
        },
    ),
    (
        "end-of-life",
        "https://github.com/anomalyco/models.dev/pull/3146",
        "chat",
        "model_not_found",
        "model_id",
        410,
        {
            "status": 410,
            "title": "Gone",
            "detail": "The model 'm1' has reached its end of life on 2026-07-07T00:00:00Z and is no longer "
            "available.",
        },
    ),
    (
        "removed-on-a-day",
        "https://github.com/janhq/jan/issues/6595",
        "chat",
        "model_not_found",
        "model_id",
        404,
        {
            "id": "6a1d",
            "message": "model 'm1' was removed on September 15, 2025. See "
            "https://docs.cohere.com/docs/models "
            "for other available models.",
        },
    ),
    (
        "deprecated-since",
        "https://github.com/Azure-Samples/contoso-chat/issues/249",
        "chat",
        "model_not_found",
        "model_id",
        400,
        {
            "error": {
                "code": "ServiceModelDeprecated",
                "message": "The model 'Format:OpenAI,Name:m1,Version:0613' has been deprecated since "
                "02/13/2025 "
                "00:00:00.",
            }
        },
    ),
    (
        "no-route-of-a-gateway-for-the-model",
        "https://aigateway.envoyproxy.io/docs/capabilities/llm-integrations/connect-providers",
        "chat",
        "model_not_found",
        "model_id",
        404,
        {
            "type": "error",
            "error": {
                "type": "InvalidRequest",
                "code": "404",
                "message": "No matching route found. It is likely because the model specified in your "
                "request "
                "is not configured in the Gateway.",
            },
        },
    ),
    (
        "on-demand-is-not-supported",
        BEDROCK,
        "chat",
        "model_not_found permission_denied model_unavailable",
        "model_id",
        400,
        {
            "message": "Invocation of model ID m1 with on-demand throughput isn’t supported. Retry your "
            "request "
            "with the ID or ARN of an inference profile that contains this model."
        },
    ),
    (
        "marketplace-rights",
        BEDROCK,
        "chat",
        "permission_denied",
        "model_id api_key",
        403,
        {
            "message": "Model access is denied due to IAM user or service role is not authorized to "
            "perform the "
            "required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, "
            "aws-marketplace:Subscribe) to "
            "enable access to this model. Refer to the Amazon Bedrock documentation for further details."
        },
    ),
    (
        "no-enabled-provider",
        "https://huggingface.co/docs/inference-providers/index",
        "chat",
        "model_not_found permission_denied",
        "model_id",
        400,
        {
            "error": {
                "message": "The requested model 'm1' is not supported by any provider you have enabled.",
                "type": "invalid_request_error",
                "param": "model",
                "code": "model_not_supported",
            }
        },
    ),
    (
        "wants-an-endpoint-of-its-own",
        "https://docs.together.ai/docs/error-codes",
        "chat",
        "model_not_found model_unavailable permission_denied",
        "model_id",
        400,
        {
            "error": {
                "message": "Unable to access non-serverless model m1. Please visit "
                "https://api.together.ai/models/m1 to create and start a new dedicated endpoint for the "
                "model.",
                "type": "invalid_request_error",
                "param": None,
                "code": "model_not_available",
            }
        },
    ),
    (
        "not-for-this-integrator",
        "https://docs.github.com/en/copilot/reference/ai-models/supported-models",
        "chat",
        "permission_denied model_not_found",
        "model_id api_key",
        400,
        {
            "error": {
                "message": 'The requested model is not available for integrator "vscode-chat". '
                "Available models "
                "can be accessed by calling the /models API.",
                "code": "model_not_available_for_integrator",
                "param": "model",
                "type": "invalid_request_error",
            }
        },
    ),
    (
        "subscription-of-a-cloud",
        "https://docs.ollama.com/cloud",
        "chat",
        "permission_denied",
        "model_id api_key",
        403,
        {
            "error": "this model requires a subscription, upgrade for access: "
            "https://ollama.com/upgrade (ref: 9f)"
        },
    ),
    (
        "an-engine-asleep",
        "https://docs.vllm.ai/en/latest/features/sleep_mode.html",
        "chat",
        "model_unavailable",
        "model_id",
        503,
        {"error": {"message": "The engine is sleeping. Call /wake_up first.", "type": "ServiceUnavailable"}},
    ),
    (
        "loaded-by-hand-only",
        "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        "chat",
        "model_unavailable",
        "model_id",
        400,
        {"error": {"code": 400, "message": "model is not loaded", "type": "invalid_request_error"}},
    ),
    (
        "not-downloaded",
        "https://lemonade-server.ai/docs/server/server_spec/",
        "chat",
        "model_not_found model_unavailable",
        "model_id",
        404,
        {
            "error": {
                "message": "Model m1 has not been downloaded. Please run the pull command first.",
                "type": "model_not_found",
            }
        },
    ),
    (
        "skus-and-regions",
        "https://github.com/Azure/azure-dev/issues/8110",
        "chat",
        "model_not_found model_unavailable permission_denied",
        "model_id",
        400,
        {
            "error": {
                "code": "InvalidResourceProperties",
                "message": "The specified SKU 'GlobalStandard' for model 'm1 2025-04-14' is not supported in "
                "this region 'eastus2'.",
            }
        },
    ),
    (
        "asked-at-the-codex-backend",
        "https://github.com/BerriAI/litellm/issues/27175",
        "chat",
        "model_not_found permission_denied",
        "model_id api_key",
        400,
        {"detail": "The 'm1' model is not supported when using Codex with a ChatGPT account."},
    ),
    (
        "a-socket-behind-the-path",
        "https://github.com/anomalyco/opencode/issues/22164",
        "chat",
        "endpoint_error",
        "base_url",
        426,
        {"error": "Upgrade Required"},
    ),
    (
        "a-backend-that-fails",
        "https://huggingface.github.io/text-embeddings-inference/",
        "embedding",
        "model_unavailable endpoint_error",
        "model_id base_url",
        424,
        {"message": "Inference error: channel closed", "type": "Backend"},
    ),
)


def refusing(status: int, body: JSON, kind: str) -> Any:
    """An endpoint that answers every call but its list of models so."""

    def change(sim: Simulator) -> None:
        """Every call but the list of models is refused in these words."""
        sim.every(as_json(body, status), lambda request: not request.path.endswith("/models"))
        sim.settings |= {"probe_seconds": 3.0, "probe_wait_seconds": 0.2}

    return change


for _name, _source, _kind, _code, _field, _status, _body in REFUSALS:
    rejected(f"own-later-{_name}", _source, _code, _field, kind=_kind)(refusing(_status, _body, _kind))


def with_tools(body: JSON) -> bool:
    """Whether functions are offered."""
    return bool(body.get("tools"))


@accepted(
    "own-later-tools-at-responses-only",
    "https://github.com/Gitlawb/openclaude/issues/1957",
    model="gpt-5.6-terra",
    capabilities={"tool_calling": False, "json_mode": True},
)
def _(sim: Simulator) -> None:
    """Functions are refused on this route, and the words send to another one."""
    words = "Function tools are not supported in /v1/chat/completions. Please use /v1/responses instead."
    sim.refuse(error(400, words), when=with_tools)


@accepted(
    "own-later-error-after-the-first-words",
    "https://github.com/BerriAI/litellm/pull/39748",
    capabilities={"streaming": False, "json_mode": True},
)
def _(sim: Simulator) -> None:
    """A stream begins with words, ends with an error, and never says that it is done."""
    failed = event({"error": {"message": "Upstream stream was interrupted", "type": None, "code": "500"}})

    def cut(body: JSON, chunks: list[JSON]) -> Reply:
        begun = b"".join(event(chunk) for chunk in chunks[:3])
        return Reply(200, begun + failed, "text/event-stream")

    sim.edit_stream(cut)


@accepted(
    "own-later-calls-as-xml",
    "https://github.com/lablup/mlxcel/issues/204",
    model="Qwen3-Coder-30B-A3B-Instruct-8bit",
    capabilities={"tool_calling": False, "tool_choice": False, "parallel_tool_calls": False},
)
def _(sim: Simulator) -> None:
    """No parser fits the model: its calls come as text between marks."""

    def as_text(body: JSON, message: JSON) -> None:
        if message.pop("tool_calls", None):
            message["content"] = XML_CALL

    sim.reads(lambda body: body | {"stream": False})
    sim.edit_message(as_text)


@accepted(
    "own-later-forced-calls-come-to-nothing",
    "https://github.com/vllm-project/vllm/issues/39056",
    model="Qwen/Qwen3.5-27B",
    capabilities={"tool_calling": True, "tool_choice": False},
)
def _(sim: Simulator) -> None:
    """A forced call is read as JSON and the model writes XML: an empty list comes; a free one works."""

    def emptied(body: JSON, message: JSON) -> None:
        if isinstance(body.get("tool_choice"), dict) or body.get("tool_choice") == "required":
            message.update(content="", tool_calls=[])

    sim.edit_message(emptied)


@accepted(
    "own-later-arguments-want-to-be-a-mapping",
    "https://github.com/NotPunchnox/rkllama/pull/168",
    model="Qwen3.5-4B",
    capabilities={"tool_calling": True, "tool_results": False},
)
def _(sim: Simulator) -> None:
    """The template walks over the arguments of a call that goes back, which are a string, as they must be."""
    failed = as_json({"error": "Can only get item pairs from a mapping."}, 500)
    sim.refuse(failed, when=lambda body: "tool" in roles(body))


@accepted(
    "own-later-answers-among-the-thoughts",
    "https://github.com/sgl-project/sglang/issues/37645",
    model="GLM-5.2",
    capabilities={"json_mode": False, "system_message": False},
)
def _(sim: Simulator) -> None:
    """The whole answer stands in reasoning_content, the content is empty, and the end is a stop."""

    def moved(body: JSON, message: JSON) -> None:
        if message.get("content"):
            message.update(reasoning_content=message["content"], content="")

    sim.reads(lambda body: body | {"stream": False})
    sim.edit_message(moved)


@accepted(
    "own-later-no-limit-may-be-sent",
    "https://github.com/Wei-Shaw/sub2api/issues/3954",
    model="gpt-5.6-sol",
    capabilities={"tool_calling": True},
)
def _(sim: Simulator) -> None:
    """A gateway calls the limit otherwise behind itself, and there it is refused by that name."""
    words = as_json({"detail": "Unsupported parameter: max_output_tokens"}, 400)
    sim.refuse(words, when=lambda body: "max_tokens" in body or "max_completion_tokens" in body)


@accepted(
    "own-later-a-refusal-in-brackets",
    "https://github.com/decolua/9router/issues/846",
    model="openai/gpt-5.4",
    capabilities={"max_completion_tokens": True},
)
def _(sim: Simulator) -> None:
    """The vendor's refusal of max_tokens is repeated as JSON in the words of the gateway."""
    inner = error(
        400,
        "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        param="max_tokens",
        code="unsupported_parameter",
    )
    words = f"[openai/gpt-5.4] [400]: {json.dumps(inner.json, indent=2)} (reset after 30s)"
    sim.refuse(as_json({"error": {"message": words}}, 400), when=lambda body: "max_tokens" in body)


@accepted(
    "own-later-a-parameter-of-no-ollama",
    "https://docs.litellm.ai/docs/completion/drop_params",
    model="ollama/llama3.2",
    capabilities={"tool_calling": True, "tool_choice": False},
)
def _(sim: Simulator) -> None:
    """LiteLLM knows that what is behind it takes no tool_choice."""
    words = (
        "litellm.UnsupportedParamsError: ollama does not support parameters: ['tool_choice'], for "
        "model=llama3.2. To drop these, set `litellm.drop_params=True` or for proxy: "
        "`litellm_settings: drop_params: true`"
    )
    sim.refuse(error(400, words), when=lambda body: "tool_choice" in body)


@accepted(
    "own-later-shorter-vectors-are-refused",
    "https://github.com/QwenLM/Qwen3-Embedding/issues/188",
    model="Qwen3-Embedding-0.6B",
    kind="embedding",
)
def _(sim: Simulator) -> None:
    """vLLM refuses `dimensions` for a model that does not say that it can shorten its vectors."""
    words = (
        'Model "Qwen3-Embedding-0.6B" does not support matryoshka representation, changing output '
        "dimensions will lead to poor results."
    )
    sim.refuse(vllm(400, words), when=lambda body: "dimensions" in body)


@accepted(
    "own-later-scores-by-another-name",
    "https://github.com/AlibabaCloudDocs/aliyun_acp_learning/issues/35",
    model="qwen3-rerank",
    kind="rerank",
)
def _(sim: Simulator) -> None:
    """The scores of a reranker are called `score`."""

    def renamed(body: JSON, answer: JSON) -> JSON:
        results = [{"index": one["index"], "score": one["relevance_score"]} for one in answer["results"]]
        return {"object": "rerank", "results": results}

    sim.edit(renamed, path="/rerank")
