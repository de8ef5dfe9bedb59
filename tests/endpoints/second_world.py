"""Second round: servers and vendors that no list named: types, permissions, bases."""

from __future__ import annotations

from typing import Any

from app.practice.models import Model
from app.practice.wire import Reply, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import html, text
from tests.endpoints.second import rejected

JSON = Any


@rejected(
    "r24-listed-and-not-found-on-this-route",
    "https://github.com/ai-dynamo/dynamo/issues/312",
    "wrong_model_type",
    "model_type",
    kind="completion",
    model="deepseek-ai/DeepSeek-R1-Distill-Llama-8B",
    suggests={"model_type": "chat"},
    shows="Model not found",
)
def _(sim: Simulator) -> None:
    """Dynamo: each route has models of its own, and the list holds all of them."""
    sim.traits(kind="chat")
    sim.mismatch_reply = as_json({"error": "Model not found"}, 404)


@rejected(
    "r24-unlisted-id-that-says-what-it-is",
    "https://docs.litellm.ai/docs/embedding/supported_embedding",
    "wrong_model_type",
    "model_type",
    model="text-embedding-3-small",
    suggests={"model_type": "embedding"},
    shows="does not exist",
)
def _(sim: Simulator) -> None:
    """The list holds models that chat, and the one for embeddings is unknown where one chats."""
    message = f"The model `{sim.model_id}` does not exist"
    sim.traits(kind="embedding")
    sim.serve_also(Model("gpt-4o-mini"))
    sim.catalog({"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model"}]})
    sim.mismatch_reply = error(404, message, code="model_not_found")


@rejected(
    "r24-not-allowed-to-sample",
    "https://platform.openai.com/docs/guides/error-codes",
    "wrong_model_type",
    "model_type",
    model="text-embedding-3-large",
    suggests={"model_type": "embedding"},
    shows="not allowed to sample",
)
def _(sim: Simulator) -> None:
    """OpenAI: what sounds like a missing permission is the wrong operation."""
    sim.traits(kind="embedding")
    sim.mismatch_reply = error(403, "You are not allowed to sample from this model")


@rejected(
    "r24-not-allowed-to-sample-at-all",
    "https://platform.openai.com/docs/guides/error-codes",
    "permission_denied",
    "model_id",
    model="gpt-5-pro",
    shows="not allowed to sample",
)
def _(sim: Simulator) -> None:
    """The same words of a model that works as nothing else: here it is a permission."""
    refusal = error(403, "You are not allowed to sample from this model")
    sim.rules.append(lambda request: refusal if request.method == "POST" else None)


@rejected(
    "r24-pictures-are-made-by-others",
    "https://platform.openai.com/docs/api-reference/images/create",
    "wrong_model_type",
    "model_type",
    kind="image",
    model="gpt-4o",
    suggests={"model_type": "chat"},
    shows="Value must be",
)
def _(sim: Simulator) -> None:
    """The refusal names the ids that draw; the typed one is listed, and chats."""
    message = "Invalid value: 'gpt-4o'. Value must be 'dall-e-2', 'dall-e-3', or 'gpt-image-1'."
    sim.traits(kind="chat")
    sim.mismatch_reply = error(400, message, param="model", code="invalid_value")


@rejected(
    "r24-started-for-chat",
    "https://github.com/abetlen/llama-cpp-python/blob/main/llama_cpp/llama.py",
    "wrong_model_type",
    "model_type",
    kind="embedding",
    model="llama-3.1-8b",
    shows="embedding=True",
)
def _(sim: Simulator) -> None:
    """llama-cpp-python: an error of the program that says how it was to be started."""
    message = "Llama model must be created with embedding=True to call this method"
    sim.traits(kind="chat")
    sim.mismatch_reply = error(500, message, kind="internal_server_error")


@rejected(
    "r09-what-the-model-requires",
    "https://platform.openai.com/docs/guides/audio",
    "endpoint_error",
    "base_url",
    model="gpt-audio",
    shows="contain audio",
)
def _(sim: Simulator) -> None:
    """A sentence about what the request lacks is no word of a missing model."""
    message = "This model requires that either input content or output modality contain audio."
    sim.refuse(error(400, message, param="model", code="invalid_value"))


@rejected(
    "r07-forbidden-and-unlisted",
    "https://docs.litellm.ai/docs/proxy/model_access",
    "model_not_found",
    "model_id",
    model="gpt-9",
    shows="Forbidden",
)
def _(sim: Simulator) -> None:
    """A gateway says 403 and no more of an id that it does not list; the listed one works."""
    sim.serve_instead(Model("gpt-4o-mini"))
    sim.unknown_reply = lambda name: error(403, "Forbidden")


BASES: tuple[tuple[str, str, str, Reply, str], ...] = (
    (
        "docker-model-runner",
        "",
        "/engines/v1",
        text(404, "404 page not found"),
        "https://docs.docker.com/ai/model-runner/api-reference/",
    ),
    (
        "open-webui",
        "/v1",
        "/api",
        as_json({"detail": "Method Not Allowed"}, 405),
        "https://docs.openwebui.com/getting-started/api-endpoints/",
    ),
    (
        "ark",
        "/v1",
        "/api/v3",
        text(404, "404 page not found"),
        "https://www.volcengine.com/docs/82379/1298454",
    ),
    (
        "a-serverless-worker",
        "/v2/abc123",
        "/v2/abc123/openai/v1",
        Reply(404, b"", ""),
        "https://docs.runpod.io/serverless/vllm/openai-compatibility",
    ),
    (
        "below-the-version",
        "/v1",
        "/v1/openai",
        as_json({"detail": "Not Found"}, 404),
        "https://deepinfra.com/docs/openai_api",
    ),
    (
        "a-server-that-says-nothing",
        "",
        "/v1",
        text(200, ""),
        "https://caddyserver.com/docs/caddyfile/directives/respond",
    ),
)


def at_another_base(base: str, elsewhere: Reply) -> Any:
    """An endpoint whose API is at this base; every other path is answered so."""

    def change(sim: Simulator) -> None:
        """The API is at another base."""
        sim.prefix, sim.lost_reply = base, elsewhere

    return change


for _name, _typed, _base, _elsewhere, _source in BASES:
    _shown = _elsewhere.body.decode() if isinstance(_elsewhere.body, bytes) else ""
    rejected(
        f"r13-{_name}",
        _source,
        "wrong_path",
        "base_url",
        path=_typed,
        suggests={"base_url": _base},
        shows=_shown or "content-length: 0",
    )(at_another_base(_base, _elsewhere))


@rejected(
    "r22-ranks-elsewhere-at-v2",
    "https://docs.cohere.com/reference/rerank",
    "wrong_path",
    "base_url",
    path="/compatibility/v1",
    kind="rerank",
    model="rerank-v4.0",
    suggests={"base_url": "/v2"},
    shows="Invalid URL",
)
def _(sim: Simulator) -> None:
    """The base for chat was typed; Cohere ranks at /v2, whatever other bases there are."""
    sim.prefix = "/v2"


@rejected(
    "r13-nothing-but-empty-answers",
    "https://caddyserver.com/docs/caddyfile/directives/respond",
    "not_openai_compatible",
    "base_url",
    shows="content-length: 0",
)
def _(sim: Simulator) -> None:
    """A web server that has no site for this name: 200 and nothing, whatever is asked."""
    sim.every(text(200, ""))


@rejected(
    "r13-sockets-only",
    "https://www.rfc-editor.org/rfc/rfc9110#name-426-upgrade-required",
    "not_openai_compatible wrong_path endpoint_error",
    "base_url",
    shows="Upgrade Required",
)
def _(sim: Simulator) -> None:
    """A server of sockets answers 426; nothing answers over https, so that is not the way."""
    sim.every(text(426, "Upgrade Required"))


@rejected(
    "r25-two-mistakes-at-once",
    "https://docs.openwebui.com/getting-started/api-endpoints/",
    "wrong_path",
    "base_url",
    path="",
    model="llama3",
    suggests={"base_url": "/api/v1"},
    calls=25,
    shows="Not Found",
)
def _(sim: Simulator) -> None:
    """The base lacks its prefix, and the id is wrong: the base comes first, though no call works there."""
    sim.prefix = "/api/v1"
    sim.lost_reply = html(404, "Not Found")
    sim.serve_instead(Model("llama3.1:8b"))
