"""Own behaviours: keys, rights, money and limits, in the words of many vendors."""

from __future__ import annotations

from app.practice.models import Model
from app.practice.wire import Reply, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.own import accepted, briefly, rejected
from tests.endpoints.replies import html, text, vllm

OPENAI = "https://platform.openai.com/docs/guides/error-codes"
DASHSCOPE = "https://www.alibabacloud.com/help/en/model-studio/error-code"
LITELLM = "https://docs.litellm.ai/docs/proxy/virtual_keys"
ONE_API = "https://github.com/songquanpeng/one-api/issues/1270"
ZHIPU = "https://open.bigmodel.cn/dev/api/error-code/service-error"
AZURE = "https://learn.microsoft.com/azure/ai-services/openai/how-to/network"


def says(status: int, **fields: object) -> Reply:
    """`{"error": fields}` with this status."""
    return as_json({"error": fields}, status)


@rejected("own-openai-insufficient-quota", OPENAI, "quota_exhausted", "api_key")
def _(sim: Simulator) -> None:
    """Every chat request gets 429 insufficient_quota; the catalog is fine."""
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information "
        "on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
    )
    sim.refuse(error(429, message, kind="insufficient_quota", code="insufficient_quota"))


@rejected("own-openai-account-deactivated", OPENAI, "invalid_credentials permission_denied", "api_key")
def _(sim: Simulator) -> None:
    """Every request gets 401 account_deactivated."""
    message = (
        "The OpenAI account associated with this API key has been deactivated. Please check your email for "
        "more information. If you feel this is an error, contact us through our help center at "
        "help.openai.com."
    )
    sim.every(error(401, message, code="account_deactivated"))


@rejected("own-openai-ip-not-authorized", OPENAI, "permission_denied", "api_key")
def _(sim: Simulator) -> None:
    """Every request gets 401 ip_not_authorized: the key has an address list."""
    message = "Your request's IP address 203.0.113.7 is not in your organization's IP allowlist."
    sim.every(error(401, message, code="ip_not_authorized"))


@rejected(
    "own-deepseek-insufficient-balance",
    "https://api-docs.deepseek.com/quick_start/error_codes",
    "quota_exhausted",
    "api_key",
)
def _(sim: Simulator) -> None:
    """402 with a code that says invalid_request_error."""
    sim.refuse(error(402, "Insufficient Balance", kind="unknown_error", code="invalid_request_error"))


@rejected(
    "own-openrouter-no-credits",
    "https://openrouter.ai/docs/api-reference/errors",
    "quota_exhausted",
    "api_key",
    path="/api/v1",
    model="openai/gpt-4o",
)
def _(sim: Simulator) -> None:
    """402 with a numeric code."""
    sim.refuse(
        says(402, message="Insufficient credits. Add more using https://openrouter.ai/credits", code=402)
    )


@accepted("own-openrouter-can-only-afford", "https://openrouter.ai/docs/api-reference/errors", path="/api/v1")
def _(sim: Simulator) -> None:
    """402 only where no limit or a large one is asked for: a small answer can be afforded."""
    message = (
        "This request requires more credits, or fewer max_tokens. You requested up to 65535 tokens, but can "
        "only afford 1200. To increase, visit https://openrouter.ai/settings/credits and upgrade to a paid "
        "account"
    )
    sim.refuse(
        says(402, message=message, code=402),
        when=lambda body: (body.get("max_tokens") or body.get("max_completion_tokens") or 65535) > 1200,
    )


@rejected(
    "own-moonshot-suspended", "https://platform.moonshot.ai/docs/api/errors", "quota_exhausted", "api_key"
)
def _(sim: Simulator) -> None:
    """429 that no waiting helps."""
    message = (
        "Your account org-0a1b<ak-2c3d> is suspended due to insufficient balance, please recharge your "
        "account or check your plan and billing details"
    )
    sim.refuse(says(429, message=message, type="exceeded_current_quota_error"))


@rejected("own-dashscope-arrearage", DASHSCOPE, "quota_exhausted", "api_key", path="/compatible-mode/v1")
def _(sim: Simulator) -> None:
    """400 Access denied, where the account owes money."""
    message = "Access denied, please make sure your account is in good standing."
    sim.refuse(error(400, message, kind="Arrearage", code="Arrearage"))


@rejected("own-dashscope-free-tier-only", DASHSCOPE, "quota_exhausted", "api_key", path="/compatible-mode/v1")
def _(sim: Simulator) -> None:
    """403, where the free tier is used up."""
    message = (
        "The free tier of the model has been exhausted. If you wish to continue access the model on a paid "
        "basis, "
        'please disable the "use free tier only" mode in the management console.'
    )
    sim.refuse(error(403, message, kind="AllocationQuota.FreeTierOnly", code="AllocationQuota.FreeTierOnly"))


@rejected("own-dashscope-wrong-key", DASHSCOPE, "invalid_credentials", "api_key", path="/compatible-mode/v1")
def _(sim: Simulator) -> None:
    """401 with DashScope's own words for every request."""
    sim.every(error(401, "Incorrect API key provided. ", code="invalid_api_key"))


@rejected("own-zhipu-no-balance", ZHIPU, "quota_exhausted", "api_key", path="/api/paas/v4")
def _(sim: Simulator) -> None:
    """429 in Chinese: no balance and no package left."""
    sim.refuse(says(429, code="1113", message="余额不足或无可用资源包,请充值。"))


@rejected("own-zhipu-wrong-key", ZHIPU, "invalid_credentials", "api_key", path="/api/paas/v4")
def _(sim: Simulator) -> None:
    """401 in Chinese: the token is expired or wrong."""
    sim.every(says(401, code="401", message="令牌已过期或验证不正确！"))


@rejected("own-zhipu-model-unknown", ZHIPU, "model_not_found", "model_id", path="/api/paas/v4")
def _(sim: Simulator) -> None:
    """400 in Chinese: there is no such model."""
    sim.serve_instead(Model("glm-4.6"), Model("glm-4.5-air"))
    sim.unknown_reply = lambda name: says(400, code="1211", message="模型不存在，请检查模型代码。")


@rejected(
    "own-groq-tokens-per-day",
    "https://console.groq.com/docs/rate-limits",
    "rate_limited quota_exhausted",
    "api_key",
    path="/openai/v1",
)
def _(sim: Simulator) -> None:
    """429 that asks to wait a quarter of an hour."""
    message = (
        "Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_x` service tier "
        "`on_demand` on tokens per day (TPD): Limit 100000, Used 99800, Requested 300. Please try again in "
        "14m24s."
    )
    refusal = error(429, message, kind="tokens", code="rate_limit_exceeded")
    sim.refuse(Reply(429, refusal.body, headers={"retry-after": "864"}))


@rejected(
    "own-gemini-quota-per-day",
    "https://ai.google.dev/gemini-api/docs/rate-limits",
    "quota_exhausted rate_limited",
    "api_key",
    path="/v1beta/openai",
)
def _(sim: Simulator) -> None:
    """429 in an array: the free requests of the day are used up."""
    message = (
        "You exceeded your current quota, please check your plan and billing details. Quota exceeded for "
        "metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 250"
    )
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "250"}
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}]
    refusal = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}
    sim.refuse(as_json([{"error": refusal}], 429))


@rejected(
    "own-retry-after-an-hour",
    "https://www.rfc-editor.org/rfc/rfc9110#field.retry-after",
    "rate_limited",
    "api_key",
)
def _(sim: Simulator) -> None:
    """429 with Retry-After of an hour."""
    refusal = error(429, "Rate limit reached for requests", kind="requests", code="rate_limit_exceeded")
    sim.refuse(Reply(429, refusal.body, headers={"retry-after": "3600"}))


@rejected(
    "own-rate-limited-for-good", "https://www.rfc-editor.org/rfc/rfc6585#section-4", "rate_limited", "api_key"
)
def _(sim: Simulator) -> None:
    """429 without a word of how long, whatever is asked, to the end."""
    sim.refuse(text(429, "Too Many Requests"))
    briefly(sim)


@accepted("own-rate-limited-once", "https://www.rfc-editor.org/rfc/rfc9110#field.retry-after")
def _(sim: Simulator) -> None:
    """The first two chat requests get 429 with Retry-After 0; all others are answered."""
    refusal = error(429, "Rate limit reached for requests", kind="requests", code="rate_limit_exceeded")
    first = iter(range(2))
    limited = Reply(429, refusal.body, headers={"retry-after": "0"})
    sim.refuse(lambda request: limited if next(first, None) is not None else None)


@rejected(
    "own-cloudflare-wrong-token",
    "https://developers.cloudflare.com/workers-ai/platform/errors/",
    "invalid_credentials",
    "api_key",
    path="/client/v4/accounts/abc/ai/v1",
    model="@cf/meta/llama-3.1-8b",
)
def _(sim: Simulator) -> None:
    """401 in Cloudflare's envelope."""
    failure = {"code": 10000, "message": "Authentication error"}
    sim.every(as_json({"result": None, "success": False, "errors": [failure], "messages": []}, 401))


@rejected("own-mistral-unauthorized", "https://docs.mistral.ai/api/", "invalid_credentials", "api_key")
def _(sim: Simulator) -> None:
    """401 with `detail` only."""
    sim.every(as_json({"detail": "Unauthorized"}, 401))


@rejected(
    "own-cohere-wrong-token",
    "https://docs.cohere.com/reference/errors",
    "invalid_credentials",
    "api_key",
    path="/compatibility/v1",
)
def _(sim: Simulator) -> None:
    """401 with an id and a message at the top."""
    sim.every(as_json({"id": "1", "message": "invalid api token"}, 401))


@rejected(
    "own-databricks-wrong-token",
    "https://docs.databricks.com/aws/en/machine-learning/model-serving/",
    "invalid_credentials",
    "api_key",
    path="/serving-endpoints",
)
def _(sim: Simulator) -> None:
    """403, not 401, for a token that is wrong."""
    sim.every(as_json({"error_code": "403", "message": "Invalid access token. [ReqId: 1a2b]"}, 403))


@rejected(
    "own-github-models-permission",
    "https://github.com/microsoft/ai-agents-for-beginners/issues/213",
    "permission_denied",
    "api_key",
    path="/inference",
)
def _(sim: Simulator) -> None:
    """401 for a token that is right and lacks a permission."""
    message = "The `models` permission is required to access this endpoint"
    sim.every(says(401, code="unauthorized", message=message, details=message))


@rejected("own-litellm-unknown-key", LITELLM, "invalid_credentials", "api_key")
def _(sim: Simulator) -> None:
    """401 of the proxy itself, with the key's hash in the message."""
    message = (
        "Authentication Error, Invalid proxy server token passed. Received API Key = sk-...cdef, Key Hash "
        "(Token) =88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b. Unable to find token in "
        "cache or `LiteLLM_VerificationTokenTable`"
    )
    sim.every(error(401, message, kind="token_not_found_in_db", param="key", code="401"))


@rejected("own-litellm-budget", LITELLM, "quota_exhausted", "api_key")
def _(sim: Simulator) -> None:
    """400 where the budget of the key is used up."""
    message = "Budget has been exceeded! Current cost: 10.52, Max budget: 10.0"
    sim.refuse(error(400, message, kind="budget_exceeded", code="400"))


@rejected("own-litellm-key-may-not-use-model", LITELLM, "permission_denied", "model_id", model="gpt-4o")
def _(sim: Simulator) -> None:
    """401 where the key is right and may use other models only."""
    message = (
        "key not allowed to access model. This key can only access models=['gpt-4o-mini']. Tried to access "
        "gpt-4o"
    )
    sim.refuse(error(401, message, kind="key_model_access_denied", param="model", code="401"))


@rejected(
    "own-litellm-upstream-key-wrong",
    "https://docs.litellm.ai/docs/exception_mapping",
    "model_unavailable",
    "model_id",
    model="gpt-4o",
)
def _(sim: Simulator) -> None:
    """401 that repeats what the gateway's own upstream said about the gateway's key."""
    message = (
        "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided: "
        "sk-proj-********************Zx9Q. You can find your API key at "
        "https://platform.openai.com/account/api-keys.. Received Model Group=gpt-4o\nAvailable Model Group "
        "Fallbacks=None"
    )
    sim.refuse(error(401, message, kind="None", param="None", code="401"))


@rejected(
    "own-litellm-no-deployments",
    "https://docs.litellm.ai/docs/proxy/reliability",
    "rate_limited model_unavailable",
    model="gpt-4o",
)
def _(sim: Simulator) -> None:
    """429 where all deployments of the model cool down, to the end."""
    message = (
        "No deployments available for selected model, Try again in 5 seconds. Passed model=gpt-4o. "
        "pre-call-checks=False, cooldown_list=['1a2b']"
    )
    sim.refuse(error(429, message, kind="None", param="None", code="429"))
    briefly(sim)


@rejected("own-one-api-no-quota", ONE_API, "quota_exhausted", "api_key")
def _(sim: Simulator) -> None:
    """403 where the user's quota is used up."""
    message = "user quota is not enough (request id: 2024040323172594066980027391365)"
    sim.refuse(error(403, message, kind="one_api_error", param="", code="insufficient_user_quota"))


@rejected("own-one-api-wrong-token", ONE_API, "invalid_credentials", "api_key")
def _(sim: Simulator) -> None:
    """401 in Chinese: the token is invalid."""
    sim.every(says(401, message="无效的令牌 (request id: 20240403)", type="one_api_error"))


@rejected(
    "own-one-api-no-channel",
    "https://github.com/songquanpeng/one-api/issues/1494",
    "model_not_found model_unavailable",
    "model_id",
    model="gpt-4o-mini",
)
def _(sim: Simulator) -> None:
    """503 in Chinese for a model that no channel serves."""
    message = (
        "当前分组 default 下对于模型 gpt-4o-mini 无可用渠道 (request id: 2025121521151664761470129816750)"
    )
    sim.serve_instead(Model("gpt-4o"))
    sim.unknown_reply = lambda name: says(503, message=message, type="one_api_error")
    briefly(sim)


@rejected("own-azure-firewall", AZURE, "permission_denied", path="/openai/v1", model="gpt-4o")
def _(sim: Simulator) -> None:
    """403 of the resource's firewall."""
    sim.every(says(403, code="403", message="Access denied due to Virtual Network/Firewall rules."))


@rejected(
    "own-bedrock-no-model-access",
    "https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html",
    "permission_denied",
    "model_id",
    path="/openai/v1",
    model="anthropic.claude-sonnet-4",
)
def _(sim: Simulator) -> None:
    """403 where the account has not asked for the model."""
    message = "You don't have access to the model with the specified model ID."
    sim.refuse(says(403, message=message, type="access_denied", code="AccessDeniedException"))


@rejected(
    "own-kong-no-key-found",
    "https://docs.konghq.com/hub/kong-inc/key-auth/",
    "invalid_credentials",
    "api_key",
)
def _(sim: Simulator) -> None:
    """401: the gateway looks for the key in another place."""
    sim.every(as_json({"message": "No API key found in request"}, 401))


@rejected(
    "own-basic-auth-in-front", "https://www.rfc-editor.org/rfc/rfc7617", "invalid_credentials", "api_key"
)
def _(sim: Simulator) -> None:
    """A reverse proxy wants a name and a password: 401 with a page."""
    sim.every(html(401, "401 Authorization Required", www_authenticate='Basic realm="Restricted"'))


@rejected(
    "own-200-code-401", "https://cloud.tencent.com/document/product/1729", "invalid_credentials", "api_key"
)
def _(sim: Simulator) -> None:
    """200 for everything, with the refusal in a code of its own."""
    sim.every(as_json({"code": 401, "msg": "invalid token", "data": None}))


@accepted(
    "own-vllm-without-key",
    "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    warnings=("key_not_enforced",),
)
def _(sim: Simulator) -> None:
    """No key is looked at: any is taken."""
    sim.key = ""


@accepted(
    "own-vllm-key-only-by-bearer", "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"
)
def _(sim: Simulator) -> None:
    """Unknown models are refused in vLLM's shape, wrong keys as a bare string."""
    sim.every(as_json({"error": "Unauthorized"}, 401), when=lambda request: request.key != sim.key)
    sim.unknown_reply = lambda name: vllm(
        404, f"The model `{name}` does not exist.", "NotFoundError", "model"
    )
