"""The model types, a row each: what it is called, what proves it, what is checked, what the form asks for.

To add one: write its proof (a module of `app.probe` with a `Proof`), add a row here.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.probe.model_types import audio, completion, embedding, image, moderation, realtime, rerank
from app.probe.model_types.chat import checks, proof, repeating, responses
from app.probe.model_types.model_type import ModelType
from app.probe.tasks import Checks

_ROWS = (
    ModelType(
        "chat",
        "Chat",
        proof.PROOF,
        checks.ChatChecks.after,
        repeating.ChatRepeats,
        tuple(checks.QUESTIONS),
        responses.ask_early,
        ("connection", "general", "pricing", "capabilities"),
    ),
    ModelType("completion", "Completion", completion.PROOF),
    ModelType("embedding", "Embedding", embedding.PROOF),
    ModelType("image", "Image", image.PROOF, lambda talk, proven: Checks(image.tasks(talk))),
    ModelType("rerank", "Rerank", rerank.PROOF),
    ModelType("stt", "Speech to text", audio.STT_PROOF),
    ModelType("tts", "Text to speech", audio.TTS_PROOF),
    ModelType("moderation", "Moderation", moderation.PROOF),
    ModelType("realtime", "Realtime", realtime.PROOF),
)

MODEL_TYPES: Mapping[str, ModelType] = {row.name: row for row in _ROWS}
