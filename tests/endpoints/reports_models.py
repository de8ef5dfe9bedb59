"""Field reports about models and catalogs: which there are, of which type, and how they are listed."""

from __future__ import annotations

from typing import Any

from app.practice.models import Model
from app.practice.wire import as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import html, text
from tests.endpoints.reports import report

JSON = Any


@report("llamacpp-501-no-embeddings")
def _(sim: Simulator) -> None:
    message = "This server does not support embeddings. Start it with `--embeddings`"
    sim.traits(kind="chat")
    sim.on(
        "/embeddings",
        as_json({"error": {"code": 501, "message": message, "type": "not_supported_error"}}, 501),
    )


@report("ollama-embedding-as-chat-400")
def _(sim: Simulator) -> None:
    sim.key = ""
    sim.traits(kind="embedding")
    sim.mismatch_reply = error(400, '"nomic-embed-text:latest" does not support chat')


@report("deepseek-400-model-not-exist")
def _(sim: Simulator) -> None:
    sim.serve_instead(Model("deepseek-chat"), Model("deepseek-reasoner"))
    sim.unknown_reply = lambda name: error(400, "Model Not Exist", code="invalid_request_error")


@report("opencode-model-error-401")
def _(sim: Simulator) -> None:
    refusal = {"type": "error", "error": {"type": "ModelError", "message": "Model is not supported"}}
    sim.serve_instead(Model("glm-4.6"), Model("kimi-k2"))
    sim.unknown_reply = lambda name: as_json(refusal, 401)


@report("openai-instruct-not-chat")
def _(sim: Simulator) -> None:
    sim.traits(kind="completion")


@report("azure-operation-not-supported")
def _(sim: Simulator) -> None:
    message = (
        "The chatCompletion operation does not work with the specified model, text-embedding-3-large. Please "
        "choose different model and try again. You can learn more about which models can be used with each "
        "operation here: https://go.microsoft.com/fwlink/?linkid=2197993."
    )
    sim.traits(kind="embedding")
    sim.mismatch_reply = as_json({"error": {"code": "OperationNotSupported", "message": message}}, 400)


@report("mlx-lm-404-for-unlisted-alias")
def _(sim: Simulator) -> None:
    sim.key = ""
    sim.serve_instead(Model("/path/to/models/qwen3.5-397b-a17b-4bit"))
    sim.unknown_reply = lambda name: as_json(
        {
            "error": "404 Client Error. Repository Not Found for url: "
            f"https://huggingface.co/api/models/{name}/revision/main."
        },
        404,
    )


@report("groq-model-decommissioned")
def _(sim: Simulator) -> None:
    message = (
        "The model `llama-3.1-70b-versatile` has been decommissioned and is no longer supported. Please "
        "refer to https://console.groq.com/docs/deprecations for a recommendation on which model to use "
        "instead."
    )
    refusal = {"message": message, "type": "invalid_request_error", "code": "model_decommissioned"}
    sim.refuse(as_json({"error": refusal}, 400))
    sim.catalog(
        {"object": "list", "data": [{"id": "llama-3.3-70b-versatile", "object": "model", "owned_by": "Meta"}]}
    )


@report("openrouter-embedding-on-chat")
def _(sim: Simulator) -> None:
    message = (
        f"{sim.model_id} is an embedding model and cannot be used with the chat/completions endpoint. "
        "Use the /embeddings endpoint instead."
    )
    sim.traits(kind="embedding")
    sim.mismatch_reply = as_json({"error": {"message": message, "code": 400}}, 400)


@report("fastflowlm-downloads-other-model")
def _(sim: Simulator) -> None:
    """Whatever is asked, the model that is loaded answers, under its own name."""
    sim.key, sim.fallback = "", "llama3.2:1b"
    sim.serve_instead(Model("llama3.2:1b"), Model("qwen3:0.6b"))


@report("mistral-400-invalid-model-1500")
def _(sim: Simulator) -> None:
    sim.serve_instead(Model("mistral-large-latest"), Model("mistral-small-latest"))
    sim.unknown_reply = lambda name: as_json(
        {
            "object": "error",
            "message": f"Invalid model: {name}",
            "type": "invalid_model",
            "param": None,
            "code": "1500",
        },
        400,
    )


@report("anthropic-alias-not-in-list")
def _(sim: Simulator) -> None:
    dated = "claude-haiku-4-5-20251001"
    sim.catalog({"data": [{"id": dated, "object": "model", "created": 1759276800, "owned_by": "anthropic"}]})
    sim.edit(lambda asked, answer: answer | {"model": dated})
    sim.unknown_reply = lambda name: as_json(
        {
            "error": {
                "code": "not_found_error",
                "message": f"model: {name}",
                "type": "not_found_error",
                "param": None,
            }
        },
        404,
    )


@report("lmstudio-no-context-metadata")
def _(sim: Simulator) -> None:
    sim.key = ""
    sim.catalog(
        {
            "data": [{"id": sim.model_id, "object": "model", "owned_by": "organization_owner"}],
            "object": "list",
        }
    )


@report("models-404-cloudflare-workers-ai")
def _(sim: Simulator) -> None:
    failure = {"code": 7000, "message": "No route for that URI"}
    sim.catalog(as_json({"success": False, "errors": [failure], "messages": [], "result": None}, 404))


@report("together-models-bare-array")
def _(sim: Simulator) -> None:
    pricing = {"hourly": 0, "input": 0.88, "output": 0.88, "base": 0, "finetune": 0}
    listed = {
        "id": sim.model_id,
        "object": "model",
        "created": 1733443200,
        "type": "chat",
        "context_length": 131072,
    }
    other = {
        "id": "BAAI/bge-base-en-v1.5",
        "object": "model",
        "created": 0,
        "type": "embedding",
        "context_length": 512,
    }
    sim.catalog([listed | {"pricing": pricing}, other | {"pricing": pricing}])


@report("models-404-glm-paas-v4")
def _(sim: Simulator) -> None:
    sim.lost_reply = html(404, "404 Not Found")
    sim.catalog(None)


@report("openrouter-list-without-object-list")
def _(sim: Simulator) -> None:
    sim.catalog({"data": [{"id": sim.model_id, "name": "OpenAI: GPT-4o-mini", "context_length": 128000}]})


@report("gemini-models-prefix")
def _(sim: Simulator) -> None:
    names = ("models/gemini-3.1-pro-preview", "models/gemini-2.5-flash")
    sim.catalog(
        {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "google"} for name in names]}
    )


@report("one-api-bare-array-permission-object")
def _(sim: Simulator) -> None:
    listed = {"id": sim.model_id, "object": "model", "created": 1677649963, "owned_by": "openai"}
    sim.catalog([listed | {"permission": {"id": "modelperm-1"}, "root": sim.model_id, "parent": None}])


@report("proxy-max-input-tokens-metadata")
def _(sim: Simulator) -> None:
    listed = {"id": sim.model_id, "object": "model", "created": 1677610602, "owned_by": "openai"}
    listed |= {"max_input_tokens": 262144, "max_output_tokens": 262144}
    sim.catalog({"object": "list", "data": [listed]})


@report("models-list-mixed-types")
def _(sim: Simulator) -> None:
    rows = (("gpt-4o", "chat", "chat/completions"), ("bge-m3", "embedding", "embeddings"))
    listed = [
        {"id": name, "object": "model", "type": kind, "endpoint": f"/v1/{path}", "access": "public"}
        for name, kind, path in (*rows, (sim.model_id, "audio", "audio/transcriptions"))
    ]
    sim.traits(kind="stt")
    sim.serve_also(Model("gpt-4o"), Model("bge-m3", "embedding"))
    sim.mismatch_reply = error(400, f"Invalid model for this endpoint: {sim.model_id}")
    sim.catalog({"object": "list", "data": listed})


@report("moderations-missing-404")
def _(sim: Simulator) -> None:
    sim.key = ""
    sim.traits(kind="chat")
    sim.on("/moderations", as_json({"error": {"code": 404, "message": "Not Found", "type": ""}}, 404))


@report("azure-moderations-404-resource-not-found")
def _(sim: Simulator) -> None:
    """A deployment of a chat model: its path names the model, and nothing is served without the version."""
    lost = as_json({"error": {"code": "404", "message": "Resource not found"}}, 404)
    sim.serve_instead(Model("gpt4"))
    sim.fallback = "gpt4"
    sim.catalog(None)
    sim.on("/moderations", lost)
    sim.lost_reply = lost
    sim.every(lost, when=lambda request: "api-version=" not in request.query)


@report("cloudflare-1010-python-ua")
def _(sim: Simulator) -> None:
    page = html(403, "Attention Required! | Cloudflare", server="cloudflare", cf_ray="8f0000000000abcd-AMS")
    sim.every(page, when=lambda request: agent(request).startswith(("openai/python", "python-requests")))


@report("cloudflare-1010-plain-text")
def _(sim: Simulator) -> None:
    refusal = text(403, "error code: 1010", "text/plain; charset=UTF-8", server="cloudflare")
    sim.every(refusal, when=lambda request: not agent(request) or agent(request).startswith("python"))


@report("cloudflare-ua-block-only-large-body")
def _(sim: Simulator) -> None:
    refusal = text(403, "error code: 1010", "text/plain; charset=UTF-8", server="cloudflare")
    sim.every(
        refusal, when=lambda request: len(request.body) > 700 and agent(request).startswith("python-requests")
    )


def agent(request: Any) -> str:
    """The User-Agent in lower case."""
    return str(request.headers.get("user-agent", "")).lower()
