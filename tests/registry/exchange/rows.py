"""Rows as registration would have made them, in no database."""

from __future__ import annotations

from typing import Any

from app.store.base import new_id, now
from app.store.models import RegisteredModel
from tests.rows import a_model

HOSTILE = (
    'na"me',
    "it's $(touch x) `id`",
    "${var.api_key} %{ if true }",
    "back\\slash \\u0041 \\",
    "{{ braces }} #{x}",
    "\u202egnorts\u2028\u00a0\U0001f600\U000e0041",
    "@file",
    "<b>&amp;",
    "- model_name: x  # no",
    "null",
    "MODEL",
    "[1-3]{a,b}",
)
"""Model ids that some language or program would take for something else; the form lets each of them in."""


def row(**changes: Any) -> RegisteredModel:
    """A chat model with a sealed key, with changes."""
    good: dict[str, Any] = {
        "id": new_id(),
        "model_id": "good-model",
        "display_name": "Good model",
        "model_type": "chat",
        "base_url": "http://127.0.0.1:8000/v1",
        "region": "eu",
        "key_ciphertext": b"sealed",
        "observed": {},
        "capabilities": {},
        "health": "up",
        "enabled": True,
        "created": now(),
        "updated": now(),
    }
    return a_model(**good | changes)
