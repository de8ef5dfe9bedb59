"""What a change of an endpoint changes, for the audit log: names always, values where they may be shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.probe.base_url import without_query_values
from app.probe.values import EndpointSettings, Target
from app.registry import credentials
from app.registry.endpoints import proxies
from app.registry.endpoints import rows as endpoints
from app.store.endpoints import Endpoint

JSON = Any
HIDDEN = ["(not shown)", "(changed)"]


def differences(endpoint: Endpoint, target: Target, key: str) -> dict[str, list[JSON]]:
    """Old and new value of what may be shown; of what is secret, or long, only that it changed."""
    own, changes = target.settings, dict[str, list[JSON]]()
    if endpoint.base_url != target.base_url:
        changes["base_url"] = [without_query_values(url) for url in (endpoint.base_url, target.base_url)]
    for name, old, new in (
        ("auth_header", endpoint.auth_header, own.auth_header),
        ("auth_scheme", endpoint.auth_scheme, own.auth_scheme),
    ):
        changes |= {name: [old, new]} if old != new else {}
    return changes | {name: HIDDEN for name in _hidden(endpoint, target, key)} | _places(endpoint, own)


def _hidden(endpoint: Endpoint, target: Target, key: str) -> Iterator[str]:
    """The names of what changed and is not shown."""
    own = target.settings
    if not endpoints.has_key(endpoint, key):
        yield "api_key"
    if (endpoint.ca_pem or "") != own.ca_pem:
        yield "ca_pem"
    kept = credentials.holds(endpoint, dict(own.headers), own.client_certificate, own.proxy)
    names = ("headers", "client_certificate_pem", "proxy")
    yield from (name for name, is_kept in zip(names, kept, strict=True) if not is_kept)


def _places(endpoint: Endpoint, own: EndpointSettings) -> dict[str, list[JSON]]:
    """Another proxy, and other names of headers: more than that something of them changed."""
    changes: dict[str, list[JSON]] = {}
    proxy = proxies.parts_of(own.proxy)[0] or None
    if endpoint.proxy != proxy:
        changes["proxy"] = [endpoint.proxy, proxy]
    names = [row.name for row in endpoint.headers], [name for name, _ in own.headers]
    return changes | ({"headers": list(names)} if names[0] != names[1] else {})
