"""Second round: one model's fault (rule 7), stated allowed values (10), quotas of nought (11)."""

from __future__ import annotations

from typing import Any

from app.practice.models import Model
from app.practice.wire import Reply, Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.now_and_then import at_first
from tests.endpoints.own import briefly
from tests.endpoints.replies import text
from tests.endpoints.second import accepted, rejected

JSON = Any
ONE_MODEL = "permission_denied model_unavailable model_not_found"


def only_this_one(sim: Simulator, reply: Reply, other: str) -> None:
    """Refuse the typed model only; another one of the catalog answers."""
    sim.serve_also(Model(other))
    sim.refuse(reply, lambda body: body.get("model") == sim.model_id)


@rejected(
    "r07-verified-account",
    "https://github.com/neondatabase/website/pull/5567",
    "permission_denied model_unavailable",
    "model_id",
    model="claude-opus-4-8",
    shows="requires a verified account",
)
def _(sim: Simulator) -> None:
    """Neon's gateway: 403 for some of the listed models until the account is verified."""
    only_this_one(sim, as_json({"error": "model requires a verified account"}, 403), "llama-4-maverick")


@rejected(
    "r07-terms-to-accept",
    "https://console.groq.com/docs/text-to-speech",
    "permission_denied model_unavailable",
    "model_id",
    path="/openai/v1",
    model="meta-llama/llama-prompt-guard",
    shows="model_terms_required",
)
def _(sim: Simulator) -> None:
    """Groq: a listed model whose terms nobody of the organization has accepted."""
    message = (
        f"The model `{sim.model_id}` requires terms acceptance. Please have the org admin accept the terms "
        f"at https://console.groq.com/playground?model={sim.model_id}"
    )
    only_this_one(sim, error(400, message, code="model_terms_required"), "llama-3.1-8b-instant")


@rejected(
    "r07-function-of-another-account",
    "https://docs.api.nvidia.com/nim/reference/llm-apis",
    ONE_MODEL,
    "model_id",
    model="nvidia/nemotron-4-340b-instruct",
    shows="Not found for account",
)
def _(sim: Simulator) -> None:
    """NVIDIA's API: the catalog lists models behind which this account has no function."""
    detail = "Function '2f1a5d2c-3b0e': Not found for account 'hQ7x'"
    refusal = as_json({"status": 404, "title": "Not Found", "detail": detail}, 404)
    only_this_one(sim, refusal, "meta/llama-3.3-70b-instruct")


@rejected(
    "r07-not-in-this-region",
    "https://docs.snowflake.com/en/user-guide/snowflake-cortex/cross-region-inference",
    ONE_MODEL,
    "model_id",
    path="/api/v2/cortex/v1",
    model="claude-4-opus",
    shows="CORTEX_ENABLED_CROSS_REGION",
)
def _(sim: Simulator) -> None:
    """Snowflake: a listed model that the account's region does not serve."""
    message = (
        f"The model {sim.model_id} is not allowed to run in your region. Set CORTEX_ENABLED_CROSS_REGION to "
        "use it."
    )
    only_this_one(sim, as_json({"message": message, "error_code": "100351"}, 400), "llama3.1-70b")


@rejected(
    "r07-every-model-is-refused",
    "https://cloud.ibm.com/apidocs/watsonx-ai",
    "endpoint_error not_openai_compatible",
    "base_url",
    model="ibm/granite-4-h-small",
    shows="space_id or project_id",
)
def _(sim: Simulator) -> None:
    """watsonx: whatever the model, a field of its own is missing; the typed model is not at fault."""
    failure = {
        "code": "invalid_request_entity",
        "message": "Missing either space_id or project_id or wml_instance_crn",
    }
    sim.serve_also(Model("meta-llama/llama-3-3-70b-instruct"))
    sim.refuse(as_json({"errors": [failure], "trace": "5b1c", "status_code": 400}, 400))


@rejected(
    "r10-literal-of-a-schema",
    "https://docs.pydantic.dev/latest/errors/validation_errors/#literal_error",
    "model_not_found",
    "model_id",
    model="qwen3-7b",
    suggests={"model_id": "qwen3-8b"},
    shows="literal_error",
)
def _(sim: Simulator) -> None:
    """A server whose schema knows its two models; there is no catalog."""

    def refusal(name: str) -> Reply:
        values = "'qwen3-8b' or 'qwen3-32b'"
        fault = {"type": "literal_error", "loc": ["body", "model"], "msg": f"Input should be {values}"}
        return as_json({"detail": [fault | {"input": name, "ctx": {"expected": values}}]}, 422)

    sim.catalog(None)
    sim.serve_instead(Model("qwen3-8b"), Model("qwen3-32b"))
    sim.unknown_reply = refusal


@rejected(
    "r10-variant-of-an-enumeration",
    "https://serde.rs/variant-attrs.html",
    "model_not_found",
    "model_id",
    model="sonar-large",
    suggests={"model_id": "sonar-pro"},
    shows="unknown variant",
)
def _(sim: Simulator) -> None:
    """A server in Rust, whose enumeration of models the refusal tells."""
    told = (
        "Failed to deserialize the JSON body into the target type: model: unknown variant `{}`, expected one "
        "of "
    )
    sim.catalog(None)
    sim.serve_instead(Model("sonar"), Model("sonar-pro"), Model("sonar-deep-research"))
    names = ", ".join(f"`{name}`" for name in sim.models)
    sim.unknown_reply = lambda name: text(422, f"{told.format(name)}{names} at line 1 column 22")


@rejected(
    "r10-allowed-values-of-a-validator",
    "https://ajv.js.org/keywords.html#enum",
    "model_not_found",
    "model_id",
    model="gpt-4o",
    suggests={"model_id": "azure-gpt-4o"},
    shows="allowedValues",
)
def _(sim: Simulator) -> None:
    """A gateway in JavaScript: its validator tells the allowed ids beside the words, as a list."""
    fault = {
        "instancePath": "/model",
        "keyword": "enum",
        "message": "must be equal to one of the allowed values",
    }
    fault |= {"params": {"allowedValues": ["azure-gpt-4o", "azure-o3"]}}  # type: ignore[dict-item]
    words = "body/model must be equal to one of the allowed values"
    refusal = as_json(
        {"statusCode": 400, "error": "Bad Request", "message": words, "validation": [fault]}, 400
    )
    sim.catalog(None)
    sim.serve_instead(Model("azure-gpt-4o"), Model("azure-o3"))
    sim.unknown_reply = lambda name: refusal


@accepted(
    "r10-allowed-values-of-a-parameter",
    "https://docs.sambanova.ai/docs/en/features/function-calling",
    capabilities={"tool_calling": True, "tool_choice": True},
)
def _(sim: Simulator) -> None:
    """The same words about a parameter: the model id is right, and the value that is named works."""
    message = "Invalid value for 'tool_choice'. Allowed values: [auto, required, none]"
    refusal = error(400, message, param="tool_choice", code="invalid_value")
    sim.refuse(refusal, lambda body: isinstance(body.get("tool_choice"), dict))


@rejected(
    "r11-limit-nought",
    "https://platform.openai.com/docs/guides/rate-limits",
    "quota_exhausted permission_denied",
    model="gpt-4-32k",
    calls=8,
    shows="Limit 0, Used 0",
)
def _(sim: Simulator) -> None:
    """OpenAI: a tier whose limit for this model is nought; it says to wait all the same."""
    message = (
        "Rate limit reached for gpt-4-32k in organization org-x on tokens per min (TPM): Limit 0, Used 0, "
        "Requested 24. Please try again in 6s. Visit https://platform.openai.com/account/rate-limits to "
        "learn more."
    )
    refusal = error(429, message, kind="tokens", code="rate_limit_exceeded")
    sim.refuse(Reply(429, refusal.body, headers={"retry-after": "6"}))


@rejected(
    "r11-nought-in-the-details",
    "https://cloud.google.com/vertex-ai/generative-ai/docs/quotas",
    "quota_exhausted permission_denied",
    path="/v1beta1/projects/p/locations/global/endpoints/openapi",
    model="anthropic/claude-opus-4-5",
    shows='"quota_limit_value": "0"',
)
def _(sim: Simulator) -> None:
    """Vertex: only the details tell that the limit is nought."""
    message = (
        "Quota exceeded for aiplatform.googleapis.com/online_prediction_requests_per_base_model with base "
        "model: anthropic-claude-opus. Please submit a quota increase request."
    )
    told = {"service": "aiplatform.googleapis.com", "quota_limit_value": "0"}
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    details = [{"@type": kind, "reason": "RATE_LIMIT_EXCEEDED", "metadata": told}]
    refusal = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}
    sim.refuse(as_json([{"error": refusal}], 429))
    briefly(sim)


@rejected(
    "r11-rate-limit-of-nought",
    "https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/limits",
    "permission_denied quota_exhausted model_unavailable",
    path="/serving-endpoints",
    model="databricks-claude-sonnet-4",
    shows="rate limit of 0",
)
def _(sim: Simulator) -> None:
    """Databricks: the endpoint is shut for this workspace by a limit of nought."""
    message = (
        "PERMISSION_DENIED: The endpoint is temporarily disabled due to a Databricks-set rate limit of 0."
    )
    sim.refuse(as_json({"error_code": "PERMISSION_DENIED", "message": message}, 403))


@rejected(
    "r11-tokens-of-a-day",
    "https://docs.aws.amazon.com/bedrock/latest/userguide/quotas.html",
    "rate_limited quota_exhausted",
    "api_key model_id",
    path="/openai/v1",
    model="openai.gpt-oss-120b-1:0",
    shows="Too many tokens per day",
)
def _(sim: Simulator) -> None:
    """Bedrock: a daily limit, not nought: later helps, but not today."""
    message = "Too many tokens per day, please wait before trying again."
    sim.refuse(error(429, message, kind="rate_limit_error", code="throttling_exception"))
    briefly(sim)


@accepted(
    "r11-half-a-request-a-second",
    "https://docs.mistral.ai/deployment/ai-studio/tier",
    shows="limit: 0.5 requests",
)
def _(sim: Simulator) -> None:
    """`limit: 0.5` is not nought: it is over in a second."""
    message = "Requests rate limit exceeded (limit: 0.5 requests per second, remaining: 0)"
    refusal = error(429, message, kind="rate_limited", code="1300")
    limited = at_first(2, Reply(429, refusal.body, headers={"retry-after": "0"}))
    sim.refuse(lambda request: limited(request) if plain(request) else None)


def plain(request: Request) -> bool:
    """Whether it may be the call of the proof: nothing is asked beyond words."""
    return not {"tools", "response_format"} & set(request.json)
