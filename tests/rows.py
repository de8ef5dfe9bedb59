"""Rows as the registry would have made them, for tests that do not register through it."""

from __future__ import annotations

from typing import Any

from app.probe.base_url import origin_of
from app.store import vault
from app.store.base import new_id
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel


def opened(endpoint: Endpoint) -> str:
    """The stored key in clear; VaultError where it can't be opened."""
    assert endpoint.key_ciphertext is not None
    return vault.open_(endpoint.key_ciphertext, endpoint.place_of("key"))


_OF_THE_ENDPOINT = ("key_env", "key_ciphertext")


def an_endpoint(base_url: str = "https://llm.example.com/v1", **changes: Any) -> Endpoint:
    """An endpoint without a key."""
    good: dict[str, Any] = {
        "id": new_id(), "name": "llm.example.com", "base_url": base_url, "origin": origin_of(base_url)[:300],
        "identity": new_id(), "key_digest": new_id(), "auth_header": "Authorization", "auth_scheme": "Bearer",
    }  # fmt: skip
    return Endpoint(**good | changes)


def a_model(**columns: Any) -> RegisteredModel:
    """A chat model with an endpoint of its own, which gets `base_url`, `key_env` and `key_ciphertext`."""
    good: dict[str, Any] = {
        "id": new_id(), "model_id": "llama", "display_name": "Llama", "model_type": "chat", "region": "eu",
        "base_url": "https://llm.example.com/v1",
    }  # fmt: skip
    given = good | columns
    endpoint = an_endpoint(given.pop("base_url"), **{k: given.pop(k) for k in _OF_THE_ENDPOINT if k in given})
    return RegisteredModel(**{"endpoint": endpoint, "endpoint_id": endpoint.id} | given)
