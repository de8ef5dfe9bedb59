"""The registry as a file that `muster apply` takes: a key only where it is a reference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from app.probe.values import EndpointSettings
from app.registry.document import plain_number
from app.registry.probing import DECLARED
from app.store.endpoints import Endpoint
from app.store.labels import Labels
from app.store.models import RegisteredModel

JSON = Any

_ALWAYS = ("model_id", "model_type", "display_name", "region")
_OPTIONAL = (
    "description",
    "benchmark_model",
    "max_tokens",
    "temperature",
    "input_cost",
    "output_cost",
    "cache_read_cost",
    "cache_write_cost",
    "cost_per_image",
    *sorted(set(DECLARED.values())),
)
_HEAD = """# A Muster registry, for `muster apply`. No key is in here, only references to variables: where
# `api_key` is absent, the stored one stays. A Muster without such an endpoint needs its key, its headers and
# the password of its proxy.
"""


def text(models: Iterable[RegisteredModel]) -> str:
    """The file: an entry for each endpoint, in the order of its first model."""
    entries: dict[str, dict[str, JSON]] = {}
    for model in models:
        entry = entries.setdefault(model.endpoint_id, endpoint_entry(model.endpoint, model.base_url))
        entry["models"].append(model_entry(model))
    made = {"endpoints": list(entries.values())}
    return _HEAD + str(yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=1000))


def endpoint_entry(endpoint: Endpoint, base_url: str) -> dict[str, JSON]:
    """An endpoint without its models; `base_url` as the reader may see it."""
    plain = EndpointSettings()
    made: dict[str, JSON] = {"name": endpoint.name, "base_url": base_url}
    if endpoint.key_env:
        made["api_key"] = f"env://{endpoint.key_env}"
    if (endpoint.auth_header, endpoint.auth_scheme) != (plain.auth_header, plain.auth_scheme):
        made["auth"] = {"header": endpoint.auth_header, "scheme": endpoint.auth_scheme}
    if endpoint.ca_pem:
        made["ca_pem"] = endpoint.ca_pem
    if endpoint.proxy:
        made["proxy"] = endpoint.proxy
    return made | {"models": []}


def model_entry(model: RegisteredModel) -> dict[str, JSON]:
    """What a person declared of a model; what a probe saw is for the next Muster to see."""
    made: dict[str, JSON] = {name: getattr(model, name) for name in _ALWAYS}
    if model.remote_model_id is not None:
        made["configuration"] = {"model_id": model.remote_model_id}
    made |= {name: _plain(value) for name in _OPTIONAL if (value := getattr(model, name)) is not None}
    if not model.enabled:
        made["enabled"] = False
    if model.labels != Labels():
        made["labels"] = model.labels.stated()
    return made


def _plain(value: JSON) -> JSON:
    return plain_number(value) if isinstance(value, float) else value
