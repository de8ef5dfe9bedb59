"""Which endpoint a model is served at, as the watcher counts it."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from app.store.models import RegisteredModel


def endpoint_of(model: RegisteredModel) -> str:
    """The id of a model's endpoint."""
    return hashlib.sha256(model.base_url.encode()).hexdigest()[:36]


def host_of(base_url: str) -> str:
    """The host of a base URL, in lower case."""
    return urlsplit(base_url).hostname or ""


def name_of(model: RegisteredModel) -> str:
    """What people call a model's endpoint."""
    return urlsplit(model.base_url).netloc.rpartition("@")[2]


def labels_of(_model_pks: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The owners and the tags of some models."""
    return frozenset(), frozenset()
