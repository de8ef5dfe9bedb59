"""Field reports about embeddings, images, ranks and sounds."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from typing import Any

from app.practice.api import Practice
from app.practice.models import Model
from app.practice.wire import Reply, Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.replies import text, vllm
from tests.endpoints.reports import report
from tests.endpoints.reports_base_url import unexpected_endpoint

JSON = Any
KOKORO = ("af_heart", "af_bella", "am_adam", "bf_emma", "zf_xiaobei")


@report("completions-suffix-unsupported-5xx")
def _(sim: Simulator) -> None:
    sim.key = ""
    sim.refuse(
        text(500, "Unsupported param: suffix"), when=lambda body: "suffix" in body, path="/completions"
    )


@report("localai-base64-ignored-float-list")
def _(sim: Simulator) -> None:
    sim.ignore("encoding_format", path="/embeddings")


@report("llamacpp-dimensions-silently-ignored")
def _(sim: Simulator) -> None:
    sim.traits(dimensions=768)
    sim.ignore("dimensions", path="/embeddings")


@report("openai-embeddings-base64-string", "openai-embeddings-empty-string-400")
def _(sim: Simulator) -> None:
    """The base does as OpenAI: base64 where asked, and no empty texts."""
    sim.traits(dimensions=1536)


@report("vllm-dimensions-matryoshka-400")
def _(sim: Simulator) -> None:
    message = (
        'Model "bge-m3" does not support matryoshka representation, '
        "changing output dimensions will lead to poor results."
    )
    sim.traits(dimensions=1024)
    sim.refuse(vllm(400, message), when=lambda body: body.get("dimensions") is not None, path="/embeddings")


@report("tei-embedding-nulls")
def _(sim: Simulator) -> None:
    def nulls(asked: JSON, answer: JSON) -> JSON:
        for row in answer["data"]:
            row["embedding"] = [None] * len(row["embedding"])
        return answer

    sim.ignore("encoding_format", path="/embeddings")
    sim.edit(nulls, path="/embeddings")


@report("image-url-only-response")
def _(sim: Simulator) -> None:
    picture = {"url": "https://images.example.com/private/img-1.png?sig=1", "revised_prompt": "A red square"}
    sim.edit(lambda asked, answer: answer | {"data": [picture]}, path="/images/generations")


@report("image-size-param-unsupported")
def _(sim: Simulator) -> None:
    refusal = {"code": "Client specified an invalid argument", "error": "Argument not supported: size"}
    sim.refuse(as_json(refusal, 400), when=lambda body: "size" in body, path="/images/generations")


@report("agnes-image-litellm-unsupported-params")
def _(sim: Simulator) -> None:
    message = (
        "***.UnsupportedParamsError: Setting `response_format` is not supported by openai, "
        "agnes-t2i-general-model. To drop it from the call, set `litellm.drop_params = True`"
    )
    refusal = as_json({"error": {"message": message, "type": "None", "param": "", "code": "400"}}, 400)
    sim.refuse(refusal, when=lambda body: "response_format" in body, path="/images/generations")


@report("rerank-top-n-null-400")
def _(sim: Simulator) -> None:
    detail = {
        "type": "int_type",
        "loc": ["body", "top_n"],
        "msg": "Input should be a valid integer",
        "input": None,
    }
    refusal = as_json({"detail": [detail]}, 400)
    sim.refuse(refusal, when=lambda body: body.get("top_n", 1) is None, path="/rerank")


@report("tei-rerank-texts-not-documents")
def _(sim: Simulator) -> None:
    """TEI: its own route, texts for documents, no model in the request, no catalog."""

    def ranked(request: Request) -> Reply:
        if "texts" not in request.json:
            lacking = "missing field `texts` at line 1 column 90"
            refusal = f"Failed to deserialize the JSON body into the target type: {lacking}"
            return text(422, refusal, "text/plain; charset=utf-8")
        asked = {"query": request.json["query"], "documents": request.json["texts"], "model": sim.model_id}
        answer = Practice([Model(sim.model_id, "rerank")], key="", prefix="").route(
            Request("POST", "/rerank", body=as_json(asked).body)  # type: ignore[arg-type]
        )
        return as_json(
            [{"index": row["index"], "score": row["relevance_score"]} for row in answer.json["results"]]
        )

    sim.on("/rerank", ranked)
    sim.lost_reply = Reply(404)
    sim.every(Reply(404), when=lambda request: request.path != "/rerank")


@report("rerank-endpoint-200-without-results")
def _(sim: Simulator) -> None:
    sim.key = ""
    sim.traits(kind="embedding")
    sim.lost_reply = unexpected_endpoint
    sim.on("/rerank", unexpected_endpoint)


@report("gpt4o-transcribe-verbose-json")
def _(sim: Simulator) -> None:
    message = (
        "response_format 'verbose_json' is not compatible with model 'gpt-4o-mini-transcribe-api-ev3'. "
        "Use 'json' or 'text' instead."
    )
    refusal = error(400, message, param="response_format", code="unsupported_value")
    sim.refuse(
        refusal,
        when=lambda form: form.get("response_format") == b"verbose_json",
        path="/audio/transcriptions",
    )


@report("whispercpp-under-1s-empty")
def _(sim: Simulator) -> None:
    def heard(form: JSON, answer: JSON) -> JSON:
        with wave.open(io.BytesIO(form["file"])) as sound:
            short = sound.getnframes() / sound.getframerate() < 1
        return {"text": "" if short else answer["text"]}

    sim.key = ""
    sim.edit(heard, path="/audio/transcriptions")


@report("openai-stt-min-0.1s")
def _(sim: Simulator) -> None:
    """The base does as OpenAI: too short a sound is refused."""


@report("speaches-422-voice-list")
def _(sim: Simulator) -> None:
    def refusal(request: Request) -> Reply:
        voices = ", ".join(f"'{voice}'" for voice in KOKORO)
        asked = request.json.get("voice")
        message = f"Value error, Voice '{asked}' is not supported. Supported voices: {voices}"
        detail = {
            "type": "value_error",
            "loc": ["body"],
            "msg": message,
            "input": request.json,
            "ctx": {"error": {}},
        }
        return as_json({"detail": [detail]}, 422)

    sim.key = ""
    sim.refuse(refusal, when=lambda body: body.get("voice") not in KOKORO, path="/audio/speech")
    sim.reads(lambda body: body | {"voice": "alloy"}, path="/audio/speech")


@report("lemonade-tts-missing-input")
def _(sim: Simulator) -> None:
    sim.key = ""
    refusal = as_json(
        {"error": {"message": "Missing 'input' field in request", "type": "invalid_request_error"}}
    )
    sim.refuse(refusal, when=lambda body: not body.get("input"), path="/audio/speech")
    sim.reads(lambda body: {"voice": "alloy"} | body, path="/audio/speech")


@report("realtime-beta-header-unknown-parameter-events")
def _(sim: Simulator) -> None:
    """The session is there; an update of it is refused by an event."""
    failure = {
        "type": "invalid_request_error",
        "code": "unknown_parameter",
        "message": "Unknown parameter: 'session.turn_detection'.",
        "param": "session.turn_detection",
    }
    opened = sim.session

    def session(request: Request, arriving: Iterator[JSON]) -> Iterator[JSON]:
        yield next(opened(request, arriving))
        for _ in arriving:
            yield {"type": "error", "event_id": "event_2", "error": failure}

    sim.session = session  # type: ignore[method-assign]


@report("realtime-fake-key-connects-real-key-403")
def _(sim: Simulator) -> None:
    """The right key lacks access and is refused at the door; a wrong one gets in, and is told so there."""

    def session(request: Request, arriving: Iterator[JSON]) -> Iterator[JSON]:
        yield {"type": "error", "event_id": "event_1", "error": Practice().admit(request).json["error"]}  # type: ignore[union-attr]

    sim.upgrade = lambda request: Reply(403) if request.key == sim.key else None  # type: ignore[method-assign]
    sim.session = session  # type: ignore[method-assign]
