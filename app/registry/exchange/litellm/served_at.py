"""Where LiteLLM's definition of a model says that it is served, and with which key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.config import Settings, settings
from app.registry.exchange.litellm.names import (
    BASES,
    COMPATIBLE,
    ENVIRON,
    HINTS,
    NO_KEY,
    variable_part,
)
from app.registry.form.json_body import Problem, shortened

JSON = Any

UNSUPPORTED = "unsupported_kind"
"""Code of a problem that no other value would solve: the entry is of another kind."""


class NotImported(Exception):
    """A definition can't become a request."""

    def __init__(self, place: str, code: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(place or None, code, message)


def put_endpoint(
    body: dict[str, JSON], places: dict[str, str], params: Mapping[str, JSON], kind: str, remote: str
) -> None:
    """Base URL, key and id that is sent: at the api_base, or through the LiteLLM proxy of the settings."""
    _refuse_lost_credential(params)
    _refuse_wildcard(params, kind, remote, body["model_id"])
    place = "litellm_params.base_url" if params.get("api_base") is None else "litellm_params.api_base"
    base = params.get("api_base") if params.get("api_base") is not None else params.get("base_url")
    places |= {"base_url": place, "api_key": "litellm_params.api_key"}
    chosen = settings()
    if chosen.litellm_base_url and (params.get("use_litellm_proxy") is True or base is None):
        body |= {"base_url": chosen.litellm_base_url, "api_key": chosen.litellm_api_key}
        return
    _require_compatible(kind, remote)
    if base is None:
        base = _default_base(kind, params)
    _refuse_variable(base, place)
    body |= {"base_url": base, "api_key": _key(params, chosen)}
    if remote != body["model_id"]:
        body["configuration"] = {"model_id": remote}
        places["configuration.model_id"] = "litellm_params.model"


def _refuse_lost_credential(params: Mapping[str, JSON]) -> None:
    if params.get("litellm_credential_name"):
        raise NotImported(
            "litellm_params.litellm_credential_name",
            "invalid_reference",
            "The credential that `litellm_params.litellm_credential_name` names stands in no "
            "`credential_list` of this file. Write its api_key and api_base here.",
        )


def _refuse_wildcard(params: Mapping[str, JSON], kind: str, remote: str, model_id: str) -> None:
    if "*" in remote or "*" in model_id:
        message = (
            "A wildcard names no model that could be probed. To register all that the endpoint lists: "
            f"muster endpoint add {_base_for_words(params, kind)} --key-env NAME --models all"
        )
        raise NotImported("litellm_params.model", UNSUPPORTED, message)


def _refuse_variable(base: JSON, place: str) -> None:
    if isinstance(base, str) and base.startswith(ENVIRON):
        variable = shortened(base.removeprefix(ENVIRON))
        message = (
            f"`{place}` names a variable of the LiteLLM server. Write the URL itself, or import with "
            f"--env {variable}=https://…"
        )
        raise NotImported(place, "invalid_reference", message)


def _base_for_words(params: Mapping[str, JSON], kind: str) -> str:
    base = params.get("api_base") or params.get("base_url") or BASES.get(kind)
    return shortened(base) if isinstance(base, str) and not base.startswith(ENVIRON) else "URL"


def _require_compatible(kind: str, remote: str) -> None:
    if kind not in COMPATIBLE:
        hint = HINTS.get(kind, "If its endpoint speaks OpenAI's API, write openai/<model> with its api_base.")
        message = f"`{shortened(kind)}/` is not a kind that speaks OpenAI's API at its api_base. {hint}"
        raise NotImported("litellm_params.model", UNSUPPORTED, message)
    if not remote:
        raise NotImported("litellm_params.model", "required", "`litellm_params.model` names no model.")


def _default_base(kind: str, params: Mapping[str, JSON]) -> str:
    """The vendor's own address where LiteLLM would use it too, and only with a key that is meant for it."""
    if kind in BASES and params.get("api_key"):
        return BASES[kind]
    if kind in BASES:
        raise NotImported(
            "litellm_params.api_key",
            "required",
            f"`litellm_params.api_key` is missing: LiteLLM takes the key of {kind} from its own environment. "
            f"Write {ENVIRON}NAME with the variable that holds it.",
        )
    raise NotImported(
        "litellm_params.api_base",
        "required",
        "`litellm_params.api_base` is missing, so nothing says where the model is served. Add it, or set "
        "MUSTER_LITELLM_BASE_URL to the LiteLLM proxy that serves it.",
    )


def _key(params: Mapping[str, JSON], chosen: Settings) -> JSON:
    """The key as the form takes it: `os.environ/NAME` becomes `env://NAME` where NAME is one for keys."""
    key = params.get("api_key")
    if key is None or key == NO_KEY:
        return ""
    if not isinstance(key, str) or not key.startswith(ENVIRON):
        return key
    name = key.removeprefix(ENVIRON)
    if not name.startswith(chosen.key_prefix):
        wanted = shortened(chosen.key_prefix + (variable_part(name) or "NAME"))
        raise NotImported(
            "litellm_params.api_key",
            "invalid_reference",
            f"Muster takes keys only from variables whose names start with {chosen.key_prefix}, and this is "
            f"{shortened(name)}. Set {wanted} where Muster runs, and import with --env "
            f"{shortened(name)}=env://{wanted}, or with --keys-from-env where this shell holds the key.",
        )
    return f"env://{name}"
