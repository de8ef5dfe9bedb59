"""The endpoint's own list of models: suggestions and metadata, never a verdict.

Shapes met in the field: `{"data": […]}`, a bare array, `{"models": […]}`, a map by id, names with a `models/`
prefix, `name` in place of `id`. Many endpoints have none, list no aliases, or show it without a key.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.probe.answer import Answer
from app.probe.faults import is_error_value

_PLACES = ("data", "models", "result", "results", "items", "object_list", "model_list")
_LONGEST_NAME = 300
_COMPARED = 3000
"""Of how many ids the likeness is measured; of more, only those whose last part begins alike."""
_IDS = ("id", "model", "name", "model_id", "model_name", "key")


@dataclass(frozen=True, slots=True)
class Catalog:
    """What `GET {base}/models` listed. `there` is False where it was no list at all."""

    there: bool = False
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        """The listed ids, in the endpoint's order."""
        return tuple(self.entries)

    def listed(self, model_id: str) -> bool | None:
        """Whether the id is listed, as it is or as a known variant; None where there is no catalog."""
        return None if not self.there else self.find(model_id) is not None

    def find(self, model_id: str) -> Mapping[str, Any] | None:
        """The entry of an id: itself, with `:latest`, with `models/`, or in another letter case."""
        wanted = _variants(model_id)
        return next((entry for name, entry in self.entries.items() if wanted & _variants(name)), None)

    def closest(self, model_id: str, count: int = 5) -> tuple[str, ...]:
        """Listed ids that may be meant: the same last part of the name first, then by likeness.

        Never the id itself: whoever typed it knows it already.
        """
        tail = _tail(model_id)
        same = [name for name in self.ids if _tail(name) == tail and name != model_id]
        within = [
            name for name in self.ids if tail and (tail in name.lower() or name.lower() in model_id.lower())
        ]
        ids = self.ids
        alike = (
            ids
            if len(ids) <= _COMPARED
            else [name for name in ids if _tail(name)[:4] == tail[:4]][:_COMPARED]
        )
        like = difflib.get_close_matches(model_id, alike, count + 1, 0.5)
        tails = {_tail(name): name for name in alike}
        like += [tails[t] for t in difflib.get_close_matches(tail, tails, count + 1, 0.6)]
        few = self.ids if len(self.ids) <= count else ()
        found = dict.fromkeys([*same, *like, *within, *few])
        found.pop(model_id, None)
        return tuple(found)[:count]


def read_catalog(answer: Answer) -> Catalog:
    """The catalog in any of its shapes; an empty `Catalog` where the answer is none."""
    body = answer.json
    if not answer.ok or (isinstance(body, Mapping) and is_error_value(body.get("error"))):
        return Catalog()
    rows = _rows(body)
    if rows is None:
        return Catalog()
    entries: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        name = row if isinstance(row, str) else _id_of(row)
        if name is not None and _is_name(name):
            entries.setdefault(name, row if isinstance(row, Mapping) else {})
    return Catalog(bool(entries), entries)


def _rows(body: Any) -> Iterable[Any] | None:
    if isinstance(body, list):
        return body
    if not isinstance(body, Mapping):
        return None
    for place in _PLACES:
        rows = body.get(place)
        if isinstance(rows, list):
            return rows
        if isinstance(rows, Mapping):
            nested = _rows(rows)
            return (
                nested
                if nested is not None
                else [{"id": name, **(v if isinstance(v, Mapping) else {})} for name, v in rows.items()]
            )
    return None


def _id_of(row: Any) -> str | None:
    if not isinstance(row, Mapping):
        return None
    return next((str(row[name]) for name in _IDS if isinstance(row.get(name), str) and row[name]), None)


def _is_name(value: Any) -> bool:
    """Whether it can be an id at all: a text that can be shown, stored and sent."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()


def _variants(name: str) -> set[str]:
    plain = name.strip().lower().removeprefix("models/")
    return {plain, plain.removesuffix(":latest")}


def _tail(name: str) -> str:
    return name.lower().rstrip("/").rpartition("/")[2].removesuffix(":latest")


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
    return [name for name in value if _is_name(name)] if isinstance(value, list) else []


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
    for said in stated:
        words = [said] if isinstance(said, str) else said if isinstance(said, list) else []
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
