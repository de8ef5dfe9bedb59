"""JSON schemas of what comes in and goes out, a module an area; here all of them by their names."""

from __future__ import annotations

from collections.abc import Mapping

from app.web.api.schemas import endpoints, exchange, family, models, probes, watch
from app.web.api.schemas.shapes import ID, Schema, closed, extensible

_GENERAL: Mapping[str, Schema] = {
    "Deleted": closed({"id": ID, "deleted": {"const": True}}),
    "Health": extensible({"status": {"const": "ok"}}),
    "AnyText": {"type": "string", "description": "A text."},
    "AnyJson": {"description": "JSON as the chosen form has it."},
    "AnyObject": {"type": "object", "description": "An OpenAPI document."},
}


def components() -> dict[str, Schema]:
    """Every component schema by its name; needs a request, since forms do."""
    made = [area.schemas() for area in (models, family, endpoints, exchange)]
    tables = (*made, probes.SCHEMAS, watch.SCHEMAS, _GENERAL)
    return {name: schema for table in tables for name, schema in table.items()}
