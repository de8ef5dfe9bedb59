"""The family's general calls in terms of the one request for an OpenAI-compatible model.

The public clients (`orq-ai-sdk` 4.17, `@orq-ai/node`) also make and change models through calls that
know every provider: the same facts, nested as the document nests them. Here they are put where the one form
reads them.
`id`, `model_developer` and `model_family` are taken and not kept: Muster makes ids and asks no family.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.registry.document import document
from app.registry.form.json_body import Problem, closest, kind_of
from app.registry.form.json_form import invalid
from app.registry.metadata import FIELD_BY_NAME, PROVIDER
from app.store.models import RegisteredModel

JSON = Any

CONFIGURATION = {"base_url": "base_url", "api_key": "api_key", "model_id": "configuration.model_id"}
"""Members of `configuration` beside the provider, and the request fields that they are."""

PLAIN = ("display_name", "model_id", "model_type", "input_cost", "output_cost", "benchmark_model")
NOT_KEPT = ("id", "model_developer", "model_family")
_CREATION = {*PLAIN, *NOT_KEPT, "provider", "configuration", "has_functions", "metadata", "parameters"}
_CHANGE = {*PLAIN, "has_functions", "metadata", "parameters"}
CHECK = {"base_url": "base_url", "api_key": "api_key", "deployment_name": "model_id"}
"""Members of a check of an endpoint that Muster has a use for, and the request fields that they are."""

OF_OTHERS = ("api_version", "endpoint", "subtype")
"""Members of a check that other providers need."""


class Translated(NamedTuple):
    """A body as the one form takes it; `places` tells where the caller wrote a field that moved."""

    body: dict[str, JSON]
    places: dict[str, str]


def creation(body: JSON) -> Translated:
    """`POST /v2/models`: a new model of any provider, of which Muster has one. ApiError 400."""
    given = _members(body, _CREATION)
    _require_strings(given, NOT_KEPT)
    _require_provider(given, "provider")
    configuration = _object(given, "configuration", {"provider", *CONFIGURATION})
    if "provider" in configuration:
        _require_provider(configuration, "configuration.provider")
    made = _shared(given, {})
    for name, field in CONFIGURATION.items():
        made.places[field] = f"configuration.{name}"
        if name in configuration:
            _put(made, field, configuration[name], f"configuration.{name}")
    if given.get("parameters") not in (None, []):
        raise _problem("parameters", "invalid", "`parameters` follow from the model type. Send none.")
    return made


def change(body: JSON, model: RegisteredModel) -> Translated:
    """`PATCH /v2/models/{id}`: what changes of a model, whose own id stays as it is. ApiError 400."""
    given, now = _members(body, _CHANGE), document(model)
    if given.get("model_id", model.model_id) != model.model_id:
        message = "`model_id` can't be changed here. PATCH /v2/models/openai-like/{id} changes and proves it."
        raise _problem("model_id", "invalid", message)
    if given.get("parameters") not in (None, [], now["parameters"]):
        raise _problem("parameters", "invalid", "`parameters` follow from the model type. Leave them out.")
    kept = {"display_name": model.display_name, "region": model.region, "model_type": model.model_type}
    made = _shared({name: value for name, value in given.items() if name != "model_id"}, now["metadata"])
    return Translated(kept | made.body, made.places)


def check(body: JSON) -> Translated:
    """`POST /v2/models/validate`: an endpoint and its chat model, before it is registered. ApiError 400."""
    given = _members(body, {*CHECK, "provider", *OF_OTHERS})
    _require_provider(given, "provider")
    _require_strings(given, OF_OTHERS)
    made = Translated({"display_name": "check", "region": "check", "model_type": "chat"}, {})
    for name, field in CHECK.items():
        made.places[field] = name
        if name in given:
            _put(made, field, given[name], name)
    return made


def _shared(given: Mapping[str, JSON], known: Mapping[str, JSON]) -> Translated:
    """What stands alike in a creation and a change; `known` metadata may be sent back as it was read."""
    made = Translated({name: given[name] for name in PLAIN if name in given}, {})
    if "has_functions" in given:
        _put(made, "supports_tool_calling", given["has_functions"], "has_functions")
    for name, value in _object(given, "metadata", FIELD_BY_NAME).items():
        place, field = f"metadata.{name}", FIELD_BY_NAME[name].declared_by
        # 0 == False in Python, but no JSON boolean: only the very same value was not touched.
        same = value == known.get(name) and isinstance(value, bool) is isinstance(known.get(name), bool)
        if field is not None and not same:
            _put(made, field, value, place)
        elif (
            field is None and not same and value is not None and not (name == "is_private" and value is True)
        ):
            raise _problem(place, "invalid", f"`{place}` is what a probe sees. It can't be declared.")
    return made


def _put(made: Translated, field: str, value: JSON, place: str) -> None:
    made.places[field] = place
    outer, _, inner = field.partition(".")
    made.body[outer] = {inner: value} if inner else value


def _members(body: JSON, known: set[str]) -> dict[str, JSON]:
    if not isinstance(body, dict):
        raise _problem(None, "wrong_type", f"The body must be a JSON object, not {kind_of(body)}.")
    _require_known(body, known, "")
    return dict(body)


def _object(given: Mapping[str, JSON], name: str, known: Any) -> dict[str, JSON]:
    found = given.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _problem(name, "wrong_type", f"`{name}` must be an object, not {kind_of(found)}.")
    _require_known(found, known, f"{name}.")
    return dict(found)


def _require_strings(given: Mapping[str, JSON], names: tuple[str, ...]) -> None:
    for name in names:
        if not isinstance(given.get(name, ""), str):
            raise _problem(name, "wrong_type", f"`{name}` must be a string, not {kind_of(given[name])}.")


def _require_known(found: Mapping[str, JSON], known: Any, prefix: str) -> None:
    for member in (*found, *getattr(found, "twice", ())):
        shown = (prefix + member)[:80]
        if member not in known:
            near = closest(member, tuple(known))
            raise invalid([Problem(shown, "unknown_field", f"There is no field `{shown}`.", near)])
    for member in getattr(found, "twice", ()):
        raise _problem(prefix + member, "duplicate_field", f"`{prefix}{member}` is given twice.")


def _require_provider(given: Mapping[str, JSON], place: str) -> None:
    if given.get(place.rpartition(".")[2]) != PROVIDER:
        message = f"`{place}` must be {PROVIDER}: Muster takes models of OpenAI-compatible endpoints only."
        raise _problem(place, "invalid_choice", message)


def _problem(field: str | None, code: str, message: str) -> Exception:
    return invalid([Problem(field, code, message)])
