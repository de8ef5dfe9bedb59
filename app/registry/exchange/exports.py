"""The formats that the whole list of models leaves in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import select

from app.registry.document import document
from app.registry.exchange import csv, muster_file, openai_list, terraform
from app.registry.exchange.litellm import exported as litellm_export
from app.store.base import db
from app.store.models import WITH_LABELS, RegisteredModel


class Format(NamedTuple):
    """A format: its content type, the name of a file of it, and what makes its text."""

    content_type: str
    file: str
    make: Callable[[Iterable[RegisteredModel]], str]


def exported(*, disabled: bool, healthy: bool = False) -> list[RegisteredModel]:
    """The rows that leave, oldest first: those that are enabled, or all; if `healthy`, none that is down."""
    query = select(RegisteredModel).order_by(RegisteredModel.id).options(*WITH_LABELS)
    if healthy:
        query = query.where(RegisteredModel.health != "down")
    return list(db.session.scalars(query if disabled else query.where(RegisteredModel.enabled)))


def _openai(models: Iterable[RegisteredModel]) -> str:
    rows = [(model.model_id, model.created) for model in models if model.enabled]
    return _json(openai_list.listing(reversed(rows)))


def _documents(models: Iterable[RegisteredModel]) -> str:
    return _json([document(model) for model in models])


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


FORMATS: Mapping[str, Format] = {
    "litellm": Format("application/yaml; charset=utf-8", "config.yaml", litellm_export.config),
    "muster": Format("application/yaml; charset=utf-8", "registry.yaml", muster_file.text),
    "csv": Format("text/csv; charset=utf-8", "models.csv", csv.table),
    "terraform": Format("text/plain; charset=utf-8", "models.tf", terraform.config),
    "openai": Format("application/json", "models.json", _openai),
    "json": Format("application/json", "documents.json", _documents),
}
"""Each takes the rows, oldest first, and gives the whole text; `openai` has the enabled ones only."""
