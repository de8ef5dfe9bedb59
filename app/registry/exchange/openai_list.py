"""The models as an OpenAI client lists them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.registry.metadata import PROVIDER


def listing(rows: Iterable[tuple[str, datetime]]) -> dict[str, Any]:
    """`GET /v1/models` of (model_id, created) rows; an id that several share stands there once."""
    entries = {model_id: entry(model_id, created) for model_id, created in rows}
    return {"object": "list", "data": list(entries.values())}


def entry(model_id: str, created: datetime) -> dict[str, Any]:
    """One model as an OpenAI client retrieves it."""
    return {"id": model_id, "object": "model", "created": int(created.timestamp()), "owned_by": PROVIDER}
