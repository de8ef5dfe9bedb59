"""The list of models for a spreadsheet (RFC 4180, UTF-8)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from app.registry.document import document
from app.store.models import RegisteredModel

_TOP = ("id", "refId", "display_name", "model_id", "model_type")
_COSTS = ("input_cost", "output_cost")
_METADATA = (
    "cost_per_image",
    "context_window",
    "max_output_tokens",
    "embedding_dimensions",
    "supports_tool_calling",
    "supports_strict_tool",
    "supports_vision",
    "supports_reasoning",
    "supports_image_edit",
)
COLUMNS = (
    *_TOP,
    "remote_model_id",
    "base_url",
    "region",
    "health",
    "enabled",
    *_COSTS,
    *_METADATA,
    "owner",
    "contact",
    "tags",
    "description",
    "created",
    "updated",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def table(models: Iterable[RegisteredModel]) -> str:
    """A line per model under a line of names; costs in USD per 1,000,000 tokens. Text is quoted."""
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(_row(model)[name]) for name in COLUMNS] for model in models)
    return file.getvalue()


def _row(model: RegisteredModel) -> dict[str, Any]:
    made = document(model)
    row = {name: made[name] for name in (*_TOP, *_COSTS, "enabled", "description", "created", "updated")}
    row |= {name: made["metadata"].get(name) for name in _METADATA}
    row |= {name: getattr(model, name) for name in ("remote_model_id", "base_url", "region", "health")}
    owner, contact, tags = model.labels
    return row | {"owner": owner, "contact": contact, "tags": " ".join(tags)}


def _cell(value: Any) -> str | float | int:
    """A value that no spreadsheet takes for a formula (OWASP, "CSV Injection": a ' in front)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    # White space in front is no shelter: some programs strip it.
    return "'" + value if value.lstrip(" ").startswith(_FORMULA) else str(value)
