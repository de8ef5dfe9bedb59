"""Field reports about keys: who may in, and in which words the others are sent away."""

from __future__ import annotations

import threading

from app.practice.api import Practice
from app.practice.wire import Reply, Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.changes import KEY
from tests.endpoints.reports import report

REGION = "Country, region, or territory not supported"
SCOPES = (
    "You have insufficient permissions for this operation. Missing scopes: model.request. Check that you "
    "have the correct role in your organization (Reader, Writer, Owner), and if you're using a restricted "
    "API key, that it has the necessary scopes."
)


@report("api-key-trailing-newline")
def _(sim: Simulator) -> None:
    sim.api_key = KEY + "\n"


@report("api-key-smart-quotes")
def _(sim: Simulator) -> None:
    sim.api_key = f"“{KEY}”"


@report("api-key-non-ascii-lookalike")
def _(sim: Simulator) -> None:
    sim.api_key = KEY.replace("a", "а")  # the Cyrillic letter is the point


@report("empty-api-key-bearer-space")
def _(sim: Simulator) -> None:
    sim.key = sim.api_key = ""
    sim.every(
        error(401, "Malformed Authorization header"), when=lambda request: "authorization" in request.headers
    )


@report("models-public-anonymous-but-401-on-wrong-key")
def _(sim: Simulator) -> None:
    """Anyone sees the catalog without a key, nobody with a wrong one; a burst locks all models."""
    running, lock = [0, 0.0], threading.Lock()

    def anonymous(request: Request) -> Reply | None:
        return sim.listed(request, "") if sim.path(request) == "/models" and not request.key else None

    def crowded(request: Request) -> Reply | None:
        with lock:
            running[0] += 1
            running[1] = running[1] or running[0] > 8
        sim.pause(0.02)
        with lock:
            running[0] -= 1
        return error(429, "Rate limit exceeded", kind="rate_limit_error") if running[1] else None

    sim.every(anonymous)
    sim.on("/chat/completions", crowded)


@report("openai-403-project-no-model-access")
def _(sim: Simulator) -> None:
    message = "Project `proj_x` does not have access to model `gpt-4.1-2025-04-14`"
    sim.refuse(error(403, message, code="model_not_found"))


@report("openai-401-incorrect-key-echo")
def _(sim: Simulator) -> None:
    sim.api_key = "sk-dummy-key-for-vllm"


@report("openai-403-region-blocked")
def _(sim: Simulator) -> None:
    sim.every(error(403, REGION, kind="request_forbidden", code="unsupported_country_region_territory"))


@report("azure-401-code-string")
def _(sim: Simulator) -> None:
    message = (
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid "
        "key for an active subscription and use a correct regional API endpoint for your resource."
    )
    sim.api_key = "0123456789abcdef0123456789abcdef"
    sim.every(as_json({"error": {"code": "401", "message": message}}, 401))


@report("opencode-models-200-chat-401")
def _(sim: Simulator) -> None:
    refusal = {"type": "error", "error": {"type": "AuthError", "message": "Invalid API key."}}
    sim.api_key = "sk-not-of-this-workspace"
    sim.every(lambda request: sim.listed(request, "") if request.method == "GET" else as_json(refusal, 401))


@report("gemini-400-location-not-supported")
def _(sim: Simulator) -> None:
    message = "User location is not supported for the API use."
    sim.every(as_json({"error": {"code": 400, "message": message, "status": "FAILED_PRECONDITION"}}, 400))


@report("vllm-rerank-unprefixed-unauthenticated")
def _(sim: Simulator) -> None:
    """The key is looked at under /v1 only."""
    open_side = Practice(list(sim.models.values()), key="", prefix="")
    sim.api_key = "sk-wrong"
    sim.every(as_json({"error": "Unauthorized"}, 401), when=lambda request: request.path.startswith("/v1"))
    sim.every(open_side.route)


@report("openai-401-no-organization")
def _(sim: Simulator) -> None:
    message = (
        "You must be a member of an organization to use the API. Please contact us through our help center "
        "at help.openai.com."
    )
    sim.every(error(401, message, code="no_organization"))


@report("openai-401-missing-scopes")
def _(sim: Simulator) -> None:
    sim.on("/chat/completions", error(401, SCOPES))
    sim.on("/responses", error(401, SCOPES))


@report("gemini-400-invalid-key")
def _(sim: Simulator) -> None:
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    message = "API key not valid. Please pass a valid API key."
    refusal = {"code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": [detail]}
    sim.every(as_json([{"error": refusal}], 400))


@report("minimax-200-base-resp-invalid-key")
def _(sim: Simulator) -> None:
    refusal = as_json({"base_resp": {"status_code": 2049, "status_msg": "invalid api key"}})
    sim.every(refusal, when=lambda request: request.method == "POST")
    sim.every(Reply(404, b"404 page not found", "text/plain"))
