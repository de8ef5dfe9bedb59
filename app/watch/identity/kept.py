"""Samples of a model as they are kept, and as they were. Nothing commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.store.base import db
from app.store.watch.samples import ModelIdentity, ModelSample
from app.watch.identity.packing import packed, unpacked


def keep(row: ModelIdentity, payload: Any, at: datetime) -> None:
    """Keep one sample; what log-probabilities need of the model's table of tokens is added to it."""
    if row.kind == "logprobs":
        known = row.tokens or []
        payload, tokens = packed(payload, known)
        if len(tokens) > len(known):
            row.tokens = tokens
    db.session.add(ModelSample(model_pk=row.model_pk, kind=row.kind, at=at, payload=payload))


def baseline_of(row: ModelIdentity) -> list[Any]:
    """The samples of a model's baseline, the oldest first."""
    return _as_they_were(row, ModelSample.baseline_of(row.model_pk))


def newest_of(row: ModelIdentity, count: int) -> list[Any]:
    """The last `count` samples after the baseline, the oldest first."""
    return _as_they_were(row, ModelSample.newest_of(row.model_pk, count))


def _as_they_were(row: ModelIdentity, payloads: Sequence[Any]) -> list[Any]:
    """Samples in today's form. Those of earlier versions are log-probabilities as they came, and of vectors
    the distance alone."""
    if row.kind == "logprobs":
        return [unpacked(one, row.tokens or []) if isinstance(one, str) else one for one in payloads]
    if row.kind == "vectors":
        return [one if isinstance(one, list) else [one, ""] for one in payloads]
    return list(payloads)
