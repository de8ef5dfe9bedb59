"""Registered models as entries of a LiteLLM `config.yaml`: no key leaves, only names of variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from app.config import settings
from app.document import document
from app.exchange.first_call import is_keyed
from app.exchange.litellm_words import ENVIRON, EXTENSION, EXTRA, MODES, NO_KEY, WORDS, per_token
from app.models import RegisteredModel

JSON = Any

_HEAD = """# For LiteLLM, made by Muster. Keys are not in here: each api_key names an environment variable of
# the LiteLLM server. Set these before it starts:
"""


def config(models: Iterable[RegisteredModel]) -> str:
    """A `config.yaml` with an entry for each model."""
    taken: dict[str, str] = {}
    entries = [entry(model, _variable_among(model, taken)) for model in models]
    head = "".join(f"#   {name}\n" for name in taken) or "#   (none of these models needs a key)\n"
    return _HEAD + head + _yaml({"model_list": entries})


def single(model: RegisteredModel) -> str:
    """The entry of one model, to stand in a `model_list`."""
    return _yaml([entry(model, variable_of(model))])


def entry(model: RegisteredModel, variable: str) -> dict[str, JSON]:
    """The entry of a model; `variable` is where LiteLLM finds its key."""
    params: dict[str, JSON] = {
        "model": f"{_kind(model)}/{model.wire_model_id}",
        "api_base": model.base_url,
        "api_key": ENVIRON + variable if is_keyed(model) else NO_KEY,
    }
    if model.temperature is not None:
        params["temperature"] = model.temperature
    return {"model_name": model.model_id, "litellm_params": params, "model_info": _info(model)}


def variable_of(model: RegisteredModel) -> str:
    """The variable of a model's key: its own where the key is a reference, else one made of the model id."""
    if model.key_env:
        return model.key_env
    name = re.sub(r"[^A-Z0-9]+", "_", model.model_id.upper()).strip("_")[:128] or "MODEL"
    return settings().key_prefix + name


def _variable_among(model: RegisteredModel, taken: dict[str, str]) -> str:
    """The same, but never one that belongs to another model's sealed key already."""
    name = variable_of(model)
    if not is_keyed(model):
        return name
    if taken.setdefault(name, model.key_env or model.id) != (model.key_env or model.id):
        name = f"{name}_{model.id[-12:].upper()}"
        taken[name] = model.id
    return name


def _kind(model: RegisteredModel) -> str:
    # LiteLLM's openai/ has no reranking; its hosted_vllm/ calls {api_base}/rerank.
    return {"completion": "text-completion-openai", "rerank": "hosted_vllm"}.get(model.model_type, "openai")


def _info(model: RegisteredModel) -> dict[str, JSON]:
    metadata: Mapping[str, JSON] = document(model)["metadata"]
    info: dict[str, JSON] = {"id": model.id, "mode": MODES[model.model_type]}
    observed = []
    for word in WORDS:
        value = metadata.get(word.metadata)
        if value is not None:
            info[word.name] = per_token(value) if word.is_price else value
            if word.declared_by is None or getattr(model, word.declared_by) is None:
                observed.append(word.name)
    for name, value in (("base_model", model.benchmark_model), ("description", model.description)):
        if value is not None:
            info[name] = value
    info[EXTENSION] = _extension(model, observed)
    return info


def _extension(model: RegisteredModel, observed: list[str]) -> dict[str, JSON]:
    """What LiteLLM has no word for. `observed` names members that nobody declared; imports skip them."""
    made = {name: value for name in EXTRA if (value := getattr(model, name)) is not None}
    if model.remote_model_id == model.model_id:
        made["configuration"] = {"model_id": model.remote_model_id}
    if observed:
        made["observed"] = observed
    return made


def _yaml(value: JSON) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
