"""Second round: a 5xx speaks for the server (rule 1), and a filter proof needs a filter (rule 2)."""

from __future__ import annotations

from typing import Any

from app.practice.wire import Reply, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.own import briefly
from tests.endpoints.replies import text
from tests.endpoints.second import accepted, rejected

JSON = Any
OWN = "endpoint_error model_unavailable"
"""The server's own trouble, about the model or not."""
EMBED, HEARING = "/embeddings", "/audio/transcriptions"
LITELLM = "https://github.com/BerriAI/litellm/"


def litellm(status: int, message: str, kind: str | None = None) -> Reply:
    """An error as LiteLLM's proxy wraps its upstream's."""
    return as_json({"error": {"message": message, "type": kind, "param": None, "code": str(status)}}, status)


def refuse_all(sim: Simulator, reply: Reply, path: str = "/chat/completions") -> None:
    """This reply to every call of the route, and a short patience for what does not come."""
    sim.refuse(reply, path=path)
    briefly(sim)


@rejected(
    "r01-no-padding-token",
    "https://github.com/xorbitsai/inference/issues/388",
    OWN,
    kind="embedding",
    model="llama-2-chat",
    shows="padding token",
)
def _(sim: Simulator) -> None:
    """Xinference: 500 in the vocabulary of tokenizers."""
    detail = (
        "[address=127.0.0.1:35477, pid=951303] Asking to pad but the tokenizer does not have a padding "
        "token. Please select a token to use as `pad_token` `(tokenizer.pad_token = tokenizer.eos_token "
        "e.g.)` or add a new pad token via `tokenizer.add_special_tokens({'pad_token': '[PAD]'})`."
    )
    refuse_all(sim, as_json({"detail": detail}, 500), EMBED)


@rejected(
    "r01-temporary-file-denied",
    "https://github.com/xorbitsai/inference/issues/3174",
    OWN,
    kind="stt",
    model="SenseVoiceSmall",
    shows="Permission denied",
)
def _(sim: Simulator) -> None:
    """Xinference on Windows: ffmpeg may not read the server's own temporary file."""
    detail = (
        "[address=0.0.0.0:52731, pid=18824] Failed to load audio: [in#0 @ 000002a1f20c4c40] Error opening "
        "input: Permission denied\nError opening input file C:\\Users\\ADMINI~1\\AppData\\Local\\Temp\\"
        "tmpshw_9716."
    )
    refuse_all(sim, as_json({"detail": detail}, 500), HEARING)


@rejected(
    "r01-too-many-open-files",
    "https://github.com/chatchat-space/Langchain-Chatchat/issues/5267",
    OWN,
    shows="Too many open files",
)
def _(sim: Simulator) -> None:
    """500: the server ran out of file descriptors."""
    message = "[Errno 24] Too many open files: '/home/oem/service/ai/chatchat_data/kb_settings.yaml'"
    refuse_all(sim, as_json({"error": message}, 500))


@rejected(
    "r01-gateways-role-denied",
    LITELLM + "issues/33094",
    OWN,
    model="bedrock-gpt-oss",
    shows="is not authorized to perform",
)
def _(sim: Simulator) -> None:
    """LiteLLM: 500 that quotes the cloud's denial of the gateway's own role."""
    quoted = (
        '{"error":{"code":"access_denied","message":"User: arn:aws:sts::123456789012:assumed-role/gateway/'
        "litellm-session is not authorized to perform: bedrock-mantle:CreateInference on resource: "
        "arn:aws:bedrock-mantle:us-east-1:123456789012:project/default because no session policy allows the "
        'bedrock-mantle:CreateInference action","param":null,"type":"permission_denied_error"}}'
    )
    refuse_all(sim, litellm(500, f"litellm.APIConnectionError: Bedrock_mantleException - {quoted}"))


@rejected(
    "r01-marketplace-subscription",
    "https://github.com/ministryofjustice/modernisation-platform-environments/pull/18323",
    OWN,
    model="claude-sonnet",
    shows="Model access is denied",
)
def _(sim: Simulator) -> None:
    """LiteLLM: 500 that quotes what the gateway's role lacks at the marketplace."""
    quoted = (
        '{"message":"Model access is denied due to IAM user or service role is not authorized to perform the '
        "required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to "
        'enable access to this model. If you recently fixed this issue, try again after 5 minutes."}'
    )
    refuse_all(sim, litellm(500, f"litellm.APIConnectionError: BedrockException - {quoted}"))


@rejected(
    "r01-engine-gone",
    "https://github.com/Neroued/ninfer/issues/166",
    OWN,
    model="qwen3-30b",
    shows="inference engine is unavailable",
)
def _(sim: Simulator) -> None:
    """ninfer: its engine ended, and every request gets 503 until someone restarts it."""
    refuse_all(
        sim, error(503, "inference engine is unavailable", kind="server_error", code="service_unavailable")
    )


@rejected(
    "r01-403-about-the-caller",
    LITELLM + "pull/39166",
    "permission_denied model_unavailable",
    model="bedrock-haiku",
    shows="no identity-based policy",
)
def _(sim: Simulator) -> None:
    """Looks the same as a quoted denial in a 500, but LiteLLM hands it on as the 403 that it is."""
    quoted = (
        '{"Message":"User: arn:aws:iam::123456789012:user/litellm-proxy is not authorized to perform: '
        "bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
        "us.anthropic.claude-haiku-4-5 because no identity-based policy allows the bedrock:InvokeModel "
        'action"}'
    )
    sim.refuse(litellm(403, f"litellm.PermissionDeniedError: BedrockException - {quoted}"))


@rejected(
    "r01-500-about-the-callers-key",
    "https://github.com/vllm-project/aibrix/issues/671",
    "invalid_credentials",
    "api_key",
    shows="invalid_api_key",
)
def _(sim: Simulator) -> None:
    """AIBrix passes the engine's refusal of a key on as a 500; here with the API's own code for it."""
    sim.every(
        error(500, "Unauthorized: invalid API key", kind="authentication_error", code="invalid_api_key")
    )


@rejected(
    "r01-503-about-the-callers-balance",
    "https://github.com/songquanpeng/one-api/issues/1270",
    "quota_exhausted",
    "api_key",
    shows="insufficient_user_quota",
)
def _(sim: Simulator) -> None:
    """A 503 whose code says that the caller's own balance is used up."""
    message = "用户额度不足, 剩余额度: ＄0.000000 (request id: 2025060112)"
    sim.refuse(error(503, message, kind="new_api_error", code="insufficient_user_quota"))


@rejected(
    "r02-guard-does-not-answer",
    "https://github.com/Portkey-AI/gateway/issues/1003",
    "endpoint_error model_unavailable",
    shows="hooks_failed",
)
def _(sim: Simulator) -> None:
    """Portkey: every request is denied because the guard itself answers 500; nothing was judged."""
    guard = {"name": "HttpError", "message": "HTTP error! status: 500"}
    check = {"data": None, "verdict": False, "id": "acuvity.scan", "error": guard, "execution_time": 625}
    sim.refuse(portkey_hooks(check))
    briefly(sim)


def portkey_hooks(check: JSON) -> Reply:
    """446, as Portkey answers where a check of a guardrail denies a request."""
    message = (
        "The guardrail checks defined in the config failed. You can find more information in the "
        "`hook_results` object."
    )
    hook = {"verdict": False, "id": "guard-1", "deny": True, "checks": [check]}
    results = {"before_request_hooks": [hook], "after_request_hooks": []}
    failure = {"message": message, "type": "hooks_failed", "param": None, "code": None}
    return as_json({"error": failure, "hook_results": results}, 446)


@accepted(
    "r02-guard-judged-the-prompt",
    "https://portkey.ai/docs/product/guardrails",
    warnings="prompt_filtered",
    shows="blocked by the content filter",
)
def _(sim: Simulator) -> None:
    """Portkey with the same status: this time a check looked at the prompt and says so."""
    explanation = "The prompt was blocked by the content filter: it was flagged as inappropriate content."
    check = {"data": {"explanation": explanation}, "verdict": False, "id": "default.contentFilter"}
    sim.refuse(portkey_hooks(check))


@rejected(
    "r02-guardrail-does-not-exist",
    "https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-converse-api.html",
    "endpoint_error model_unavailable permission_denied",
    shows="guardrail identifier",
)
def _(sim: Simulator) -> None:
    """Bedrock behind a gateway: the guardrail that the gateway names is not there."""
    message = (
        'litellm.BadRequestError: BedrockException - {"message":"The guardrail identifier or version '
        'provided in the request does not exist."}'
    )
    sim.refuse(litellm(400, message))


@rejected(
    "r02-blocked-by-the-scheduler",
    "https://github.com/llm-d/llm-d-router/pull/1751",
    OWN,
    shows="blocked by admission control",
)
def _(sim: Simulator) -> None:
    """503 of a scheduler: blocked is what happened to the request for want of room."""
    message = (
        "inference error: ServiceUnavailable - request blocked by admission control: no endpoints in pool"
    )
    refuse_all(sim, text(503, message, x_llm_d_request_dropped_reason="rejected-no-endpoints"))


@rejected(
    "r02-no-guard-is-set-up",
    LITELLM + "issues/13844",
    "endpoint_error model_unavailable",
    shows="guardrails_ai-guard",
)
def _(sim: Simulator) -> None:
    """LiteLLM: a guardrail that is on by default can't be reached, so nothing is let through."""
    message = (
        "Guardrail raised an exception. Guardrail: guardrails_ai-guard, Mode: pre_call. Cannot connect to "
        "host guardrails:8000 ssl:default [Connect call failed ('10.0.0.7', 8000)]"
    )
    refuse_all(sim, litellm(500, message, "internal_server_error"))
