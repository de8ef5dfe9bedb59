"""Registered models as entries of a LiteLLM `config.yaml`: no key leaves, only names of variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from app.config import settings
from app.probe.capabilities import CAPABILITIES
from app.registry.document import document
from app.registry.exchange.first_call import is_keyed, is_special, key_header, mark_of
from app.registry.exchange.litellm.config_file import add_numbers
from app.registry.exchange.litellm.names import (
    ENVIRON,
    EXTENSION,
    EXTRA,
    MODES,
    NO_KEY,
    WORDS,
    per_token,
    variable_part,
)
from app.store.labels import Labels
from app.store.models import RegisteredModel

JSON = Any

_HEAD = """# For LiteLLM, made by Muster. Keys are not in here: each api_key names an environment variable of
# the LiteLLM server. Set these before it starts:
"""

# Tried with LiteLLM 1.106: it puts paths behind the query of an api_base, and `extra_query` into the body.
_QUERY = """# LiteLLM can't send a query string with its calls, and this api_base has one. Put an address here
# that adds the query string by itself.
"""


class _Dumper(yaml.SafeDumper):
    """Puts text into quotes wherever the importer would read a number in it."""


add_numbers(_Dumper)


def config(models: Iterable[RegisteredModel]) -> str:
    """A `config.yaml` with an entry for each model."""
    names: dict[str, None] = {}
    entries = []
    for model in models:
        entries.append(single(model))
        if is_keyed(model):
            names[variable_of(model)] = None
    head = "".join(f"#   {name}\n" for name in names) or "#   (none of these models needs a key)\n"
    return _HEAD + head + ("model_list:\n" + "".join(entries) if entries else "model_list: []\n")


def single(model: RegisteredModel) -> str:
    """The entry of one model, to stand in a `model_list`."""
    notes = (_QUERY if "?" in model.base_url else "") + (_special(model) if is_special(model) else "")
    return notes + _yaml([entry(model)])


def _special(model: RegisteredModel) -> str:
    """What LiteLLM has to be told beside the entry, for an endpoint that is called in a way of its own."""
    name, scheme = key_header(model)
    as_usual = (name, scheme) == ("Authorization", "Bearer ")
    told = [f"its key as {name}: {scheme}<key>"] if is_keyed(model) and not as_usual else []
    told += [f"the header {row.name}" for row in model.endpoint.headers]
    told += ["a certificate of the caller"] if model.endpoint.client_certificate else []
    told += ["an authority of its own in SSL_CERT_FILE"] if model.endpoint.ca_pem else []
    wants = f"# The endpoint wants {', '.join(told)}: set that in LiteLLM (extra_headers) too.\n"
    return (wants if told else "") + _proxy(model)


def _proxy(model: RegisteredModel) -> str:
    """LiteLLM has no proxy for one model: the variables of its server count for all."""
    if not model.endpoint.proxy:
        return ""
    return (
        f"# The endpoint is reached through the proxy {model.endpoint.proxy}: LiteLLM's server takes it\n"
        "# from HTTP_PROXY and HTTPS_PROXY, for all of its models.\n"
    )


def entry(model: RegisteredModel) -> dict[str, JSON]:
    """The entry of a model; its key is the name of a variable of the LiteLLM server."""
    params: dict[str, JSON] = {
        "model": f"{_kind(model)}/{model.wire_model_id}",
        "api_base": model.base_url,
        "api_key": ENVIRON + variable_of(model) if is_keyed(model) else NO_KEY,
    }
    if model.temperature is not None:
        params["temperature"] = model.temperature
    return {"model_name": model.model_id, "litellm_params": params, "model_info": _info(model)}


def variable_of(model: RegisteredModel) -> str:
    """The variable of a model's key: its own where the key is a reference, else one that no other model has.

    It depends on the model alone, never on what is exported with it: a name that meant one model in one file
    and another in the next would send a key to an endpoint that it is not for.
    """
    if model.endpoint.key_env:
        return model.endpoint.key_env
    name = variable_part(model.model_id) or "MODEL"
    return f"{settings().key_prefix}{name}_{mark_of(model).upper()}"


def _kind(model: RegisteredModel) -> str:
    # LiteLLM's openai/ has no reranking; its hosted_vllm/ calls {api_base}/rerank.
    return {"completion": "text-completion-openai", "rerank": "hosted_vllm"}.get(model.model_type, "openai")


def _info(model: RegisteredModel) -> dict[str, JSON]:
    metadata: Mapping[str, JSON] = document(model)["metadata"]
    info: dict[str, JSON] = {"id": model.id, "mode": MODES[model.model_type]}
    unseen = _unseen(model)
    observed = []
    for word in WORDS:
        value, denied = metadata.get(word.metadata), word.metadata in unseen
        if value is not None:
            info[word.name] = per_token(value) if word.is_price else False if denied else value
            if denied or word.declared_by is None or getattr(model, word.declared_by) is None:
                observed.append(word.name)
    for name, value in (("base_model", model.benchmark_model), ("description", model.description)):
        if value is not None:
            info[name] = value
    info[EXTENSION] = _extension(model, observed)
    return info


def _unseen(model: RegisteredModel) -> set[str]:
    """Metadata of what was seen not to work: whatever was declared, it is not promised to others."""
    seen = model.capabilities or {}
    denied = (row for row in CAPABILITIES if (seen.get(row.name) or {}).get("observed") is False)
    return {name for row in denied for name in row.fills}


def _extension(model: RegisteredModel, observed: list[str]) -> dict[str, JSON]:
    """What LiteLLM has no name for. `observed` names members that nobody declared; imports skip them."""
    unseen = _unseen(model)
    made = {
        name: value for name in EXTRA if (value := getattr(model, name)) is not None and name not in unseen
    }
    if model.remote_model_id == model.model_id:
        made["configuration"] = {"model_id": model.remote_model_id}
    if model.labels != Labels():
        made["labels"] = model.labels.stated()
    if observed:
        made["observed"] = observed
    return made


def _yaml(value: JSON) -> str:
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000))
