"""Second round, what real servers taught: controls (rule 21), the stored base (22), vectors (23)."""

from __future__ import annotations

import itertools
from typing import Any

from app.practice.models import Model
from app.practice.wire import Reply, Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.now_and_then import at_first
from tests.endpoints.own import briefly
from tests.endpoints.replies import text
from tests.endpoints.second import accepted, rejected

JSON = Any
EMBED = "/embeddings"
LLAMA_CPP = "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md"
NO_VECTOR = "endpoint_error wrong_model_type not_openai_compatible"
LOADED = "qwen3-8b-q4_k_m.gguf"


def serve_whatever(sim: Simulator) -> None:
    """Answer any id with the one model that is loaded, which the catalog tells; no key is looked at."""
    sim.key, sim.fallback = "", LOADED
    sim.serve_instead(Model(LOADED))
    sim.edit(lambda asked, answer: answer | {"model": asked["model"]})


def strange(sim: Simulator, asked: JSON) -> bool:
    """Whether an id is neither the typed nor the loaded one."""
    return asked.get("model") not in (sim.model_id, LOADED)


@rejected(
    "r21-control-answered-with-nothing",
    LLAMA_CPP,
    "model_not_found",
    "model_id",
    model="gpt-4o",
    suggests={"model_id": LOADED},
    shows=({"model": "an-id-that-cannot-exist"}, '"content": ""'),
)
def _(sim: Simulator) -> None:
    """llama.cpp: any id is answered, an impossible one now and then with an empty choice."""

    def emptied(asked: JSON, answer: JSON) -> JSON:
        if strange(sim, asked):
            answer["choices"][0] |= {"message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
        return answer

    serve_whatever(sim)
    sim.edit(emptied)


@rejected(
    "r21-control-cut-at-once",
    LLAMA_CPP,
    "model_not_found",
    "model_id",
    model="claude-3-opus",
    suggests={"model_id": LOADED},
    shows=({"model": "an-id-that-cannot-exist"}, '"content": null'),
)
def _(sim: Simulator) -> None:
    """The same, with a choice whose content is null and whose end is none of the usual."""

    def emptied(asked: JSON, answer: JSON) -> JSON:
        if strange(sim, asked):
            answer["choices"][0] |= {"message": {"role": "assistant", "content": None}, "finish_reason": None}
        return answer

    serve_whatever(sim)
    sim.edit(emptied)


@rejected(
    "r21-control-hits-a-busy-slot",
    LLAMA_CPP,
    "model_not_found",
    "model_id",
    model="gpt-4o-mini",
    suggests={"model_id": LOADED},
    shows=({"model": "an-id-that-cannot-exist"}, "slot unavailable"),
)
def _(sim: Simulator) -> None:
    """The first control meets a busy slot (503), which refuses no id: asked again, it is answered."""
    busy = error(503, "slot unavailable", kind="unavailable_error", code=503)
    waited = at_first(1, busy)
    serve_whatever(sim)
    sim.refuse(lambda request: waited(request) if strange(sim, request.json) else None)


@accepted(
    "r21-control-refused-after-a-load",
    "https://github.com/mostlygeek/llama-swap/blob/main/README.md",
    model="qwen3:latest-alias",
    shows=({"model": "an-id-that-cannot-exist"}, "overloaded"),
)
def _(sim: Simulator) -> None:
    """An alias that the catalog leaves out; the first control meets a 503, the next is refused."""
    busy = at_first(1, error(503, "overloaded, try again", kind="server_error"))
    sim.catalog({"object": "list", "data": [{"id": "qwen3-32b", "object": "model"}]})
    sim.doors.append(lambda request: busy(request) if foreign(sim, request) else None)


def foreign(sim: Simulator, request: Request) -> bool:
    """Whether a chat request names another model than the typed one."""
    named = request.json.get("model") if isinstance(request.json, dict) else None
    return named is not None and named != sim.model_id


@rejected(
    "r22-native-embeddings",
    LLAMA_CPP,
    "wrong_path",
    "base_url",
    path="",
    kind="embedding",
    model="bge-m3",
    suggests={"base_url": "/v1"},
    shows='[{"index": 0, "embedding": [[',
)
def _(sim: Simulator) -> None:
    """llama.cpp: the root has a native route of the same name, whose answer no OpenAI client reads."""

    def native(request: Request) -> Reply | None:
        if request.path != "/embeddings" or request.method != "POST":
            return None
        texts = request.json.get("input", request.json.get("content", ""))
        many = texts if isinstance(texts, list) else [texts]
        return as_json([{"index": at, "embedding": [[0.1 * (at + 1), -0.2, 0.3]]} for at in range(len(many))])

    sim.prefix, sim.key = "/v1", ""
    sim.rules.append(native)


@rejected(
    "r22-ranks-at-v2-only",
    "https://docs.cohere.com/reference/rerank",
    "wrong_path",
    "base_url",
    kind="rerank",
    model="rerank-v3.5",
    suggests={"base_url": "/v2"},
    shows="page not found",
)
def _(sim: Simulator) -> None:
    """Cohere: scores come from /v2/rerank; the typed base has no such route."""
    sim.prefix = "/v2"
    sim.lost_reply = text(404, "404 page not found")


@rejected(
    "r22-ranks-below-v1",
    "https://docs.voyageai.com/reference/reranker-api",
    "wrong_path",
    "base_url",
    path="",
    kind="rerank",
    model="rerank-2.5",
    suggests={"base_url": "/v1"},
    shows="Not Found",
)
def _(sim: Simulator) -> None:
    """Voyage: scores come from /v1/rerank, the typed base is the root."""
    sim.prefix = "/v1"
    sim.lost_reply = as_json({"detail": "Not Found"}, 404)


@accepted(
    "r22-the-root-speaks-it-too",
    "https://github.com/huggingface/text-embeddings-inference/blob/main/README.md",
    path="",
    kind="embedding",
    model="BAAI/bge-base-en-v1.5",
)
def _(sim: Simulator) -> None:
    """A server whose root answers in the API's own shape, with /v1 beside it: the root is right as typed."""
    inside = sim.path
    sim.path = lambda request: inside(request).removeprefix("/v1")  # type: ignore[method-assign]


def vectors(sim: Simulator, change: Any) -> None:
    """Change every vector: `change(number of the call, place in the call, vector)`."""
    calls = itertools.count()

    def changed(asked: JSON, answer: JSON) -> JSON:
        call = next(calls)
        rows = [
            row | {"embedding": change(call, at, row["embedding"])} for at, row in enumerate(answer["data"])
        ]
        return answer | {"data": rows}

    sim.ignore("encoding_format", path=EMBED)
    sim.edit(changed, EMBED)
    briefly(sim)


@rejected(
    "r23-all-alike",
    "https://github.com/mudler/LocalAI/issues/6257",
    NO_VECTOR,
    kind="embedding",
    model="qwen3-embedding-0.6b",
    shows="0.0625",
)
def _(sim: Simulator) -> None:
    """LocalAI: the same vector whatever the text is."""
    vectors(sim, lambda call, at, vector: [0.0625 if place % 2 else -0.0625 for place in range(256)])


@rejected(
    "r23-all-but-one-vanish",
    "https://github.com/ggml-org/llama.cpp/issues/23509",
    NO_VECTOR,
    kind="embedding",
    model="Qwen3-4B-Q4_K_M.gguf",
    shows="0.0, 0.0",
)
def _(sim: Simulator) -> None:
    """A causal model asked for vectors: one number says something, the rest is nought."""
    vectors(sim, lambda call, at, vector: [1.0, *[0.0] * (len(vector) - 1)])


@rejected(
    "r23-another-one-each-time",
    "https://github.com/ollama/ollama/pull/7406",
    NO_VECTOR,
    kind="embedding",
    model="bge-reranker-v2-m3",
    shows="e+3",
)
def _(sim: Simulator) -> None:
    """A reranker asked for vectors gives memory that nobody wrote: enormous, never twice the same."""
    wild = [(-1.0) ** place * 3.1e35 * (place % 7 + 1) for place in range(256)]
    vectors(
        sim, lambda call, at, vector: [one * ((call * 2 + at + place) % 5) for place, one in enumerate(wild)]
    )


@accepted(
    "r23-noise-of-half-precision",
    "https://docs.vllm.ai/en/latest/models/pooling_models.html",
    kind="embedding",
    model="BAAI/bge-m3",
)
def _(sim: Simulator) -> None:
    """The same text twice differs in the sixth place, as in batches of half precision: good vectors."""
    vectors(
        sim, lambda call, at, vector: [one + 1e-6 * ((call + place) % 3) for place, one in enumerate(vector)]
    )
