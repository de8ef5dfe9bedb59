"""Where a model is served, as the watcher counts it, and whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from app.store.labels import labels_of_many


def host_of(base_url: str) -> str:
    """The host of a base URL, in lower case."""
    return urlsplit(base_url).hostname or ""


def labels_of(model_pks: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The owners and the tags of some models."""
    found = labels_of_many(list(model_pks)).values()
    owners = frozenset(labels.owner for labels in found if labels.owner)
    return owners, frozenset(tag for labels in found for tag in labels.tags)
