"""The model document, made from a row; metadata.py has the table of its metadata fields.

What the caller declared comes first and unchanged, `False` included; what the probe observed fills
the rest; what is neither is absent. The key is never part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from app.config import settings
from app.registry.form.json_body import INT64, fits
from app.registry.metadata import CURRENCY, FIELDS, MILLION, PROVIDER, Kind
from app.store.models import RegisteredModel

JSON = Any

_PRICES: tuple[tuple[str, str], ...] = (
    ("input", "million_tokens_input_cost"),
    ("output", "million_tokens_output_cost"),
    ("cache_read", "million_tokens_cache_read_cost"),
    ("cache_write_5m", "million_tokens_cache_write_5m_cost"),
    ("cache_write_1h", "million_tokens_cache_write_1h_cost"),
    ("reasoning", "million_tokens_reasoning_cost"),
)
_BUILT_HERE = frozenset({"is_private", "pricing"})
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def document(model: RegisteredModel) -> dict[str, JSON]:
    """The model document of a row, ready for JSON; needs an application context for the workspace."""
    metadata = _metadata(model)
    return {
        "id": model.id,
        "created": rfc3339(model.created),
        "updated": rfc3339(model.updated),
        "display_name": model.display_name,
        "model_id": model.model_id,
        "model_type": model.model_type,
        "description": model.description,
        "is_active": True,
        "enabled": model.enabled,
        "enabled_for_playground": model.enabled,
        "enabled_for_endpoints": model.enabled,
        "provider": PROVIDER,
        "owner": settings().workspace_id,
        "refId": ref_id(model.model_id),
        "input_cost": plain_number(model.input_cost),
        "input_currency": CURRENCY,
        "output_cost": plain_number(model.output_cost),
        "output_currency": CURRENCY,
        "pricing_url": None,
        "docs_url": None,
        "has_functions": _has_functions(model, metadata),
        "has_cpu_pricing": False,
        "configuration": _configuration(model),
        "metadata": metadata,
        "parameters": _parameters(model, metadata),
    }


_SHOW_A_CALL = ("supports_tool_choice", "supports_parallel_tool_calls", "supports_strict_tool")


def _has_functions(model: RegisteredModel, metadata: Mapping[str, JSON]) -> bool:
    """Whether the model calls functions: as declared, else any call that a probe has seen."""
    if model.supports_tool_calling is not None:
        return model.supports_tool_calling
    seen = any((model.observed or {}).get(name) is True for name in _SHOW_A_CALL)
    return bool(metadata.get("supports_tool_calling")) or seen


def ref_id(model_id: str) -> str:
    """The reference of a model id in this workspace; several models may share one."""
    return ref_prefix() + model_id


def ref_prefix() -> str:
    """What every refId of this workspace begins with."""
    return f"{settings().workspace_key}@{PROVIDER}/"


def rfc3339(moment: datetime) -> str:
    """A moment in UTC with milliseconds and a trailing Z; one without a zone is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain_number(value: float | None) -> float | int | None:
    """The number as the caller wrote it: columns make 3 a 3.0, and the document says 3 again."""
    if value is not None and float(value).is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def is_presentable(kind: Kind, value: JSON) -> bool:
    """Whether a value that an endpoint claimed has the kind that the document's schema asks for."""
    if kind == "strings" or kind == "integers":
        return isinstance(value, list) and all(is_presentable(_ITEMS[kind], item) for item in value)
    if kind == "object":
        return isinstance(value, dict)
    if kind == "integer":
        return fits(kind, value) and isinstance(value, int) and abs(value) <= INT64
    return fits(kind, value)


_ITEMS: Mapping[str, Kind] = {"strings": "string", "integers": "integer"}


def _configuration(model: RegisteredModel) -> dict[str, JSON]:
    made: dict[str, JSON] = {
        "provider": PROVIDER,
        "is_openai_compatible": True,
        "base_url": model.base_url,
        "workspace_id": settings().workspace_id,
        "integration_id": model.endpoint_id,
    }
    if model.remote_model_id is not None:
        made["model_id"] = model.remote_model_id
    if model.endpoint.key_env is not None:
        made["api_key_env"] = model.endpoint.key_env
    return made


def _metadata(model: RegisteredModel) -> dict[str, JSON]:
    made: dict[str, JSON] = {"is_private": True}
    observed = model.observed or {}
    for row in FIELDS:
        if row.name in _BUILT_HERE:
            continue
        value = getattr(model, row.declared_by) if row.declared_by else None
        if value is None:
            value = observed.get(row.name)
        if value is not None and is_presentable(row.kind, value):
            made[row.name] = plain_number(value) if row.kind == "number" else value
    pricing = _pricing(made)
    if pricing:
        made["pricing"] = pricing
    return made


def _pricing(metadata: Mapping[str, JSON]) -> dict[str, JSON]:
    return {
        name: {"cost": metadata[source], "currency": CURRENCY, "per": MILLION, "unit": "tokens"}
        for name, source in _PRICES
        if source in metadata
    }


def _parameters(model: RegisteredModel, metadata: Mapping[str, JSON]) -> list[dict[str, JSON]]:
    made = []
    for position, (name, label, control, help_, config) in enumerate(_controls(model, metadata)):
        made.append(
            {
                "id": name,
                "name": label,
                "parameter": name,
                "parameter_type": control,
                "description": help_,
                "config": config,
                "is_active": True,
                "position": position,
            }
        )
    return made


Control = tuple[str, str, str, str, dict[str, JSON]]


def _controls(model: RegisteredModel, metadata: Mapping[str, JSON]) -> Iterator[Control]:
    """What a caller may set: parameter, label, control, help, config."""
    if model.model_type in ("chat", "completion"):
        yield (
            "temperature",
            "Temperature",
            "range",
            "Higher is more varied, lower more repeatable.",
            {
                "minimum": 0,
                "maximum": metadata.get("max_temperature", 2),
                "step": 0.01,
                "default": 1 if model.temperature is None else plain_number(model.temperature),
            },
        )
        yield (
            "max_tokens",
            "Maximum tokens",
            "number",
            "The longest answer that is asked for, in tokens.",
            {"minimum": 1, "maximum": _longest_answer(model), "default": model.max_tokens},
        )
    if model.model_type == "chat" and metadata.get("supports_reasoning"):
        yield (
            "reasoning_effort",
            "Reasoning effort",
            "select",
            "How long the model thinks first.",
            _effort_config(metadata),
        )
    if model.model_type == "embedding" and "embedding_dimensions" in metadata:
        longest = metadata["embedding_dimensions"]
        yield (
            "dimensions",
            "Dimensions",
            "number",
            "The vector's length, where the model can shorten it.",
            {"minimum": 1, "maximum": longest, "default": longest},
        )


def _longest_answer(model: RegisteredModel) -> int | None:
    """The most tokens that may be asked for: as observed, never below what was declared; None = not known."""
    observed = model.observed or {}
    known = [
        value
        for name in ("max_output_tokens", "context_window")
        if is_presentable("integer", value := observed.get(name))
    ]
    longest = known[0] if known else model.max_tokens
    return max(longest, model.max_tokens) if longest and model.max_tokens else longest


def _effort_config(metadata: Mapping[str, JSON]) -> dict[str, JSON]:
    """The levels that the probe saw taken; where it saw none told, the three that every such API has."""
    seen = [level for level in _EFFORTS if metadata.get(f"supports_reasoning_effort_{level}")]
    options = seen or ["low", "medium", "high"]
    return {"options": options, "default": "medium" if "medium" in options else options[0]}
