"""Own behaviours: embeddings, completions, ranks, pictures, sounds, moderation, realtime."""

from __future__ import annotations

import base64
import struct
from dataclasses import replace
from typing import Any

from app.practice.media import silent_wav
from app.practice.models import Model
from app.practice.wire import Reply, Request, as_json, error
from tests.endpoints.base import Simulator
from tests.endpoints.own import accepted, rejected

JSON = Any
TEI = "https://huggingface.co/docs/text-embeddings-inference/"
NIM = "https://github.com/CherryHQ/cherry-studio/issues/16818"
VOYAGE = "https://docs.voyageai.com/reference/embeddings-api"
KOKORO = "https://github.com/p0n1/epub_to_audiobook/issues/147"
COHERE = "https://docs.cohere.com/reference/rerank"
EMBED, RERANK, IMAGE = "/embeddings", "/rerank", "/images/generations"
SPEECH, HEARING = "/audio/speech", "/audio/transcriptions"


@accepted("own-embedding-always-base64", VOYAGE, kind="embedding")
def _(sim: Simulator) -> None:
    """Vectors come as base64 whatever is asked."""
    sim.reads(lambda body: body | {"encoding_format": "base64"}, EMBED)


@accepted(
    "own-embedding-float-refused",
    "https://github.com/cocoindex-io/cocoindex-code/issues/148",
    kind="embedding",
)
def _(sim: Simulator) -> None:
    """400 where encoding_format is float."""
    message = "Argument 'encoding_format' is not valid. Accepted values are None and 'base64'."
    sim.refuse(as_json({"detail": message}, 400), lambda body: body.get("encoding_format") == "float", EMBED)


@accepted(
    "own-embedding-base64-refused", "https://github.com/vllm-project/vllm/issues/6174", kind="embedding"
)
def _(sim: Simulator) -> None:
    """400 where encoding_format is base64."""
    refusal = error(400, "base64 encoding is not currently supported", kind="BadRequestError", code=400)
    sim.refuse(refusal, lambda body: body.get("encoding_format") == "base64", EMBED)


@accepted("own-embedding-input-only-as-list", TEI, kind="embedding")
def _(sim: Simulator) -> None:
    """422 where the input is a string."""
    detail = {
        "type": "list_type",
        "loc": ["body", "input"],
        "msg": "Input should be a valid list",
        "input": "x",
    }
    sim.refuse(as_json({"detail": [detail]}, 422), lambda body: isinstance(body.get("input"), str), EMBED)


@accepted("own-embedding-input-only-as-string", TEI, kind="embedding")
def _(sim: Simulator) -> None:
    """422 where the input is a list."""
    detail = {
        "type": "string_type",
        "loc": ["body", "input"],
        "msg": "Input should be a valid string",
        "input": ["x"],
    }
    sim.refuse(as_json({"detail": [detail]}, 422), lambda body: isinstance(body.get("input"), list), EMBED)


@accepted("own-embedding-needs-input-type", NIM, kind="embedding", model="nvidia/nv-embedqa-e5-v5")
def _(sim: Simulator) -> None:
    """400 with a bare string where input_type is missing."""
    message = "'input_type' parameter is required for asymmetric models"
    sim.refuse(
        as_json({"error": message}, 400),
        lambda body: body.get("input_type") not in ("query", "passage"),
        EMBED,
    )


@accepted("own-embedding-without-usage-and-model", TEI, kind="embedding")
def _(sim: Simulator) -> None:
    """The answer holds data and nothing else."""
    sim.edit(lambda asked, answer: {"data": answer["data"]}, EMBED)


@rejected(
    "own-embedding-all-zero",
    "https://github.com/ollama/ollama/issues/3777",
    "endpoint_error",
    kind="embedding",
)
def _(sim: Simulator) -> None:
    """Every number of the vector is 0."""
    zeros = [0.0] * 256
    sim.ignore("encoding_format", path=EMBED)
    sim.edit(
        lambda asked, answer: answer | {"data": [row | {"embedding": zeros} for row in answer["data"]]}, EMBED
    )


@rejected("own-embedding-base64-of-nan", TEI, "endpoint_error", kind="embedding")
def _(sim: Simulator) -> None:
    """The vector is base64 of NaNs."""
    nans = base64.b64encode(struct.pack("<4f", *[float("nan")] * 4)).decode()
    sim.ignore("encoding_format", path=EMBED)
    sim.edit(
        lambda asked, answer: answer | {"data": [row | {"embedding": nans} for row in answer["data"]]}, EMBED
    )


@rejected("own-embedding-empty", TEI, "endpoint_error not_openai_compatible", kind="embedding")
def _(sim: Simulator) -> None:
    """The vector has no numbers."""
    sim.ignore("encoding_format", path=EMBED)
    sim.edit(
        lambda asked, answer: answer | {"data": [row | {"embedding": []} for row in answer["data"]]}, EMBED
    )


@rejected(
    "own-ollama-nan",
    "https://github.com/ollama/ollama/issues/7288",
    "endpoint_error model_unavailable",
    kind="embedding",
)
def _(sim: Simulator) -> None:
    """500: the vector can't be written as JSON."""
    message = "failed to encode response: json: unsupported value: NaN"
    sim.refuse(error(500, message, kind="api_error"), path=EMBED)


@accepted(
    "own-completion-cut-at-once",
    "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    kind="completion",
)
def _(sim: Simulator) -> None:
    """The text is empty and the end says length."""

    def cut(asked: JSON, answer: JSON) -> JSON:
        answer["choices"][0] |= {"text": "", "finish_reason": "length"}
        return answer

    sim.edit(cut, "/completions")


@accepted("own-completion-without-limit", TEI, kind="completion")
def _(sim: Simulator) -> None:
    """max_tokens is refused; all else works."""
    refusal = error(400, "Unrecognized request argument supplied: max_tokens")
    sim.refuse(refusal, lambda body: "max_tokens" in body, "/completions")


@rejected(
    "own-rerank-cohere-v2",
    COHERE,
    "wrong_path",
    "base_url",
    kind="rerank",
    path="/v1",
    model="rerank-v3.5",
    suggests={"base_url": "/v2"},
)
def _(sim: Simulator) -> None:
    """Only /v2/rerank is served: clients ask below the base that is stored, so that base is wrong."""
    sim.prefix = "/v2"
    sim.lost_reply = as_json({"message": "Not Found"}, 404)


@accepted(
    "own-rerank-data", "https://docs.voyageai.com/reference/reranker-api", kind="rerank", model="rerank-2.5"
)
def _(sim: Simulator) -> None:
    """The scores stand in `data`."""
    sim.edit(lambda asked, answer: {"object": "list", "data": answer["results"]}, RERANK)


@accepted("own-rerank-scores-below-zero", "https://docs.nvidia.com/nim/nemo-retriever/", kind="rerank")
def _(sim: Simulator) -> None:
    """The scores are logits: below zero and above one."""

    def logits(asked: JSON, answer: JSON) -> JSON:
        for row in answer["results"]:
            row["relevance_score"] = row["relevance_score"] * 20 - 11
        return answer

    sim.edit(logits, RERANK)


@rejected("own-rerank-nan", TEI, "endpoint_error", kind="rerank")
def _(sim: Simulator) -> None:
    """Every score is NaN."""

    def nans(asked: JSON, answer: JSON) -> JSON:
        for row in answer["results"]:
            row["relevance_score"] = float("nan")
        return answer

    sim.edit(nans, RERANK)


@accepted(
    "own-image-large-only",
    "https://platform.openai.com/docs/api-reference/images",
    kind="image",
    model="gpt-image-1",
)
def _(sim: Simulator) -> None:
    """Small sizes are refused with a list of those that are there; response_format is unknown."""
    sizes = ("1024x1024", "1024x1536", "1536x1024", "auto")
    shown = ", ".join(f"'{one}'" for one in sizes)
    wrong = error(400, f"Invalid value. Supported values are: {shown}.", param="size", code="invalid_value")
    sim.refuse(wrong, lambda body: body.get("size", "auto") not in sizes, IMAGE)
    sim.refuse(
        error(
            400, "Unknown parameter: 'response_format'.", param="response_format", code="unknown_parameter"
        ),
        lambda body: "response_format" in body,
        IMAGE,
    )
    sim.ignore("size", path=IMAGE)


@rejected(
    "own-image-is-none",
    "https://platform.openai.com/docs/api-reference/images",
    "endpoint_error",
    kind="image",
)
def _(sim: Simulator) -> None:
    """The base64 holds words."""
    words = base64.b64encode(b"this is no picture at all, only words").decode()
    sim.edit(lambda asked, answer: answer | {"data": [{"b64_json": words}]}, IMAGE)


@accepted("own-kokoro-voices", KOKORO, kind="tts", model="kokoro")
def _(sim: Simulator) -> None:
    """400 with the voices that there are, inside of `detail`."""

    def refusal(request: Request) -> Reply:
        message = (
            f"Voice '{request.json.get('voice')}' not found. Available voices: af_alloy, af_bella, af_heart"
        )
        detail = {"error": "validation_error", "message": message, "type": "invalid_request_error"}
        return as_json({"detail": detail}, 400)

    sim.key = ""
    sim.refuse(refusal, lambda body: body.get("voice") not in ("af_alloy", "af_bella", "af_heart"), SPEECH)
    sim.reads(lambda body: body | {"voice": "alloy"}, SPEECH)


@accepted(
    "own-groq-voices-and-wav",
    "https://github.com/livekit/agents-js/issues/650",
    kind="tts",
    path="/openai/v1",
    model="playai-tts",
)
def _(sim: Simulator) -> None:
    """The voice is one of a list without quotes, and the sound must be WAV."""
    voices = ("Aaliyah-PlayAI", "Adelaide-PlayAI", "Fritz-PlayAI")
    voice = error(400, f"`voice` must be one of the following voices: [{' '.join(voices)}]")
    sound = error(400, "response_format must be one of [flac ogg wav]")
    sim.refuse(voice, lambda body: body.get("voice") not in voices, SPEECH)
    sim.refuse(sound, lambda body: body.get("response_format", "wav") not in ("flac", "ogg", "wav"), SPEECH)
    sim.reads(lambda body: body | {"voice": "alloy", "response_format": "wav"}, SPEECH)


@accepted("own-tts-wav-called-bytes", "https://github.com/speaches-ai/speaches", kind="tts")
def _(sim: Simulator) -> None:
    """A WAV comes without a type that says so."""
    sim.edit_reply(lambda request, reply: Reply(200, silent_wav(), "application/octet-stream"))


@rejected(
    "own-tts-error-inside-200", "https://github.com/remsky/Kokoro-FastAPI", "endpoint_error", kind="tts"
)
def _(sim: Simulator) -> None:
    """200 and a JSON error in place of a sound."""
    sim.refuse(as_json({"error": {"message": "synthesis failed", "type": "server_error"}}), path=SPEECH)


@accepted("own-stt-empty-text", "https://github.com/speaches-ai/speaches", kind="stt")
def _(sim: Simulator) -> None:
    """Nothing is heard in silence."""
    sim.edit(lambda asked, answer: {"text": ""}, HEARING)


@accepted(
    "own-stt-more-than-text", "https://console.groq.com/docs/speech-to-text", kind="stt", path="/openai/v1"
)
def _(sim: Simulator) -> None:
    """The answer holds an id of the request beside the text."""
    sim.edit(lambda asked, answer: answer | {"x_groq": {"id": "req_1"}}, HEARING)


@rejected(
    "own-stt-not-a-transcriber",
    "https://console.groq.com/docs/speech-to-text",
    "wrong_model_type",
    "model_type",
    kind="stt",
    model="llama-3.3-70b-versatile",
)
def _(sim: Simulator) -> None:
    """400: a chat model on the route of transcriptions; chat works."""
    sim.traits(kind="chat")
    sim.mismatch_reply = error(
        400, "The model `llama-3.3-70b-versatile` does not support audio transcriptions"
    )


@accepted(
    "own-moderation-without-flagged",
    "https://docs.mistral.ai/capabilities/guardrailing/",
    kind="moderation",
    model="mistral-moderation-latest",
)
def _(sim: Simulator) -> None:
    """There is no `flagged`, and the input must be a list."""
    detail = {
        "type": "list_type",
        "loc": ["body", "input"],
        "msg": "Input should be a valid list",
        "input": "x",
    }
    sim.refuse(
        as_json({"detail": [detail]}, 422), lambda body: isinstance(body.get("input"), str), "/moderations"
    )

    def bare(asked: JSON, answer: JSON) -> JSON:
        for row in answer["results"]:
            del row["flagged"]
        return answer

    sim.edit(bare, "/moderations")


@accepted(
    "own-realtime-session",
    "https://platform.openai.com/docs/guides/realtime",
    kind="realtime",
    model="gpt-realtime",
)
def _(sim: Simulator) -> None:
    """A good realtime endpoint."""


@rejected(
    "own-realtime-wrong-key",
    "https://platform.openai.com/docs/guides/realtime",
    "invalid_credentials",
    "api_key",
    kind="realtime",
    model="gpt-realtime",
)
def _(sim: Simulator) -> None:
    """401 on the upgrade."""
    sim.api_key = "sk-some-other-key-entirely"


@rejected(
    "own-realtime-unknown-model",
    "https://platform.openai.com/docs/guides/realtime",
    "model_not_found",
    "model_id",
    kind="realtime",
    model="gpt-realtime-typo",
)
def _(sim: Simulator) -> None:
    """The socket opens, an error event says that there is no such model, and it closes."""
    sim.serve_instead(Model("gpt-realtime", "realtime"))


@rejected(
    "own-realtime-not-served",
    "https://docs.vllm.ai/",
    "wrong_model_type wrong_path",
    kind="realtime",
    model="Qwen/Qwen3-8B",
)
def _(sim: Simulator) -> None:
    """404 on the upgrade: a server that chats only."""
    sim.traits(kind="chat")
    sim.model_type = "chat"


@accepted(
    "own-realtime-by-client-secret",
    "https://platform.openai.com/docs/api-reference/realtime-sessions",
    kind="realtime",
    model="gpt-realtime",
)
def _(sim: Simulator) -> None:
    """A proxy refuses sockets; client secrets are given out."""
    secret = {
        "value": "ek_1a2b",
        "expires_at": 1999999999,
        "session": {"type": "realtime", "model": sim.model_id},
    }
    sim.on("/realtime/client_secrets", as_json(secret))
    sim.upgrade = lambda request: replace(Reply(400), body=b"Bad Request")  # type: ignore[method-assign]
