"""Second round: the cross-check knows every type (rule 24), the search for a base ends (25), sockets (27)."""

from __future__ import annotations

from app.practice.models import Model
from app.practice.wire import Reply, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import text, vllm
from tests.endpoints.second import accepted, rejected

VLLM_REALTIME = "https://github.com/modelscope/FunASR/issues/3203"


@rejected(
    "r24-pooling-model-typed-as-chat",
    "https://github.com/QwenLM/Qwen3-VL/issues/988",
    "wrong_model_type",
    "model_type",
    model="jina-embeddings-v3",
    shows="does not support Chat Completions API",
)
def _(sim: Simulator) -> None:
    """vLLM with a pooling model: chat is refused, vectors come."""
    sim.traits(kind="embedding")
    sim.mismatch_reply = vllm(400, "The model does not support Chat Completions API")


@rejected(
    "r24-listed-as-audio",
    "https://inference.readthedocs.io/en/latest/models/model_abilities/audio.html",
    "wrong_model_type",
    "model_type",
    model="CosyVoice2-0.5B",
    words=("tts",),
    shows="is not a chat model",
)
def _(sim: Simulator) -> None:
    """Xinference: the catalog calls it audio, and what it does is speech, not hearing."""
    entry = {"id": sim.model_id, "object": "model", "model_type": "audio", "model_ability": ["text2audio"]}
    sim.traits(kind="tts")
    sim.catalog({"object": "list", "data": [entry]})
    sim.mismatch_reply = as_json({"detail": f"Model {sim.model_id} is not a chat model"}, 400)


@rejected(
    "r24-options-are-rerank",
    "https://docs.vllm.ai/en/latest/models/pooling_models.html",
    "wrong_model_type",
    "model_type",
    kind="embedding",
    model="BAAI/bge-reranker-v2-m3",
    shows="Options are",
)
def _(sim: Simulator) -> None:
    """The refusal of vectors names the only task that there is, in the notation of a set."""
    sim.traits(kind="rerank")
    sim.mismatch_reply = vllm(400, "Unsupported task: 'embed' for this model. Options are {'rerank'}")


@rejected(
    "r24-base-model-without-a-template",
    "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#chat-template",
    "wrong_model_type",
    "model_type",
    model="meta-llama/Llama-3.1-8B",
    shows="chat template",
)
def _(sim: Simulator) -> None:
    """vLLM: no chat template, so no chat; the same id completes texts."""
    message = (
        "As of transformers v4.44, default chat template is no longer allowed, so you must provide a "
        "chat template "
        "if the tokenizer does not define one."
    )
    sim.traits(kind="completion")
    sim.mismatch_reply = vllm(400, message)


@rejected(
    "r24-own-route-below-another-base",
    "https://docs.litellm.ai/docs/embedding/supported_embedding",
    "wrong_path",
    "base_url",
    path="",
    kind="embedding",
    model="text-embedding-3-small",
    suggests={"base_url": "/v1"},
    shows="Not Found",
)
def _(sim: Simulator) -> None:
    """Chat is served at the root too, vectors at /v1 only: the path is wrong, not the type."""
    inside = sim.path
    sim.prefix = "/v1"
    sim.serve_also(Model("gpt-4o-mini"))
    sim.lost_reply = as_json({"detail": "Not Found"}, 404)
    sim.path = lambda request: (  # type: ignore[method-assign]
        request.path if request.path in ("/chat/completions", "/models") else inside(request)
    )


@rejected(
    "r24-unknown-id-of-the-right-type",
    "https://docs.mistral.ai/capabilities/embeddings/",
    "model_not_found",
    "model_id",
    kind="embedding",
    model="mistral-embed-2",
    suggests={"model_id": "mistral-embed"},
    shows="does not exist",
)
def _(sim: Simulator) -> None:
    """Chat models work at this endpoint, but that is no reason to doubt the type: the id is wrong."""
    sim.serve_instead(Model("mistral-embed", "embedding"), Model("mistral-small"))


@rejected(
    "r25-pass-through-looks-alike",
    "https://docs.litellm.ai/docs/pass_through/openai_passthrough",
    "wrong_path",
    "base_url",
    path="",
    suggests={"base_url": "/v1"},
    calls=24,
    shows="Not Found",
)
def _(sim: Simulator) -> None:
    """LiteLLM: /v1 works; /openai/… passes through to a vendor that does not know the model."""
    sim.prefix = "/v1"
    sim.lost_reply = as_json({"detail": "Not Found"}, 404)
    passed = error(404, f"The model `{sim.model_id}` does not exist", code="model_not_found")
    sim.rules.append(lambda request: passed if request.path.startswith("/openai/") else None)


@accepted(
    "r25-pass-through-is-what-was-typed",
    "https://docs.litellm.ai/docs/pass_through/openai_passthrough",
    path="/openai",
    model="gpt-4o",
)
def _(sim: Simulator) -> None:
    """The pass-through itself was typed, and works: it is no look-alike, whatever else is at /v1."""
    sim.rules.append(lambda request: error(401, "No key") if request.path.startswith("/v1/") else None)


@rejected(
    "r25-nothing-anywhere",
    "https://fastapi.tiangolo.com/tutorial/first-steps/",
    "wrong_path not_openai_compatible",
    "base_url",
    path="/v1",
    calls=24,
    shows="Not Found",
)
def _(sim: Simulator) -> None:
    """Another API in JSON: no base works, and the search for one ends soon."""
    sim.every(as_json({"detail": "Not Found"}, 404))


@rejected(
    "r25-parameters-refused-where-it-is-listed",
    "https://docs.cohere.com/docs/compatibility-api",
    "endpoint_error",
    "base_url",
    path="/compatibility/v1",
    model="command-a",
    calls=24,
    shows="invalid combination",
)
def _(sim: Simulator) -> None:
    """The model is listed here and its parameters are refused: no other base is looked for."""
    sim.refuse(as_json({"id": "5f2", "message": "invalid combination of request fields"}, 422))


@rejected(
    "r27-403-of-a-server-without-sockets",
    VLLM_REALTIME,
    "wrong_model_type wrong_path",
    "model_type base_url",
    kind="realtime",
    model="Qwen/Qwen3-8B",
    shows="403",
)
def _(sim: Simulator) -> None:
    """vLLM behind uvicorn: a socket that has no route is refused with 403 and no body; the model chats."""
    sim.traits(kind="chat")
    sim.upgrade = lambda request: Reply(403, b"", "text/plain; charset=utf-8")  # type: ignore[method-assign]


@rejected(
    "r27-404-of-a-server-without-sockets",
    "https://www.starlette.io/websockets/",
    "wrong_model_type wrong_path",
    "model_type base_url",
    kind="realtime",
    model="Systran/faster-whisper-small",
    shows="404",
)
def _(sim: Simulator) -> None:
    """hypercorn says 404 where uvicorn says 403; the model transcribes."""
    sim.traits(kind="stt")
    sim.upgrade = lambda request: Reply(404, b"", "")  # type: ignore[method-assign]


@rejected(
    "r27-403-with-a-reason",
    "https://learn.microsoft.com/azure/ai-foundry/openai/how-to/realtime-audio",
    "permission_denied",
    "api_key model_id",
    kind="realtime",
    model="gpt-realtime",
    shows="403",
)
def _(sim: Simulator) -> None:
    """A socket refused with 403 that says why in JSON: this one is a matter of permission."""
    message = "Access denied: the project of this key may not use the realtime API."
    refusal = error(403, message, code="permission_denied")
    sim.upgrade = lambda request: sim.admit(request) or refusal  # type: ignore[method-assign]


@accepted(
    "r27-a-socket-that-opens",
    "https://platform.openai.com/docs/guides/realtime-websocket",
    kind="realtime",
    model="gpt-realtime-mini",
    shows="session.created",
)
def _(sim: Simulator) -> None:
    """A realtime model as it should be, beside which plain HTTP has no chat."""
    sim.lost_reply = text(404, "404 page not found")
