"""The model types, a row each: what it is called, what proves it, what is checked, what the form asks for.

To add one: write its proof (a module of `app.probe` with a `Proof`), add a row here.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.probe.model_types import audio, completion, embedding, image, moderation, realtime, rerank
from app.probe.model_types.chat import checks, proof
from app.probe.model_types.model_type import ModelType

_CHAT_CAPABILITIES: Mapping[str, tuple[str, ...]] = {
    "streaming": ("supports_streaming",),
    "system_message": ("supports_system_message",),
    "developer_message": ("supports_developer_message",),
    "tool_calling": ("supports_tool_calling",),
    "tool_choice": ("supports_tool_choice",),
    "parallel_tool_calls": ("supports_parallel_tool_calls",),
    "streamed_tool_calling": (),
    "strict_tool": ("supports_strict_tool",),
    "json_mode": ("supports_json_mode_response_format",),
    "json_schema": ("supports_json_schema_response_format", "supports_structured_outputs"),
    "vision": ("supports_vision", "supports_image_input"),
    "reasoning": ("supports_reasoning",),
    "reasoning_effort": (),
    **{f"reasoning_effort_{level}": (f"supports_reasoning_effort_{level}",) for level in checks.LEVELS},
    "max_completion_tokens": ("supports_max_completion_tokens",),
    "sampling_params": ("supports_sampling_params",),
    "responses_api": ("supports_responses_api",),
}

_ROWS = (
    ModelType(
        "chat",
        "Chat",
        proof.PROOF,
        checks.tasks,
        checks.settle,
        _CHAT_CAPABILITIES,
        ("connection", "general", "pricing", "capabilities"),
    ),
    ModelType("completion", "Completion", completion.PROOF),
    ModelType("embedding", "Embedding", embedding.PROOF),
    ModelType(
        "image", "Image", image.PROOF, image.tasks, capabilities={"image_edit": ("supports_image_edit",)}
    ),
    ModelType("rerank", "Rerank", rerank.PROOF),
    ModelType("stt", "Speech to text", audio.STT_PROOF),
    ModelType("tts", "Text to speech", audio.TTS_PROOF),
    ModelType("moderation", "Moderation", moderation.PROOF),
    ModelType("realtime", "Realtime", realtime.PROOF),
)

MODEL_TYPES: Mapping[str, ModelType] = {row.name: row for row in _ROWS}
