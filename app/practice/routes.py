"""The other routes of the practice endpoint: vectors, ranks, pictures, sounds, moderation."""

from __future__ import annotations

import base64
import hashlib
import math
import struct
import time
from collections.abc import Mapping
from typing import Any

from app.practice.checks import missing, refuse, wrong_type
from app.practice.media import COLOURS, png, seconds_of_wav, silent_mp3, silent_wav
from app.practice.mind import tokens
from app.practice.models import VOICES, Model
from app.practice.wire import Reply, Request, as_json

JSON = Any
SIZES = {"256x256": (256, 256), "512x512": (512, 512), "1024x1024": (1024, 1024)}
CATEGORIES = ("harassment", "hate", "self-harm", "sexual", "violence")
SHORTEST_SOUND_S = 0.1


def embeddings(body: Mapping[str, JSON], model: Model) -> Reply:
    """POST /embeddings: vectors of unit length, the same for the same text."""
    texts = _inputs(body)
    length = body.get("dimensions") or model.dimensions
    if not isinstance(length, int) or isinstance(length, bool):
        raise wrong_type("dimensions", "an integer", length)
    if not 0 < length <= model.dimensions:
        raise refuse(
            f"Invalid value for 'dimensions' = {length}. Must be at most {model.dimensions}.", "dimensions"
        )
    form = body.get("encoding_format", "float")
    if form not in ("float", "base64"):
        raise refuse(
            f"Invalid value: '{form}'. Supported values are: 'float' and 'base64'.",
            "encoding_format",
            "invalid_value",
        )
    vectors = [vector(text, length) for text in texts]
    found = [
        {"object": "embedding", "index": at, "embedding": _packed(one) if form == "base64" else one}
        for at, one in enumerate(vectors)
    ]
    used = sum(len(tokens(text)) for text in texts)
    usage = {"prompt_tokens": used, "total_tokens": used}
    return as_json({"object": "list", "data": found, "model": model.id, "usage": usage})


def _inputs(body: Mapping[str, JSON]) -> list[str]:
    """The texts of `input`: a string, strings, token numbers or lists of them."""
    asked = body.get("input")
    if asked is None:
        raise missing("input")
    if isinstance(asked, list) and asked and all(isinstance(one, int) for one in asked):
        asked = [str(asked)]
    texts = [asked] if isinstance(asked, str) else asked
    if (
        not isinstance(texts, list)
        or not texts
        or not all(isinstance(one, str | list) and one for one in texts)
    ):
        raise refuse(
            "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
        )
    return [str(one) for one in texts]


def vector(text: str, length: int) -> list[float]:
    """A vector made of the text's hash, of unit length."""
    stream = hashlib.shake_256(text.encode()).digest(length * 2)
    raw = [value / 32768 for value in struct.unpack(f">{length}h", stream)]
    norm = math.sqrt(sum(value * value for value in raw)) or 1.0
    return [round(value / norm, 8) for value in raw]


def _packed(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def rerank(body: Mapping[str, JSON], model: Model) -> Reply:
    """POST /rerank as Cohere and Jina have it: documents that share words with the query come first."""
    query, documents = body.get("query"), body.get("documents")
    if query is None:
        raise missing("query")
    if not isinstance(documents, list) or not documents:
        raise missing("documents")
    texts = [str(one.get("text", "")) if isinstance(one, dict) else str(one) for one in documents]
    results: list[dict[str, JSON]] = [
        {"index": at, "relevance_score": _overlap(str(query), text)} for at, text in enumerate(texts)
    ]
    if body.get("return_documents"):
        for at, result in enumerate(results):
            result["document"] = {"text": texts[at]}
    results.sort(key=lambda result: -result["relevance_score"])
    used = sum(len(tokens(text)) for text in [str(query), *texts])
    usage = {"total_tokens": used}
    return as_json({"model": model.id, "results": results[: body.get("top_n") or None], "usage": usage})


def _overlap(query: str, text: str) -> float:
    asked, said = ({word.lower() for word in tokens(one.replace(".", " "))} for one in (query, text))
    return round((0.5 + len(asked & said)) / (1 + len(asked | said)), 6)


def images(body: Mapping[str, JSON], model: Model) -> Reply:
    """POST /images/generations: a plain picture in the colour that the prompt names."""
    if not isinstance(body.get("prompt"), str):
        raise missing("prompt")
    size = body.get("size") or "256x256"
    if size not in SIZES and size != "auto":
        sizes = ", ".join(f"'{one}'" for one in [*SIZES, "auto"])
        raise refuse(f"Invalid value: '{size}'. Supported values are: {sizes}.", "size", "invalid_value")
    return _picture(body["prompt"], SIZES.get(size, (256, 256)))


def _picture(prompt: str, size: tuple[int, int]) -> Reply:
    colour = next((name for name in COLOURS if name in prompt.lower()), "blue")
    picture = base64.b64encode(png(*size, COLOURS[colour])).decode()
    return as_json({"created": int(time.time()), "data": [{"b64_json": picture}]})


def image_edits(request: Request, model: Model) -> Reply:
    """POST /images/edits: a picture and a prompt as multipart/form-data."""
    picture = request.form.get("image") or request.form.get("image[]")
    if picture is None:
        raise missing("image")
    if not picture.startswith(b"\x89PNG"):
        raise refuse(
            "Invalid image file or mode for image 1, please check your image file.",
            "image",
            "invalid_image_file",
        )
    if "prompt" not in request.form:
        raise missing("prompt")
    return _picture(request.form["prompt"].decode("utf-8", "replace"), SIZES["256x256"])


def transcriptions(request: Request, model: Model) -> Reply:
    """POST /audio/transcriptions: a WAV as multipart/form-data; nothing is heard in it, only its length."""
    sound = request.form.get("file")
    if sound is None:
        raise missing("file")
    seconds = seconds_of_wav(sound)
    if seconds is None:
        raise refuse(
            "Invalid file format. Supported formats: ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', "
            "'ogg', 'wav', 'webm']",
            "file",
        )
    if seconds < SHORTEST_SOUND_S:
        raise refuse(
            "Audio file is too short. Minimum audio length is 0.1 seconds.", "file", "audio_too_short"
        )
    text = f"A practice sound of {seconds:.1f} seconds."
    form = request.form.get("response_format", b"json").decode("utf-8", "replace")
    if form == "text":
        return Reply(200, text.encode(), "text/plain; charset=utf-8")
    if form == "verbose_json":
        return as_json(
            {"task": "transcribe", "language": "english", "duration": seconds, "text": text, "segments": []}
        )
    if form != "json":
        raise refuse(
            f"Invalid value: '{form}'. Supported values are: 'json', 'text' and 'verbose_json'.",
            "response_format",
        )
    return as_json({"text": text})


def speech(body: Mapping[str, JSON], model: Model) -> Reply:
    """POST /audio/speech: silence, as MP3 or WAV."""
    if not isinstance(body.get("input"), str) or not body["input"]:
        raise missing("input")
    voice = body.get("voice")
    if voice is None:
        raise missing("voice")
    if voice not in VOICES:
        names = ", ".join(f"'{one}'" for one in VOICES)
        raise refuse(f"Invalid value: '{voice}'. Supported values are: {names}.", "voice", "invalid_value")
    form = body.get("response_format") or "mp3"
    if form == "wav":
        return Reply(200, silent_wav(), "audio/wav")
    if form != "mp3":
        raise refuse(
            f"Invalid value: '{form}'. Supported values are: 'mp3' and 'wav'.",
            "response_format",
            "invalid_value",
        )
    return Reply(200, silent_mp3(), "audio/mpeg")


def moderations(body: Mapping[str, JSON], model: Model) -> Reply:
    """POST /moderations: a text is violent where it says so."""
    texts = _inputs(body)
    results = [_judged(text) for text in texts]
    return as_json({"id": "modr-practice", "model": model.id, "results": results})


def _judged(text: str) -> dict[str, JSON]:
    flags = {
        name: name == "violence" and ("kill" in text.lower() or "hurt" in text.lower()) for name in CATEGORIES
    }
    scores = {name: 0.97 if flagged else 0.0001 for name, flagged in flags.items()}
    return {"flagged": any(flags.values()), "categories": flags, "category_scores": scores}
