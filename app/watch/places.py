"""Where a model is served, as the watcher counts it, and whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit


def host_of(base_url: str) -> str:
    """The host of a base URL, in lower case."""
    return urlsplit(base_url).hostname or ""


def labels_of(_model_pks: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The owners and the tags of some models."""
    return frozenset(), frozenset()
