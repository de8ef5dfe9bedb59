"""Own behaviours: what operators met in 2026 that no rule had read rightly, one for each kind."""

from __future__ import annotations

from typing import Any

from app.practice.models import Model
from app.practice.wire import Reply, Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.own import accepted, rejected
from tests.endpoints.own_later import refusing

JSON = Any
XINFERENCE = "https://github.com/xorbitsai/inference/blob/main/xinference/core/model.py"
TABBY = "https://github.com/theroyallab/tabbyAPI/blob/main/endpoints/OAI/router.py"
GOOGLE_KEYS = "https://cloud.google.com/docs/authentication/api-keys"
HUB = (
    "401 Client Error. (Request ID: Root=1-68;27f)\n\nRepository Not Found for url: "
    "https://huggingface.co/api/models/m1/revision/main.\nPlease make sure you specified the correct "
    "`repo_id` and `repo_type`.\nIf you are trying to access a private or gated repo, make sure you are "
    "authenticated.\n"
    "Invalid username or password."
)
REFUSALS: tuple[tuple[str, str, str, str, str, int, JSON], ...] = (
    (
        "none-loaded",
        TABBY,
        "chat",
        "model_unavailable model_not_found",
        "model_id",
        400,
        {"detail": "No models are currently loaded."},
    ),
    (
        "not-in-the-hub",
        "https://github.com/ml-explore/mlx-lm/blob/main/mlx_lm/server.py",
        "chat",
        "model_not_found",
        "model_id",
        404,
        {"error": HUB},
    ),
    (
        "another-credential",
        "https://cloud.google.com/vertex-ai/generative-ai/docs/start/openai",
        "chat",
        "invalid_credentials",
        "api_key",
        401,
        {
            "error": {
                "code": 401,
                "message": "API keys are not supported by this API. Expected OAuth2 access token or other "
                "authentication credentials that assert a principal.",
                "status": "UNAUTHENTICATED",
            }
        },
    ),
    (
        "keys-are-switched-off",
        "https://learn.microsoft.com/azure/ai-services/disable-local-auth",
        "chat",
        "permission_denied invalid_credentials",
        "api_key",
        403,
        {
            "error": {
                "code": "AuthenticationTypeDisabled",
                "message": "Key based authentication is disabled for this resource.",
            }
        },
    ),
    (
        "consumer-without-the-route",
        "https://github.com/alibaba/higress/blob/main/plugins/wasm-go/extensions/key-auth/README_EN.md",
        "chat",
        "permission_denied",
        "api_key",
        403,
        {"message": "Request denied by Key Auth check. Unauthorized consumer."},
    ),
    (
        "account-not-bound",
        "https://modelscope.cn/docs/model-service/API-Inference/intro",
        "chat",
        "permission_denied",
        "api_key",
        401,
        {"errors": {"message": "please bind your Alibaba Cloud account before use."}, "request_id": "6f"},
    ),
    (
        "team-with-dashes",
        "https://docs.x.ai/docs/models",
        "chat",
        "model_not_found",
        "model_id",
        404,
        {
            "code": "Some requested entity was not found",
            "error": "The model m1 does not exist or your team 1a2b-3c does not have access to it. Please "
            "ensure you're using the correct API key.",
        },
    ),
    (
        "perhaps-removed",
        "https://github.com/quarkiverse/quarkus-langchain4j/issues/2569",
        "chat",
        "model_not_found",
        "model_id",
        404,
        {
            "errors": [
                {
                    "code": "model_not_supported",
                    "message": "Model 'm1' was not found. This model may be unsupported, deprecated, or "
                    "removed.",
                }
            ],
            "status_code": 404,
        },
    ),
    (
        "guard-without-its-setting",
        "https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails.html",
        "chat",
        "endpoint_error",
        "base_url",
        400,
        {"error": {"message": "Guardrail pii-guard is not configured for this deployment"}},
    ),
    (
        "vendor-of-no-such-country",
        "https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html",
        "chat",
        "permission_denied",
        "api_key",
        403,
        {"message": "Access to Anthropic models is not allowed from unsupported countries or regions."},
    ),
    (
        "for-coding-agents-only",
        "https://github.com/continuedev/continue/issues/10847",
        "chat",
        "permission_denied",
        "api_key",
        403,
        {
            "error": {
                "message": "Kimi For Coding is currently only available for Coding Agents such as Kimi CLI, "
                "Claude Code, Roo Code, Kilo Code, etc.",
            }
        },
    ),
    (
        "switched-off-for-this-model",
        "https://github.com/mudler/LocalAI/issues/575",
        "embedding",
        "wrong_model_type",
        "model_type",
        500,
        {
            "error": {
                "code": 500,
                "message": "endpoint disabled for this model by API configuration",
                "type": "",
            }
        },
    ),
    (
        "token-of-the-gateway",
        "https://github.com/BerriAI/litellm/issues/20473",
        "rerank",
        "model_unavailable",
        "model_id",
        403,
        {
            "error": {
                "message": '{"message":"The security token included in the request is invalid."}. Received '
                "Model Group=m1\nAvailable Model Group Fallbacks=None",
                "code": "403",
            }
        },
    ),
    (
        "address-of-the-key",
        GOOGLE_KEYS,
        "chat",
        "permission_denied",
        "api_key",
        403,
        {
            "error": {
                "code": 403,
                "message": "The provided API key has an IP address restriction. The originating IP address "
                "of the call (203.0.113.7) violates this restriction.",
                "status": "PERMISSION_DENIED",
            }
        },
    ),
)

for _name, _source, _kind, _code, _field, _status, _body in REFUSALS:
    rejected(f"own-world-{_name}", _source, _code, _field, kind=_kind)(refusing(_status, _body, _kind))


@rejected(
    "own-world-the-vendor-of-another-protocol",
    "https://docs.z.ai/api-reference/introduction",
    "wrong_path",
    "base_url",
    path="/api/anthropic",
    suggests={"base_url": "/api/paas/v4"},
)
def _(sim: Simulator) -> None:
    """Whatever path is wrong gets a 200 with a code of 500 in it, which says 404."""
    sim.prefix = "/api/paas/v4"
    sim.lost_reply = as_json({"code": 500, "msg": "404 NOT_FOUND", "success": False})


@rejected(
    "own-world-no-such-operation",
    "https://docs.aws.amazon.com/bedrock/latest/userguide/inference-chat-completions.html",
    "wrong_path",
    "base_url",
    path="/model",
    suggests={"base_url": "/openai/v1"},
)
def _(sim: Simulator) -> None:
    """A cloud says of a path that it does not know that it can't tell what to authorize."""
    sim.prefix = "/openai/v1"
    words = "Unable to determine service/operation name to be authorized"
    sim.lost_reply = as_json({"message": words}, 403)


@rejected(
    "own-world-listed-in-other-letters",
    "https://platform.openai.com/docs/api-reference/models",
    "model_not_found",
    "model_id",
    model="Llama-3.3-70B",
    suggests={"model_id": "llama-3.3-70b"},
)
def _(sim: Simulator) -> None:
    """The id is listed in another letter case, and only that is served."""
    sim.serve_instead(Model("llama-3.3-70b", "chat"))


@rejected(
    "own-world-supported-ones-in-brackets",
    "https://docs.voyageai.com/docs/error-codes",
    "model_not_found",
    "model_id",
    model="voyage-9",
    kind="embedding",
    suggests={"model_id": "voyage-3-large"},
)
def _(sim: Simulator) -> None:
    """No list of models, but the refusal of an unknown one holds it."""
    sim.serve_instead(Model("voyage-3-large", "embedding"))
    sim.catalog(None)
    listed = "Supported models are ['voyage-3-large', 'voyage-3.5']."
    sim.unknown_reply = lambda name: as_json({"detail": f"Model {name} is not supported. {listed}"}, 400)


@rejected(
    "own-world-a-validator-s-list",
    "https://api.jina.ai/redoc",
    "model_not_found",
    "model_id",
    model="jina-9",
    kind="rerank",
    suggests={"model_id": "jina-reranker-v3"},
)
def _(sim: Simulator) -> None:
    """A validator's findings come as Python prints them, in a text."""
    sim.serve_instead(Model("jina-reranker-v3", "rerank"))
    sim.catalog(None)
    found = (
        "[{{'type': 'literal_error', 'loc': ('body', 'model'), 'msg': \"Input should be 'jina-reranker-v3' "
        "or 'jina-colbert-v2'\", 'input': '{}'}}]"
    )
    sim.unknown_reply = lambda name: as_json({"detail": found.format(name)}, 422)


@rejected(
    "own-world-a-reranker-asked-for-vectors",
    XINFERENCE,
    "wrong_model_type",
    "model_type",
    model="bge-reranker-v2-m3",
    kind="embedding",
    suggests={"model_type": "rerank"},
)
def _(sim: Simulator) -> None:
    """A 500 whose words say what the model is not for."""
    sim.serve_instead(Model("bge-reranker-v2-m3", "rerank"))
    words = "[address=0.0.0.0:33767, pid=55] Model bge-reranker-v2-m3 is not for creating embedding."
    sim.mismatch_reply = as_json({"detail": words}, 500)


@rejected(
    "own-world-no-prompt-template",
    TABBY,
    "wrong_model_type",
    "model_type",
    suggests={"model_type": "completion"},
)
def _(sim: Simulator) -> None:
    """A base model: chat is switched off since no template is set."""
    sim.serve_instead(Model("m1", "completion"))
    words = "Chat completions are disabled because a prompt template is not set."
    sim.mismatch_reply = as_json({"detail": words}, 422)


@rejected(
    "own-world-a-judge-asked-to-chat",
    "https://platform.openai.com/docs/guides/moderation",
    "wrong_model_type",
    "model_type",
    model="omni-moderation-latest",
    suggests={"model_type": "moderation"},
)
def _(sim: Simulator) -> None:
    """A model that only moderates is refused without a reason; its id says what it is."""
    sim.serve_instead(Model("omni-moderation-latest", "moderation"))
    sim.mismatch_reply = error(403, "You are not allowed to sample from this model")


def filtering(reply: Reply) -> Any:
    """An endpoint whose filter refuses every prompt so."""

    def change(sim: Simulator) -> None:
        """Key and model are right, and no prompt gets past the filter."""
        sim.refuse(reply)

    return change


CHECK = {"verdict": False, "data": {"explanation": "The regex pattern '.*' matched the text."}}
FILTERS: tuple[tuple[str, str, Reply], ...] = (
    (
        "prompt-guard",
        "https://github.com/Kong/kong/tree/master/kong/plugins/ai-prompt-guard",
        error(400, "bad request - prompt pattern is blocked"),
    ),
    (
        "usage-guidelines",
        "https://github.com/QuantumNous/new-api/blob/main/service/violation_fee.go",
        as_json(
            {
                "code": "The caller does not have permission to execute the specified operation",
                "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
            },
            403,
        ),
    ),
    (
        "pattern-of-a-hook",
        "https://portkey.ai/docs/product/guardrails",
        as_json(
            {
                "error": {
                    "message": "The guardrail checks defined in the config failed. You can find more "
                    "information in the `hook_results` object.",
                    "type": "hooks_failed",
                },
                "hook_results": {"before_request_hooks": [{"verdict": False, "checks": [CHECK]}]},
            },
            446,
        ),
    ),
)

for _name, _source, _reply in FILTERS:
    accepted(f"own-world-{_name}", _source, warnings=("prompt_filtered",))(filtering(_reply))


@accepted("own-world-a-format-of-files", "https://github.com/zai-org/GLM-ASR/issues/37", kind="stt")
def _(sim: Simulator) -> None:
    """WAV is refused in words that sound like a model of another type; MP3 is taken."""
    words = "The current file format is not supported for transcriptions"
    refused = as_json({"error": {"code": "1214", "message": words}}, 400)
    sim.refuse(refused, lambda body: body.get("file", b"")[:4] == b"RIFF", "/audio/transcriptions")


@rejected(
    "own-world-a-query-is-missing",
    "https://learn.microsoft.com/azure/ai-foundry/openai/reference",
    "endpoint_error",
    "base_url",
    path="/openai/deployments/m1",
)
def _(sim: Simulator) -> None:
    """Every call without an API version is refused alike: it is no matter of who calls."""
    words = "The api-version query parameter (?api-version=) is required for all requests."
    sim.every(error(400, words), lambda request: "api-version" not in request.query)


@rejected(
    "own-world-did-you-mean",
    "https://github.com/docker/model-runner",
    "model_not_found",
    "model_id",
    model="lama-3",
    suggests={"model_id": "llama-3"},
)
def _(sim: Simulator) -> None:
    """No list of models; the refusal says which one may be meant, and that one works."""
    sim.serve_instead(Model("llama-3", "chat"))
    sim.catalog(None)
    sim.unknown_reply = lambda name: error(404, f"Model {name} not found. Did you mean 'llama-3'?")


@rejected(
    "own-world-a-sound-in-json",
    "https://docs.fish.audio/api-reference/endpoint/openapi-v1/text-to-speech",
    "not_openai_compatible",
    "base_url",
    kind="tts",
)
def _(sim: Simulator) -> None:
    """The sound comes in a JSON of its own kind: what other voices are told says less."""

    def packed(request: Request, reply: Reply) -> Reply:
        return as_json({"audio": "UklGRg==", "format": "wav"}) if reply.status == 200 else reply

    sim.edit_reply(packed)
