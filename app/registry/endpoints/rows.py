"""Endpoints as rows: found by what is sent to them, made, rewritten, and left behind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy import func, select

from app.probe.base_url import origin_of
from app.probe.values import EndpointSettings, Target
from app.registry import credentials
from app.registry.endpoints.certificates import summary
from app.registry.endpoints.proxies import parts_of
from app.store import rotation, vault
from app.store.base import db, insert_new, new_id, now
from app.store.endpoints import Endpoint, EndpointHeader
from app.store.models import RegisteredModel
from app.store.rotation import digest

NAME = 255


def identity_of(base_url: str, key: str, settings: EndpointSettings) -> str:
    """What no two endpoints share: everything that is sent. `key` is as it was typed."""
    parts = (
        base_url,
        key,
        settings.auth_header,
        settings.auth_scheme,
        settings.headers,
        settings.ca_pem,
        settings.client_certificate,
        settings.proxy,
    )
    return digest(json.dumps(parts))


def has_key(endpoint: Endpoint, typed: str | None) -> bool:
    """Whether this is the key that is stored already; one that can't be opened is no key any more."""
    return endpoint.key_digest == digest(typed or "") and credentials.is_usable(endpoint)


def found(base_url: str, key_digest: str) -> Endpoint | None:
    """The endpoint with this base URL and this key; of several one without a proxy, with the fewest headers,
    the oldest."""
    mine = (Endpoint.key_digest == key_digest) & (Endpoint.base_url == base_url)
    rows = db.session.scalars(select(Endpoint).where(mine).order_by(Endpoint.id))
    return min(rows, key=lambda row: (bool(row.proxy), len(row.headers)), default=None)


def found_or_made(target: Target, key: str, name: str = "") -> Endpoint:
    """The endpoint that is called just so, held against deletion until the transaction ends."""
    identity = identity_of(target.base_url, key, target.settings)
    while True:
        id = db.session.scalar(select(Endpoint.id).where(Endpoint.identity == identity))
        endpoint = Endpoint.locked(id) if id else None
        if endpoint is not None and endpoint.identity == identity:
            return endpoint
        _insert(target, key, identity, name)


def count_models(endpoint: Endpoint) -> int:
    """How many models are served there."""
    mine = RegisteredModel.endpoint_id == endpoint.id
    return db.session.scalar(select(func.count()).select_from(RegisteredModel).where(mine)) or 0


def registered_at(id: str) -> dict[str, str]:
    """What is registered of an endpoint: the id that is sent, and the id of the row."""
    mine = RegisteredModel.endpoint_id == id
    return {
        model.wire_model_id: model.id for model in db.session.scalars(select(RegisteredModel).where(mine))
    }


def move(model: RegisteredModel, target: Target, key: str) -> None:
    """Have a model served as `target` says: others that share its endpoint stay where they are.

    Where it is the only one there, its endpoint itself changes; one that is left empty goes.
    """
    identity = identity_of(target.base_url, key, target.settings)
    other = db.session.scalar(select(Endpoint.id).where(Endpoint.identity == identity))
    # Always in the same order, so that two models that change places do not wait for each other.
    held = {id: Endpoint.locked(id) for id in sorted({model.endpoint_id, *([other] if other else [])})}
    old = held[model.endpoint_id]
    assert old is not None, "a model refers to it"
    if old.identity == identity:
        if not credentials.is_usable(old):
            rewrite(old, [], target, key)
        return
    alone = count_models(old) == 1
    if other is None and alone:
        rewrite(old, [model], target, key)
        return
    model.endpoint = found_or_made(target, key)
    if alone:
        db.session.flush()
        db.session.delete(old)


def rewrite(endpoint: Endpoint, models: Sequence[RegisteredModel], target: Target, key: str) -> None:
    """Change what is sent to an endpoint, for all of its models. Seals everything for the new origin."""
    fresh = digest(key)
    if fresh != endpoint.key_digest:
        endpoint.key_changed, endpoint.key_ends = now(), None
    endpoint.base_url, endpoint.origin = target.base_url, origin_of(target.base_url)[:300]
    endpoint.identity, endpoint.key_digest = identity_of(target.base_url, key, target.settings), fresh
    endpoint.updated = now()
    for name, way in _way(target.settings).items():
        setattr(endpoint, name, way)
    for name, sealed in _sealed(endpoint, target, key).items():
        setattr(endpoint, name, sealed)
    _put_headers(endpoint, target.settings)
    for model in models:
        model.endpoint = endpoint  # takes the base URL along


def _insert(target: Target, key: str, identity: str, name: str) -> None:
    way = _way(target.settings)
    made = Endpoint(id=new_id(), base_url=target.base_url, **way)
    added = insert_new(
        Endpoint,
        id=made.id,
        name=(name or _free_name(target.base_url))[:NAME],
        base_url=target.base_url,
        origin=origin_of(target.base_url)[:300],
        identity=identity,
        key_digest=digest(key),
        key_changed=now() if key else None,
        created=now(),
        updated=now(),
        **way,
        **_sealed(made, target, key),
    )
    if added and target.settings.headers:
        endpoint = db.session.get_one(Endpoint, made.id)
        _put_headers(endpoint, target.settings)
        db.session.flush()


def _sealed(endpoint: Endpoint, target: Target, key: str) -> dict[str, object]:
    """The columns that hold what is secret, sealed for the endpoint's place."""
    settings = target.settings
    certificate = settings.client_certificate
    _, signs_in = parts_of(settings.proxy)
    return {
        "key_env": vault.reference_name(key) if vault.is_reference(key) else None,
        "key_ciphertext": rotation.seal(key, endpoint.place_of("key")) if key else None,
        "client_certificate": rotation.seal(certificate, endpoint.place_of("client_certificate"))
        if certificate
        else None,
        "client_certificate_shown": summary(certificate) if certificate else None,
        "proxy_ciphertext": rotation.seal(signs_in, endpoint.place_of("proxy")) if signs_in else None,
    }


def _way(settings: EndpointSettings) -> dict[str, str | None]:
    """The columns that say how key and settings are sent: what is sealed is bound to them."""
    return {
        "auth_header": settings.auth_header,
        "auth_scheme": settings.auth_scheme,
        "ca_pem": settings.ca_pem or None,
        "proxy": parts_of(settings.proxy)[0] or None,
    }


def _put_headers(endpoint: Endpoint, settings: EndpointSettings) -> None:
    known = {row.name: row for row in endpoint.headers}
    rows = []
    for name, value in settings.headers:
        row = known.get(name) or EndpointHeader(name=name)
        row.ciphertext = rotation.seal(value, endpoint.place_of(f"header {name}"))
        rows.append(row)
    endpoint.headers = rows


def _free_name(base_url: str) -> str:
    """The host; with a number behind it where an endpoint of that name is there."""
    host = (urlsplit(base_url).netloc.rpartition("@")[2] or "endpoint")[: NAME - 15]
    taken = set(
        db.session.scalars(select(Endpoint.name).where(Endpoint.name.startswith(host, autoescape=True)))
    )
    return next(name for name in _numbered(host, len(taken)) if name not in taken)


def _numbered(host: str, taken: int) -> Sequence[str]:
    return [host, *(f"{host} {number}" for number in range(2, taken + 3))]
