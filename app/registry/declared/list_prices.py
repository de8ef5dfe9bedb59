"""Prices of the price catalogue for LiteLLM definitions that name none: only where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.registry.declared.price_catalogue import looked_up
from app.registry.exchange.litellm import imported as litellm_import
from app.registry.exchange.litellm.names import WORDS, per_token

JSON = Any


def with_list_prices(definitions: Sequence[JSON]) -> tuple[list[JSON], int]:
    """The definitions with what the catalogue has for prices that are absent, and how many got some."""
    filled = [_filled(definition) for definition in definitions]
    count = sum(new is not old for new, old in zip(filled, definitions, strict=True))
    return filled, count


def _filled(definition: JSON) -> JSON:
    entry, _ = litellm_import.read(definition)
    if entry is None or not isinstance(entry.body["base_url"], str):
        return definition
    configuration = entry.body.get("configuration")
    sent = configuration.get("model_id") if isinstance(configuration, dict) else entry.body["model_id"]
    known = looked_up(entry.body["base_url"], sent) if isinstance(sent, str) else None
    absent = {
        word.name: per_token(known.values[word.declared_by])
        for word in WORDS
        if known
        and word.is_price
        and word.declared_by
        and word.declared_by in known.values.keys() - entry.body
    }
    if not absent:
        return definition
    return definition | {"model_info": (definition.get("model_info") or {}) | absent}
