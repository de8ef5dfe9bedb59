"""The models as an OpenAI client lists them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.registry.metadata import PROVIDER


def listing(rows: Iterable[tuple[str, datetime]]) -> dict[str, Any]:
    """`GET /v1/models` of (model_id, created) rows; an id that several share stands there once."""
    created = {model_id: int(moment.timestamp()) for model_id, moment in rows}
    entries = [
        {"id": model_id, "object": "model", "created": since, "owned_by": PROVIDER}
        for model_id, since in created.items()
    ]
    return {"object": "list", "data": entries}
