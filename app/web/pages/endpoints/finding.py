"""The endpoint that a page is about."""

from __future__ import annotations

from flask import abort

from app.store.endpoints import Endpoint


def found(id: str) -> Endpoint:
    """The endpoint with this id, or a page that says that there is none."""
    endpoint = Endpoint.by_id(id)
    if endpoint is None:
        abort(404)
    return endpoint
