"""A file with all that is wanted of a registry, read: what of it can't be taken is told entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import ApiError
from app.registry.declared.labels import read_labels
from app.registry.endpoints.form import NewEndpointForm, read_headers, read_model
from app.registry.endpoints.proxies import parts_of
from app.registry.form.json_body import Members, Problem, closest, kind_of, shortened
from app.registry.form.json_form import invalid
from app.store.labels import Labels

JSON = Any
MOST_ENDPOINTS = 200
MOST_MODELS = 1000
_MEMBERS = ("endpoints", "prune", "dry_run")
_BESIDE_FORM = ("models", "headers", "labels")
_OF_MODELS = ("labels", "enabled")
_OF_THE_ENDPOINT = frozenset({"base_url", "api_key"})


@dataclass(frozen=True, slots=True)
class WantedModel:
    """A model that is wanted. `values` are all that registration takes, `given` only what the file says.

    A column that is given as None is to be emptied. `labels` and `enabled` are None where nothing is said.
    """

    model_id: str
    model_type: str = ""
    values: Mapping[str, JSON] = field(default_factory=dict)
    given: Mapping[str, JSON] = field(default_factory=dict)
    labels: Labels | None = None
    enabled: bool | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedEndpoint:
    """An endpoint that is wanted. `key` is as it is typed, None where the file says nothing of it."""

    name: str
    form: NewEndpointForm = field(repr=False)
    body: Mapping[str, JSON] = field(repr=False)
    key: str | None = field(repr=False)
    headers: Mapping[str, str | None] | None = field(repr=False)
    models: tuple[WantedModel, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def base_url(self) -> str:
        """The base URL, "" where there is none."""
        return self.form.base_url.data or ""

    @property
    def has_secret(self) -> bool:
        """Whether there is anything in it that nobody should find out by trying."""
        form = self.form
        given = (self.key, form.client_certificate_pem.data, parts_of(form.proxy.data or "")[1])
        return any(given) or any((self.headers or {}).values())

    @property
    def shown(self) -> str:
        """What to call it in an answer."""
        return self.name or self.base_url or "(no name)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The whole file; `prune`: what is not in it goes. `dry_run`: only say what would be done."""

    endpoints: tuple[WantedEndpoint, ...]
    prune: bool = False
    dry_run: bool = False


def read_wanted(body: JSON) -> Wanted:
    """A file as JSON has it; what is wrong with an entry stays with it. ApiError 400 where it is no file."""
    if not isinstance(body, dict):
        raise _wrong(None, "wrong_type", f"The file must be an object, not {kind_of(body)}.")
    for name in body:
        if name not in _MEMBERS:
            near = closest(name, _MEMBERS)
            raise _wrong(shortened(name), "unknown_field", f"There is no field `{shortened(name)}`.", near)
    for name in ("prune", "dry_run"):
        if not isinstance(body.get(name, False), bool):
            raise _wrong(name, "wrong_type", f"`{name}` must be a boolean, not {kind_of(body[name])}.")
    entries = body.get("endpoints")
    if not isinstance(entries, list):
        raise _wrong("endpoints", "required", f"`endpoints` must be an array, not {kind_of(entries)}.")
    _refuse_too_many(entries)
    endpoints = tuple(_endpoint(entry, index) for index, entry in enumerate(entries))
    return Wanted(endpoints, body.get("prune", False), body.get("dry_run", False))


def _refuse_too_many(entries: list[JSON]) -> None:
    models = [entry["models"] for entry in entries if isinstance(entry, dict) and "models" in entry]
    count = sum(len(some) for some in models if isinstance(some, list))
    if len(entries) > MOST_ENDPOINTS or count > MOST_MODELS:
        most = f"At most {MOST_ENDPOINTS} endpoints with {MOST_MODELS:,} models fit into one call."
        raise _wrong("endpoints", "too_long", most)


def _endpoint(entry: JSON, index: int) -> WantedEndpoint:
    place = f"endpoints[{index}]"
    if not isinstance(entry, dict):
        raise _wrong(place, "wrong_type", f"`{place}` must be an object, not {kind_of(entry)}.")
    rest = Members((name, value) for name, value in entry.items() if name not in _BESIDE_FORM)
    rest.twice = getattr(entry, "twice", ())
    form = NewEndpointForm.from_json(rest)
    good = form.validate()
    headers, wrong = read_headers(entry.get("headers"))
    problems = [*form.problems(), *wrong]
    shared = {"base_url": form.base_url.data if good else "http://nowhere.invalid/v1"}
    shared["region"] = form.region.data
    models = _models(entry, shared, problems)
    key = form.api_key.data if form.api_key.given else "" if "api_key" in rest else None
    given = headers if "headers" in entry else None
    return WantedEndpoint(form.name.data or "", form, rest, key, given, models, tuple(problems))


def _models(
    entry: Mapping[str, JSON], shared: Mapping[str, JSON], problems: list[Problem]
) -> tuple[WantedModel, ...]:
    models = entry.get("models", [])
    if not isinstance(models, list):
        problems.append(Problem("models", "wrong_type", f"`models` must be an array, not {kind_of(models)}."))
        return ()
    return tuple(_model(model, shared, entry.get("labels")) for model in models)


def _model(entry: JSON, shared: Mapping[str, JSON], labels_of_all: JSON) -> WantedModel:
    if not isinstance(entry, dict):
        problem = Problem("models", "wrong_type", f"A model must be an object, not {kind_of(entry)}.")
        return WantedModel("(none)", problems=(problem,))
    own = Members((name, value) for name, value in entry.items() if name not in _OF_MODELS)
    own.twice = getattr(entry, "twice", ())
    values, problems = read_model(own, shared)
    asked = entry.get("labels", labels_of_all)
    labels, wrong = read_labels(asked, "labels.") if asked is not None else (None, [])
    enabled = entry.get("enabled")
    if enabled is not None and not isinstance(enabled, bool):
        wrong.append(
            Problem("enabled", "wrong_type", f"`enabled` must be a boolean, not {kind_of(enabled)}.")
        )
    if problems or wrong:
        return WantedModel(shortened(str(entry.get("model_id") or "(none)")), problems=(*problems, *wrong))
    given = _given(values, own, shared)
    return WantedModel(values["model_id"], values["model_type"], values, given, labels, enabled)


def _given(
    values: Mapping[str, JSON], entry: Mapping[str, JSON], shared: Mapping[str, JSON]
) -> dict[str, JSON]:
    """What the file says: a null takes away, what is absent stays as it is."""
    said = set(entry) | ({"region"} if shared["region"] is not None else set())
    if "configuration" in entry:
        said.add("remote_model_id")
    return {name: value for name, value in values.items() if name in said and name not in _OF_THE_ENDPOINT}


def _wrong(field: str | None, code: str, message: str, near: tuple[str, ...] = ()) -> ApiError:
    return invalid([Problem(field, code, message, near)])
