"""The one place that hands a key out: it judges where the key may go, writes that down, and gives a target.

A typed key is its sender's own. A reference to the server's environment may be named by administrators only.
A stored key goes to the origin that it was stored for, and to another one only where an administrator said
so. Nothing else opens the stored key of an endpoint, but for the change of the key that all are sealed with
(app/store/rotation.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from flask import current_app

from app import config
from app.access import audit
from app.access.actors import Actor
from app.errors import ApiError
from app.probe.base_url import origin_of
from app.probe.values import EndpointSettings, Target
from app.registry.endpoints.proxies import joined, kept, parts_of
from app.registry.probing import key_unusable
from app.store import vault
from app.store.base import db, now
from app.store.endpoints import Endpoint
from app.store.leases import HeldKey

Use = Literal[
    "register", "validate", "change", "probe", "health_check", "list_models", "playground", "release"
]
Which = Literal["stored", "headers", "client certificate", "proxy sign-in"]
"""What of an endpoint went out, the first of these that did; a reference stands for itself."""


def target_for(
    actor: Actor,
    use: Use,
    base_url: str,
    model_id: str = "",
    *,
    typed: str | None = None,
    endpoint: Endpoint | None = None,
    settings: EndpointSettings | None = None,
    move_key: bool = False,
) -> Target:
    """What to call at a base URL, with the key in clear.

    The key is `typed` (a key, a reference or "" for none) or, where that is None, the stored one of
    `endpoint`. `settings` are new ones; without them the endpoint's own go along, where they may. The use of
    a stored key or of a reference is put on record before this comes back, and so is any look at what an
    endpoint lists, which leaves no other trace. Commits. ApiError 403 `insufficient_scope` for a reference or
    a move that the actor may not ask for, 400 `api_key_required` where a stored key would go to another
    origin, 400 `api_key_unusable` where it can't be opened.
    """
    key = typed if typed is not None else _judged(endpoint, base_url, actor, move_key)
    if typed is not None:
        require_may_name(actor, typed, base_url)
    try:
        clear = vault.resolve(key) if vault.is_reference(key) else key
        own = settings or _settings_of(endpoint, base_url, move_key)
    except vault.VaultError as error:
        raise key_unusable(error) from error
    which = key if vault.is_reference(key) else "stored" if typed is None and clear else None
    if endpoint is not None and settings is None:
        which = which or _beside_the_key(own)
    if which:
        _note(actor, use, which, base_url, endpoint)
    elif use == "list_models":
        _note_look(actor, base_url)
    return Target(base_url, clear, model_id, own)


def require_may_name(actor: Actor, key: str, base_url: str) -> None:
    """ApiError 403 where the key is a reference to the server's environment and the actor no admin.

    A pair of URL and reference that the settings hold was named by the operator, whoever makes use of it.
    """
    named = (config.settings().litellm_base_url, config.settings().litellm_api_key)
    if vault.is_reference(key) and not actor.may("admin") and (base_url, key) != named:
        raise ApiError(
            "insufficient_scope",
            "Only an administrator (a token with the scope admin) may name a variable of the server's "
            "environment as a key. Nothing was contacted.",
            field="api_key",
        )


def require_set(reference: str) -> None:
    """VaultError where a reference to the environment may not be read, or is not set to anything."""
    vault.resolve(reference)


def refuse_move(endpoint: Endpoint, base_url: str, actor: Actor, move_key: bool) -> None:
    """ApiError where the stored key may not go to this base URL: 400, or 403 for who can't ask for it."""
    if origin_of(base_url) == origin_of(endpoint.base_url):
        return
    if move_key and not actor.may("admin"):
        raise ApiError(
            "insufficient_scope",
            "Only an administrator may send a stored key to another server. Send api_key with the new "
            "base_url. Nothing was contacted.",
            field="move_key",
        )
    if not move_key and (endpoint.has_key or endpoint.headers or endpoint.client_certificate):
        how = " or say move_key=true in the query" if actor.may("admin") else ""
        raise ApiError(
            "api_key_required",
            f"base_url now leads to another server. Send api_key with it{how}: the stored key does not go to "
            "another origin by itself. Nothing was contacted.",
            field="api_key",
        )


def held_key(held: HeldKey, base_url: str) -> str:
    """A key that was held for another try, "" where the base URL is not of the origin it was typed for."""
    return vault.open_(held.ciphertext, held.place) if origin_of(base_url) == held.origin else ""


def is_usable(endpoint: Endpoint) -> bool:
    """Whether the stored key opens with this machine's ring; nothing is handed out."""
    try:
        _opened(endpoint)
    except vault.VaultError:
        return False
    return True


def typed_form(endpoint: Endpoint, target: Target) -> str:
    """The stored key as it was typed: a reference stays one."""
    return f"env://{endpoint.key_env}" if endpoint.key_env else target.api_key


def holds(
    endpoint: Endpoint,
    headers: Mapping[str, str | None] | None,
    certificate: str | None,
    proxy: str | None,
) -> tuple[bool, bool, bool]:
    """Whether just these headers, this client certificate and this proxy are stored; None is not asked for.

    Nothing is handed out. What can't be opened is not the same as anything.
    """
    try:
        stored = _settings_of(endpoint, endpoint.base_url, move_key=False)
    except vault.VaultError:
        return headers is None, certificate is None, proxy is None
    wanted = {name.lower(): value for name, value in (headers or {}).items() if value is not None}
    return (
        headers is None or wanted == {name.lower(): value for name, value in stored.headers},
        certificate is None or certificate == stored.client_certificate,
        proxy is None or kept(proxy, stored.proxy) == stored.proxy,
    )


def _judged(endpoint: Endpoint | None, base_url: str, actor: Actor, move_key: bool) -> str:
    """The stored key, or its reference, after a look at where it would go."""
    if endpoint is None:
        return ""
    refuse_move(endpoint, base_url, actor, move_key)
    try:
        return _opened(endpoint)
    except vault.VaultError as error:
        raise key_unusable(error) from error


def _opened(endpoint: Endpoint) -> str:
    """The stored key, or its reference, "" for none; VaultError where it is not for the endpoint as it is.

    A reference is sealed like a key, and `key_env` only shows it: a variable, or a base URL, that somebody
    wrote into the database gets nothing of the environment.
    """
    sealed = endpoint.key_ciphertext
    key = vault.open_(sealed, endpoint.place_of("key")) if sealed is not None else ""
    shown = f"env://{endpoint.key_env}" if endpoint.key_env else ""
    if shown != (key if vault.is_reference(key) else ""):
        raise vault.VaultError("The variable that holds the API key was not named for this row.")
    return key


def _settings_of(endpoint: Endpoint | None, base_url: str, move_key: bool) -> EndpointSettings:
    """The settings of an endpoint. What is secret of them is bound to its origin, as its key is."""
    if endpoint is None:
        return EndpointSettings()
    headers: tuple[tuple[str, str], ...] = ()
    certificate = ""
    if move_key or origin_of(base_url) == origin_of(endpoint.base_url):
        headers = tuple(
            (row.name, vault.open_(row.ciphertext, endpoint.place_of(f"header {row.name}")))
            for row in endpoint.headers
        )
        if endpoint.client_certificate:
            place = endpoint.place_of("client_certificate")
            certificate = vault.open_(endpoint.client_certificate, place)
    return EndpointSettings(
        endpoint.auth_header,
        endpoint.auth_scheme,
        headers,
        endpoint.ca_pem or "",
        certificate,
        _proxy_of(endpoint),
    )


def _proxy_of(endpoint: Endpoint) -> str:
    """The endpoint's own proxy, with who signs in there; "" for none."""
    sealed = endpoint.proxy_ciphertext
    return joined(endpoint.proxy or "", vault.open_(sealed, endpoint.place_of("proxy")) if sealed else "")


def _beside_the_key(settings: EndpointSettings) -> Which | None:
    """What else of the settings tells somebody who calls: the endpoint, or the proxy."""
    if settings.headers:
        return "headers"
    if settings.client_certificate:
        return "client certificate"
    return "proxy sign-in" if parts_of(settings.proxy)[1] else None


def _note(actor: Actor, use: Use, key: str, base_url: str, endpoint: Endpoint | None) -> None:
    """Put the use of a key on record: which one, for what, and the origin that gets it.

    Health checks use a key every few minutes, and each is a row of `looks`: here one a day tells of them.
    """
    if use == "health_check" and endpoint is not None and not _is_first_of_the_day(endpoint.id):
        return
    detail = {
        "use": use,
        "key": key,
        "endpoint": endpoint.id if endpoint else None,
        "origin": origin_of(base_url),
        **({"proxy": endpoint.proxy} if endpoint and endpoint.proxy else {}),
    }
    audit.record(actor, "key.used", detail=detail, subject=endpoint.name if endpoint else origin_of(base_url))
    db.session.commit()


def _note_look(actor: Actor, base_url: str) -> None:
    """Put on record that somebody had an endpoint asked for its list, with a key of their own or none."""
    origin = origin_of(base_url)
    audit.record(actor, "endpoint.listed", detail={"origin": origin}, subject=origin)
    db.session.commit()


def _is_first_of_the_day(endpoint_id: str) -> bool:
    """Whether this process has not put a health check of the endpoint on record today."""
    noted: dict[str, date] = current_app.extensions.setdefault("muster_health_checks", {})
    today = now().date()
    first = noted.get(endpoint_id) != today
    noted[endpoint_id] = today
    return first
