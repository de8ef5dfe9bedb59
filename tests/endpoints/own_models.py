"""Own behaviours: models that are unknown, of another type, not ready, or answered for by another."""

from __future__ import annotations

from typing import Any

from app.practice.models import Model
from app.practice.wire import Reply, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.own import accepted, briefly, rejected
from tests.endpoints.replies import html, text, vllm

JSON = Any
VLLM = "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"
OLLAMA = "https://github.com/ollama/ollama/blob/main/docs/openai.md"
LLAMA_CPP = "https://github.com/ggml-org/llama.cpp/tree/master/tools/server"
OPENROUTER = "https://openrouter.ai/docs/api-reference/errors"


def named(*ids: str) -> dict[str, JSON]:
    """A catalog of these ids."""
    return {"object": "list", "data": [{"id": one, "object": "model"} for one in ids]}


@rejected(
    "own-ollama-not-pulled",
    OLLAMA,
    "model_not_found",
    "model_id",
    model="llama3.1",
    suggests={"model_id": "llama3.1:8b"},
)
def _(sim: Simulator) -> None:
    """404 that is about the model, not about the path."""
    sim.key = ""
    sim.serve_instead(Model("llama3.1:8b"), Model("nomic-embed-text:latest", "embedding"))
    sim.unknown_reply = lambda name: error(
        404, f'model "{name}" not found, try pulling it first', kind="api_error", code=None
    )


@accepted("own-ollama-latest", OLLAMA, model="llama3.2")
def _(sim: Simulator) -> None:
    """The catalog lists `llama3.2:latest`, the request says `llama3.2`; other models are refused."""
    sim.key = ""
    sim.catalog(named("llama3.2:latest", "qwen3:8b"))


@rejected(
    "own-fireworks-not-deployed",
    "https://docs.fireworks.ai/guides/inference-error-codes",
    "model_not_found",
    "model_id",
    path="/inference/v1",
    model="accounts/fireworks/models/gone",
)
def _(sim: Simulator) -> None:
    """404 with a code in capitals."""
    sim.serve_instead(Model("accounts/fireworks/models/kimi-k2-instruct"))
    message = "Model not found, inaccessible, and/or not deployed"
    refusal = {"object": "error", "type": "invalid_request_error", "code": "NOT_FOUND", "message": message}
    sim.unknown_reply = lambda name: as_json({"error": refusal}, 404)


@rejected(
    "own-together-not-serverless",
    "https://github.com/truefoundry/models/pull/950",
    "model_not_found model_unavailable",
    "model_id",
    model="mistralai/Mixtral-8x22B",
)
def _(sim: Simulator) -> None:
    """400: listed, but to be deployed by the caller first."""
    message = (
        f"Unable to access non-serverless model {sim.model_id}. Please visit https://api.together.ai/models/"
        f"{sim.model_id} to create and start a new dedicated endpoint for the model."
    )
    sim.refuse(error(400, message, code="model_not_available"))


@rejected(
    "own-huggingface-no-provider",
    "https://huggingface.co/docs/inference-providers/",
    "model_not_found",
    "model_id",
    model="org/unknown",
)
def _(sim: Simulator) -> None:
    """400 model_not_supported."""
    message = f"The requested model '{sim.model_id}' is not supported by any provider you have enabled."
    sim.serve_instead(Model("openai/gpt-oss-20b"))
    sim.unknown_reply = lambda name: error(400, message, param="model", code="model_not_supported")


@rejected(
    "own-openrouter-no-endpoints",
    OPENROUTER,
    "model_not_found",
    "model_id",
    path="/api/v1",
    model="qwen/qwen-2.5-7b",
)
def _(sim: Simulator) -> None:
    """404 in OpenRouter's words, and not because of the path."""
    sim.serve_instead(Model("qwen/qwen-2.5-7b-instruct"), Model("openai/gpt-4o-mini"))
    sim.unknown_reply = lambda name: as_json(
        {"error": {"message": f"No endpoints found for {name}.", "code": 404}}, 404
    )


@rejected(
    "own-openrouter-invalid-id", OPENROUTER, "model_not_found", "model_id", path="/api/v1", model="gpt4o"
)
def _(sim: Simulator) -> None:
    """400 for an id that can't be one."""
    sim.serve_instead(Model("openai/gpt-4o"))
    message = "gpt4o is not a valid model ID"
    sim.unknown_reply = lambda name: as_json(
        {"error": {"message": message, "code": 400}, "user_id": "user_1"}, 400
    )


@rejected(
    "own-openrouter-data-policy",
    OPENROUTER,
    "permission_denied model_not_found",
    path="/api/v1",
    model="x/free-model:free",
)
def _(sim: Simulator) -> None:
    """404 because of the account's privacy settings."""
    message = (
        "No endpoints found matching your data policy (Free model publication). "
        "Configure: https://openrouter.ai/settings/privacy"
    )
    sim.refuse(as_json({"error": {"message": message, "code": 404}}, 404))


@rejected(
    "own-azure-no-deployment",
    "https://learn.microsoft.com/azure/ai-services/openai/",
    "model_not_found",
    "model_id",
    path="/openai/v1",
    model="gpt-4o-prod",
)
def _(sim: Simulator) -> None:
    """404 DeploymentNotFound; the catalog lists models, not deployments."""
    message = (
        "The API deployment for this resource does not exist. If you created the deployment within the last "
        "5 minutes, please wait a moment and try again."
    )
    sim.serve_instead(Model("gpt-4o"))
    sim.unknown_reply = lambda name: as_json(
        {"error": {"code": "DeploymentNotFound", "message": message}}, 404
    )


@rejected(
    "own-litellm-invalid-model",
    "https://docs.litellm.ai/docs/proxy/configs",
    "model_not_found",
    "model_id",
    model="gpt-typo",
)
def _(sim: Simulator) -> None:
    """400 with the type invalid_request_error."""
    message = (
        "/chat/completions: Invalid model name passed in model=gpt-typo. Call `/v1/models` to view available "
        "models for your key."
    )
    sim.serve_instead(Model("gpt-4o"), Model("gpt-4o-mini"))
    sim.unknown_reply = lambda name: error(400, message, param="model", code="400")


@rejected(
    "own-databricks-no-endpoint",
    "https://docs.databricks.com/aws/en/machine-learning/model-serving/",
    "model_not_found",
    "model_id",
    path="/serving-endpoints",
    model="gone",
)
def _(sim: Simulator) -> None:
    """404 RESOURCE_DOES_NOT_EXIST; there is no catalog."""
    message = "Endpoint with name 'gone' does not exist."
    sim.catalog(None)
    sim.serve_instead(Model("databricks-meta-llama-3-3-70b-instruct"))
    sim.unknown_reply = lambda name: as_json(
        {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": message}, 404
    )


@rejected(
    "own-bedrock-invalid-identifier",
    "https://github.com/earendil-works/pi/issues/4993",
    "model_not_found",
    "model_id",
    path="/openai/v1",
    model="qwen.qwen3-coder-480b-a35b-v1:0",
)
def _(sim: Simulator) -> None:
    """400 for an identifier that is not known in this region."""
    message = "The provided model identifier is invalid."
    sim.serve_instead(Model("openai.gpt-oss-20b-1:0"))
    sim.unknown_reply = lambda name: error(400, message, code="validation_error")


@rejected(
    "own-gemini-model-gone",
    "https://ai.google.dev/gemini-api/docs/openai",
    "model_not_found",
    "model_id",
    path="/v1beta/openai",
    model="gemini-1.0-pro",
)
def _(sim: Simulator) -> None:
    """404 in an array."""
    message = (
        "models/gemini-1.0-pro is not found for API version v1main, or is not supported for generateContent. "
        "Call ListModels to see the list of available models and their supported methods."
    )
    sim.serve_instead(Model("gemini-2.5-flash"))
    refusal = {"code": 404, "message": message, "status": "NOT_FOUND"}
    sim.unknown_reply = lambda name: as_json([{"error": refusal}], 404)


@rejected(
    "own-llamacpp-answers-any-name",
    LLAMA_CPP,
    "model_not_found",
    "model_id",
    model="qwen",
    suggests={"model_id": "Qwen3-4B-Q4_K_M.gguf"},
)
def _(sim: Simulator) -> None:
    """One model serves every name and says the name back; the catalog tells what it is."""
    sim.key, sim.fallback = "", "Qwen3-4B-Q4_K_M.gguf"
    sim.serve_instead(Model("Qwen3-4B-Q4_K_M.gguf"))
    sim.edit(lambda asked, answer: answer | {"model": asked["model"]})


@accepted("own-any-name-and-no-catalog", LLAMA_CPP, warnings=("model_id_not_enforced",))
def _(sim: Simulator) -> None:
    """One model serves every name, says the name back, and there is no catalog."""
    sim.catalog(None)
    sim.fallback = sim.model_id
    sim.edit(lambda asked, answer: answer | {"model": asked["model"]})


@rejected(
    "own-tgi-tells-its-model",
    "https://huggingface.co/docs/text-generation-inference/messages_api",
    "model_not_found",
    "model_id",
    model="tgi",
    suggests={"model_id": "HuggingFaceH4/zephyr-7b-beta"},
)
def _(sim: Simulator) -> None:
    """Every name is answered, and the answer says which model it was."""
    sim.key, sim.fallback = "", "HuggingFaceH4/zephyr-7b-beta"
    sim.serve_instead(Model("HuggingFaceH4/zephyr-7b-beta"))


@accepted(
    "own-letter-case-of-the-id",
    "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/618",
    model="Qwen/Qwen3-8B",
)
def _(sim: Simulator) -> None:
    """The catalog lists the id in other letter case; the server does not mind the case, but minds the id."""
    sim.catalog(named("qwen/qwen3-8b"))


@accepted("own-catalog-under-models", "https://docs.mistral.ai/api/")
def _(sim: Simulator) -> None:
    """The catalog's list is called `models`, and its rows have names in place of ids."""
    sim.catalog({"models": [{"name": f"models/{sim.model_id}", "displayName": "One"}]})


@accepted("own-catalog-is-a-page", "https://docs.nginx.com/")
def _(sim: Simulator) -> None:
    """`GET /models` is a page of something else, with 200."""
    sim.catalog(html(200, "Welcome"))


@accepted("own-catalog-fails", "https://docs.nginx.com/")
def _(sim: Simulator) -> None:
    """`GET /models` is 500."""
    sim.catalog(text(500, "Internal Server Error"))


@accepted("own-catalog-odd-rows", "https://docs.litellm.ai/docs/proxy/model_management")
def _(sim: Simulator) -> None:
    """The catalog holds rows that are no objects, ids that are no strings, and prices that are no numbers."""
    sim.catalog(
        {"data": [None, 7, "text", {"id": 5}, {"id": sim.model_id, "pricing": "free", "context_length": "x"}]}
    )


@rejected(
    "own-vllm-no-chat-template",
    "https://github.com/vllm-project/vllm/issues/5051",
    "wrong_model_type",
    "model_type",
    model="meta-llama/Llama-3.1-8B",
)
def _(sim: Simulator) -> None:
    """400: a base model without a chat template; completions work."""
    message = (
        "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat "
        "template if the tokenizer does not define one."
    )
    sim.traits(kind="completion")
    sim.mismatch_reply = vllm(400, message)


@rejected("own-vllm-embedding-served-as-chat", VLLM, "wrong_model_type", "model_type", model="BAAI/bge-m3")
def _(sim: Simulator) -> None:
    """400: the model has no chat API; embeddings work."""
    sim.traits(kind="embedding")
    sim.mismatch_reply = vllm(400, "The model does not support Chat Completions API")


@rejected(
    "own-vllm-chat-served-as-embedding",
    VLLM,
    "wrong_model_type",
    "model_type",
    model="Qwen/Qwen3-8B",
    kind="embedding",
)
def _(sim: Simulator) -> None:
    """400: the model has no embeddings API; chat works."""
    sim.traits(kind="chat")
    sim.mismatch_reply = vllm(400, "The model does not support Embeddings API")


@rejected(
    "own-vllm-no-embedding-route",
    VLLM,
    "wrong_model_type",
    "model_type",
    model="Qwen/Qwen3-8B",
    kind="embedding",
)
def _(sim: Simulator) -> None:
    """404 {"detail":"Not Found"}: the route is not there for a generating model; chat works."""
    sim.traits(kind="chat")
    sim.on("/embeddings", as_json({"detail": "Not Found"}, 404))


@rejected(
    "own-tei-asked-to-chat",
    "https://huggingface.co/docs/text-embeddings-inference/",
    "wrong_model_type",
    "model_type",
    model="BAAI/bge-m3",
)
def _(sim: Simulator) -> None:
    """404 without a body for all but embeddings; there is no catalog."""
    sim.traits(kind="embedding")
    sim.catalog(Reply(404))
    sim.on("/chat/completions", Reply(404))


@rejected(
    "own-chat-model-asked-to-complete",
    "https://platform.openai.com/docs/api-reference/completions",
    "wrong_model_type",
    "model_type",
    model="gpt-4o",
    kind="completion",
)
def _(sim: Simulator) -> None:
    """404: a chat model on the completions route."""
    sim.traits(kind="chat")


@rejected(
    "own-openai-only-responses",
    "https://platform.openai.com/docs/models/gpt-5-pro",
    "wrong_model_type",
    "model_type",
    model="gpt-5-pro",
)
def _(sim: Simulator) -> None:
    """404: the model is served by /responses only."""
    message = "This model is only supported in v1/responses and not in v1/chat/completions."
    sim.refuse(error(404, message, param="model"))


@accepted("own-llamacpp-loading", LLAMA_CPP)
def _(sim: Simulator) -> None:
    """503 Loading model twice, then it is there."""
    first = iter(range(2))
    refusal = as_json({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, 503)
    sim.refuse(lambda request: refusal if next(first, None) is not None else None)
    sim.settings["probe_wait_seconds"] = 0.2


@rejected("own-llamacpp-loading-for-good", LLAMA_CPP, "model_unavailable", "model_id")
def _(sim: Simulator) -> None:
    """503 Loading model to the end."""
    sim.refuse(
        as_json({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, 503)
    )
    briefly(sim)


@rejected("own-overloaded-529", "https://docs.anthropic.com/en/api/errors", "model_unavailable", "model_id")
def _(sim: Simulator) -> None:
    """529 to the end."""
    refusal = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    sim.refuse(as_json(refusal, 529))
    briefly(sim)


@rejected(
    "own-cuda-out-of-memory",
    "https://github.com/vllm-project/vllm/issues/188",
    "model_unavailable",
    "model_id",
)
def _(sim: Simulator) -> None:
    """500 with PyTorch's own words."""
    message = (
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB of which "
        "1.10 GiB is free."
    )
    sim.refuse(vllm(500, message, "InternalServerError"))
    briefly(sim)


@rejected("own-overloaded-inside-200", OPENROUTER, "model_unavailable", "model_id", path="/api/v1")
def _(sim: Simulator) -> None:
    """200 that holds a 503 of a provider, to the end."""
    failure = {"message": "Provider returned error", "code": 503, "metadata": {"raw": "no healthy upstream"}}
    sim.refuse(as_json({"error": failure, "user_id": "user_1"}))
    briefly(sim)
