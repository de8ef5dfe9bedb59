"""An endpoint as the API gives it: no key, no value of a header, no private key."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Select, func, select

from app.probe.base_url import without_query_values
from app.registry.document import rfc3339
from app.registry.endpoints.certificates import summary
from app.store.base import db
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel

JSON = Any
Health = Literal["up", "degraded", "down", "unknown"]
State = tuple[str, bool, int]
"""A health, whether enabled, and how many models are both."""


def documents(endpoints: Sequence[Endpoint], *, whole_url: bool) -> list[dict[str, JSON]]:
    """Endpoints as JSON. `whole_url` shows the values of the base URL's query too: for who may write."""
    states = _states([endpoint.id for endpoint in endpoints])
    return [_document(endpoint, states.get(endpoint.id, ()), whole_url) for endpoint in endpoints]


def page(limit: int, cursor: str | None) -> Select[Any]:
    """The newest endpoints, one more than `limit`, those after the id `cursor`."""
    query = select(Endpoint).order_by(Endpoint.id.desc()).limit(limit + 1)
    return query.where(Endpoint.id < cursor) if cursor else query


def health_of(states: Collection[State]) -> Health:
    """The health of what is enabled of an endpoint: all alike, or degraded."""
    found = {health for health, enabled, _ in states if enabled}
    if len(found - {"unknown"}) > 1 or "degraded" in found:
        return "degraded"
    known = found - {"unknown"}
    return "down" if known == {"down"} else "up" if known == {"up"} else "unknown"


def _document(endpoint: Endpoint, states: Collection[State], whole_url: bool) -> dict[str, JSON]:
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "base_url": endpoint.base_url if whole_url else without_query_values(endpoint.base_url),
        "api_key_env": endpoint.key_env,
        "has_key": endpoint.has_key,
        "key_changed": rfc3339(endpoint.key_changed) if endpoint.key_changed else None,
        "key_ends": rfc3339(endpoint.key_ends) if endpoint.key_ends else None,
        "auth": {"header": endpoint.auth_header, "scheme": endpoint.auth_scheme},
        "headers": [row.name for row in endpoint.headers],
        "ca": summary(endpoint.ca_pem) if endpoint.ca_pem else None,
        "client_certificate": endpoint.client_certificate_shown,
        "proxy": endpoint.proxy,
        "proxy_has_password": endpoint.proxy_ciphertext is not None,
        "models": sum(count for _, _, count in states),
        "health": health_of(states),
        "created": rfc3339(endpoint.created),
        "updated": rfc3339(endpoint.updated),
    }


def _states(ids: Sequence[str]) -> Mapping[str, list[State]]:
    """How many models of each health, enabled and not, an endpoint has."""
    table = RegisteredModel
    columns = (table.endpoint_id, table.health, table.enabled)
    query = select(*columns, func.count()).where(table.endpoint_id.in_(ids)).group_by(*columns)
    made: dict[str, list[State]] = {}
    for id, health, enabled, count in db.session.execute(query):
        made.setdefault(id, []).append((health, enabled, count))
    return made
