"""The smallest useful call of each model type: where it goes and what it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from app.store.models import RegisteredModel

KEY_VARIABLE = "API_KEY"
"""What every artefact calls the variable that holds the key; the key itself is in none."""

JSON_CALLS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "chat": ("chat/completions", {"messages": [{"role": "user", "content": "Say hello."}]}),
    "completion": ("completions", {"prompt": "Once upon a time", "max_tokens": 32}),
    "embedding": ("embeddings", {"input": "The quick brown fox"}),
    "image": ("images/generations", {"prompt": "A lighthouse at dusk"}),
    "rerank": ("rerank", {"query": "What is a fox?", "documents": ["An animal.", "A small box."]}),
    "tts": ("audio/speech", {"input": "Hello.", "voice": "alloy"}),
    "moderation": ("moderations", {"input": "A friendly sentence."}),
}
"""Path below the base URL and body, without the model, of the types that are called with JSON."""


def is_keyed(model: RegisteredModel) -> bool:
    """Whether the endpoint is called with a key."""
    return model.endpoint.has_key


def is_special(model: RegisteredModel) -> bool:
    """Whether a call needs more than a base URL and a key as `Authorization: Bearer`."""
    endpoint = model.endpoint
    plain = (endpoint.auth_header, endpoint.auth_scheme) == ("Authorization", "Bearer")
    more = (endpoint.headers, endpoint.ca_pem, endpoint.client_certificate, endpoint.proxy)
    return not plain or any(more)


def variables_of(model: RegisteredModel) -> dict[str, str]:
    """The endpoint's further headers by name, and what artefacts call the variables with their values."""
    return {row.name: f"HEADER_{_variable(row.name)}" for row in model.endpoint.headers}


def key_header(model: RegisteredModel) -> tuple[str, str]:
    """The header that carries the key, and what stands before the key in it, such as `Bearer `."""
    scheme = model.endpoint.auth_scheme
    return model.endpoint.auth_header, f"{scheme} " if scheme else ""


PROXY_VARIABLE = "PROXY_URL"
"""The variable with the endpoint's proxy, where one signs in there."""


def _variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")


CA_VARIABLE, CERTIFICATE_VARIABLE = "CA_FILE", "CLIENT_CERTIFICATE_FILE"
"""Variables that name files: the endpoint's own authority, and Muster's certificate with its private key."""


def mark_of(model: RegisteredModel) -> str:
    """What a name made of the model id ends with, so that it is this model's alone.

    Several deployments may share a model id, and other ids may give the same name. It is the random end of
    the row's id: the same in whatever the model is written into, and there for a person to find it by.
    """
    return model.id[-12:]


def url_of(base_url: str, path: str) -> str:
    """Base and path joined by one slash; the base's query string stays at the end."""
    parts = urlsplit(base_url)
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{path}", parts.query, ""))


def without_query(base_url: str) -> tuple[str, dict[str, str]]:
    """The base URL as the `openai` clients take it, and its query string as they take that."""
    parts = urlsplit(base_url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), dict(
        parse_qsl(parts.query, keep_blank_values=True)
    )
