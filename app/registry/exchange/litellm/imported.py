"""LiteLLM's model definitions (`model_name`, `litellm_params`, `model_info`) as requests to register a model.

Only what speaks OpenAI's API at an api_base can be probed; for everything else there is a sentence that says
why not, and what to do. Nothing is contacted here, and only the variables for keys are ever read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.registry.exchange.litellm.names import (
    EXTENSION,
    EXTRA,
    MODES,
    WORDS,
    per_million,
)
from app.registry.exchange.litellm.served_at import UNSUPPORTED, NotImported, put_endpoint
from app.registry.form.json_body import Problem, closest, kind_of, shortened

JSON = Any

REGION = "unspecified"
"""The region of a definition that names none; LiteLLM knows no such thing."""

_TYPES = {mode: model_type for model_type, mode in MODES.items()}
_READ = {"model", "custom_llm_provider", "api_base", "base_url", "api_key", "max_tokens", "temperature"}
_READ |= {"region_name", "use_litellm_proxy"}
_READ |= {word.name for word in WORDS if word.declared_by}
_READ_INFO = {"mode", "max_tokens", "base_model", "description", EXTENSION}
_READ_INFO |= {word.name for word in WORDS if word.declared_by}
# What LiteLLM's own lists say of an entry besides: where it stands there, and what it follows from.
_NO_MATTER = {"id", "db_model", "key", "litellm_provider", "supported_openai_params", "source"}
_NO_MATTER |= {"created_at", "created_by", "updated_at", "updated_by", "direct_access", "access_via_team_ids"}
_MEMBERS = frozenset({"model_name", "litellm_params", "model_info", "model_id"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A definition as a body of `POST /v2/models/openai-like`.

    `places` says where in the definition a field's value came from; `ignored` names members that LiteLLM
    would obey and Muster has no place for.
    """

    name: str
    body: dict[str, JSON] = field(repr=False)
    places: Mapping[str, str]
    ignored: tuple[str, ...] = ()


def read(definition: JSON, region: str = REGION) -> tuple[Entry | None, list[Problem]]:
    """A definition as an entry, or None and what is wrong with it. `region` is for those that name none."""
    try:
        return _entry(definition, region), []
    except NotImported as error:
        return None, [error.problem]


def name_of(definition: JSON) -> str:
    """What a definition calls itself, for a sentence about it."""
    name = definition.get("model_name") if isinstance(definition, dict) else None
    return shortened(name) if isinstance(name, str) and name else "(no name)"


def _entry(definition: JSON, region: str) -> Entry:
    whole = _object(definition, "")
    _refuse_misspelt(whole)
    params = _object(whole.get("litellm_params"), "litellm_params")
    info = _object(whole.get("model_info") or {}, "model_info")
    extension = _object(info.get(EXTENSION) or {}, f"model_info.{EXTENSION}")
    name = _text(whole, "model_name", "")
    body: dict[str, JSON] = {"model_id": name, "display_name": name[:128], "region": region}
    places = {"model_id": "model_name", "display_name": "model_name", "region": "litellm_params.region_name"}
    kind, remote = _model(params)
    _put(body, places, "region", params, "litellm_params", "region_name")
    put_endpoint(body, places, params, kind, remote)
    body["model_type"] = _type(info, kind)
    places["model_type"] = "model_info.mode"
    _put(body, places, "temperature", params, "litellm_params", "temperature")
    _put_info(body, places, info, params, set(_names(extension.get("observed"))))
    for extra in (*EXTRA, "configuration"):
        _put(body, places, extra, extension, f"model_info.{EXTENSION}", extra)
    if whole.get("model_id") is not None and "configuration" not in body:
        # The workspace's own name for it, as the clients of this API may send one.
        body |= {"model_id": whole["model_id"], "configuration": {"model_id": _sent_id(body)}}
        places["model_id"] = "model_id"
    return Entry(name, body, places, _ignored(whole, params, info, _names(extension.get("observed"))))


def _object(value: JSON, place: str) -> dict[str, JSON]:
    if not isinstance(value, dict):
        called = f"`{place}`" if place else "A definition"
        got = "is missing" if value is None else f"must be an object, not {kind_of(value)}"
        raise NotImported(place, "required" if value is None else "wrong_type", f"{called} {got}.")
    for name in getattr(value, "twice", ()):
        twice = f"{place}.{shortened(name)}" if place else shortened(name)
        raise NotImported(twice, "duplicate_field", f"`{twice}` stands there twice.")
    return value


def _refuse_misspelt(whole: Mapping[str, JSON]) -> None:
    """A misspelt member would be lost silently, with everything in it."""
    for name in whole.keys() - _MEMBERS:
        near = closest(name, _MEMBERS)
        if near:
            message = f"There is no member `{shortened(name)}`. Did you mean `{near[0]}`?"
            raise NotImported(shortened(name), "unknown_field", message)


def _text(holder: Mapping[str, JSON], name: str, prefix: str) -> str:
    value, place = holder.get(name), prefix + name
    if value is None or value == "":
        raise NotImported(place, "required", f"`{place}` is required.")
    if not isinstance(value, str):
        raise NotImported(place, "wrong_type", f"`{place}` must be a string, not {kind_of(value)}.")
    return value


def _model(params: Mapping[str, JSON]) -> tuple[str, str]:
    """Kind and model id of `litellm_params.model`: `kind/id`, or a bare id, which is one of OpenAI's."""
    model = _text(params, "model", "litellm_params.")
    stated = params.get("custom_llm_provider")
    kind, slash, rest = model.partition("/")
    if isinstance(stated, str) and stated:
        return (stated, rest) if slash and kind == stated else (stated, model)
    return (kind, rest) if slash else ("openai", model)


def _type(info: Mapping[str, JSON], kind: str) -> str:
    mode = info.get("mode")
    if mode is None:
        return "completion" if kind == "text-completion-openai" else "chat"
    if not isinstance(mode, str):
        message = f"`model_info.mode` must be a string, not {kind_of(mode)}."
        raise NotImported("model_info.mode", "wrong_type", message)
    if mode not in _TYPES:
        known = ", ".join(_TYPES)
        message = f"Muster has no model type for the mode {shortened(mode)}. It knows {known}."
        raise NotImported("model_info.mode", UNSUPPORTED, message)
    return _TYPES[mode]


def _put_info(
    body: dict[str, JSON],
    places: dict[str, str],
    info: Mapping[str, JSON],
    params: Mapping[str, JSON],
    observed: set[str],
) -> None:
    """What the definition declares. Prices and limits may stand in `litellm_params` too, and win there."""
    for word in WORDS:
        if word.declared_by and word.name not in observed:
            holder, place = (params, "litellm_params") if word.name in params else (info, "model_info")
            _put(body, places, word.declared_by, holder, place, word.name, scaled=word.is_price)
    if "max_tokens" not in body and "max_output_tokens" not in observed:
        _put(body, places, "max_tokens", info, "model_info", "max_tokens")
    _put(body, places, "max_tokens", params, "litellm_params", "max_tokens")
    _put(body, places, "benchmark_model", info, "model_info", "base_model")
    _put(body, places, "description", info, "model_info", "description")


def _put(
    body: dict[str, JSON],
    places: dict[str, str],
    name: str,
    holder: Mapping[str, JSON],
    place: str,
    called: str,
    *,
    scaled: bool = False,
) -> None:
    """Take a value over as it is; the form judges it."""
    value = holder.get(called)
    if value is not None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        body[name] = per_million(value) if scaled and is_number else value
        places[name] = f"{place}.{called}"


def _sent_id(body: Mapping[str, JSON]) -> JSON:
    return body["configuration"]["model_id"] if "configuration" in body else body["model_id"]


def _names(value: JSON) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _ignored(
    whole: Mapping[str, JSON], params: Mapping[str, JSON], info: Mapping[str, JSON], observed: list[str]
) -> tuple[str, ...]:
    """Members and parameters with a meaning that is lost. False, null and empty ones have none.

    Nor has what a Muster `observed` and wrote: the one that imports it looks for itself.
    """
    known = _READ_INFO | _NO_MATTER | set(observed)
    lost = [f"litellm_params.{name}" for name, value in params.items() if value and name not in _READ]
    lost += [f"model_info.{name}" for name, value in info.items() if value and name not in known]
    lost += [name for name, value in whole.items() if value and name not in _MEMBERS]
    return tuple(map(shortened, sorted(lost)))
