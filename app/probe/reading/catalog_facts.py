"""What one entry of a catalog says of its model: type, context window, prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.probe.reading.catalog import is_name

# The names that servers give to the same facts, the plainest first (docs/probe.md, "Finding out").
_CONTEXT = (
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "loaded_context_length",
    "n_ctx",
    "n_ctx_train",
    "context_size",
    "max_context_window",
    "context_window_size",
    "max_input_tokens",
    "max_sequence_length",
)
_OUTPUT = (
    "max_output_tokens",
    "max_completion_tokens",
    "max_output_length",
    "output_token_limit",
    "max_output",
)
_INPUT = ("max_input_tokens", "input_token_limit", "max_prompt_tokens")


def metadata_of(entry: Mapping[str, Any] | None) -> dict[str, Any]:
    """The facts of a catalog entry under the names of the model document; numbers as the endpoint gave them.

    `prices` (USD per 1,000,000 tokens) and `type` come beside them where the entry has them.
    """
    if not entry:
        return {}
    found: dict[str, Any] = {}
    for name, spellings in (
        ("context_window", _CONTEXT),
        ("max_output_tokens", _OUTPUT),
        ("max_input_tokens", _INPUT),
    ):
        value = _number(entry, spellings)
        if value is not None:
            found[name] = int(value)
    stated = {
        "supported_parameters": _names(entry.get("supported_parameters")),
        "type": type_of(entry),
        "prices": _prices(entry),
    }
    found |= {name: fact for name, fact in stated.items() if fact}
    return found


def _names(value: Any) -> list[str]:
    """A list of plain names; what else stands there is no fact that the document keeps."""
    return [name for name in value if is_name(name)] if isinstance(value, list) else []


_BESIDE = (
    "meta", "top_provider", "limits", "model_info", "capabilities", "metadata", "model_spec", "details",
)  # fmt: skip
"""Beside the entry itself, where catalogs keep a model's numbers."""


def _number(entry: Mapping[str, Any], spellings: Sequence[str]) -> float | None:
    inner = [entry.get(name) for name in _BESIDE]
    capabilities = entry.get("capabilities")
    if isinstance(capabilities, Mapping):
        inner.append(capabilities.get("limits"))
    places = [entry, *(place for place in inner if isinstance(place, Mapping))]
    for name in spellings:
        for place in places:
            value = place.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12:
                return float(value)
    return None


_TYPES = {
    "embedding": ("embed", "feature-extraction", "sentence-similarity"),
    "rerank": ("rerank", "re-rank"),
    "stt": ("speech-to-text", "speech-recognition", "stt", "transcri"),
    "tts": ("tts", "speech"),
    "moderation": ("moderation", "safety"),
    "realtime": ("realtime",),
    "chat": (
        *("chat", "llm", "vlm", "language", "conversational", "responses"),
        *("text-generation", "generate", "text-to-text", "image-to-text", "any-to-any"),
    ),
    "image": ("image",),
    "completion": ("completion", "base"),
}
"""What a stated type holds, in this order: "speech-to-text" holds speech, "image-text-to-text" an image."""


_STATING = (
    "type", "mode", "task", "model_type", "endpoint", "pipeline_tag", "category", "endpoints",
    "supported_endpoints",
)  # fmt: skip
_OF_MODALITY = {"image": "image", "embeddings": "embedding", "text": "chat"}


def type_of(entry: Mapping[str, Any]) -> str | None:
    """The model type that a catalog entry states (`type`, `mode`, `task`, an output modality, an
    endpoint), or None.
    """
    places = [place for place in (entry, entry.get("model_info")) if isinstance(place, Mapping)]
    stated = (place.get(name) for name in _STATING for place in places)
    for kinds in stated:
        words = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
        known = next(filter(None, (_known_type(str(word)) for word in words)), None)
        if known:
            return known
    architecture = entry.get("architecture")
    modality = str(architecture.get("modality", "")) if isinstance(architecture, Mapping) else ""
    _, arrow, output = modality.rpartition("->")
    return _OF_MODALITY.get(output) if arrow else None


def _known_type(word: str) -> str | None:
    word = word.lower().replace(" ", "-")
    if word in ("model", "object"):
        return None
    return next((name for name, marks in _TYPES.items() if any(mark in word for mark in marks)), None)


def _prices(entry: Mapping[str, Any]) -> dict[str, float]:
    """Input and output price in USD per million tokens.

    OpenRouter states USD a token (as strings, under `prompt` and `completion`), Together USD a million.
    """
    pricing = entry.get("pricing")
    if not isinstance(pricing, Mapping):
        return {}
    found = {}
    for name, a_million, a_token in (
        ("input_cost", "input", "prompt"),
        ("output_cost", "output", "completion"),
    ):
        price, scale = _price(pricing.get(a_million)), 1
        if price is None:
            price = _price(pricing.get(a_token))
            scale = 1_000_000 if price is not None and price < 0.01 else 1
        if price is not None and price >= 0:
            found[name] = round(price * scale, 6)
    return found


def _price(value: Any) -> float | None:
    try:
        number = (
            float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
        )
    except ValueError:
        return None
    return number if number is not None and number == number and abs(number) < 1e9 else None
