"""What applying a file does, worked out before anything is contacted: nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import select

from app.access.actors import Actor
from app.errors import ApiError
from app.registry import credentials
from app.registry.declared.wanted import Wanted, WantedEndpoint, WantedModel
from app.registry.endpoints import rows as endpoints
from app.registry.endpoints.differences import HIDDEN
from app.registry.endpoints.form import change_of
from app.registry.endpoints.proxies import parts_of
from app.store.base import db
from app.store.endpoints import Endpoint
from app.store.models import WITH_LABELS, RegisteredModel
from app.store.rotation import digest

JSON = Any
Outcome = Literal["create", "change", "same", "delete", "rejected"]
Changes = dict[str, list[JSON]]


@dataclass(slots=True)
class Entry:
    """One line of the answer: what is done, or was; `changes` has the old and the new value of each field."""

    kind: Literal["endpoint", "model"]
    name: str
    endpoint: str
    outcome: Outcome
    id: str | None = None
    changes: Changes = field(default_factory=dict)
    error: dict[str, JSON] | None = None
    base_url: str = ""
    is_other_secret: bool = False
    """A secret in the file is not the stored one."""

    def reject(self, code: str, message: str, field: str | None = None) -> None:
        """Say that it is not done, and why."""
        self.outcome, self.error = "rejected", {"code": code, "field": field, "message": message}

    def as_dict(self) -> dict[str, JSON]:
        """The entry as JSON."""
        names = ("kind", "name", "endpoint", "outcome", "id", "changes", "error")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class ModelPlan:
    """A model of the file beside its row."""

    wanted: WantedModel
    entry: Entry


@dataclass(slots=True)
class EndpointPlan:
    """An endpoint of the file beside its row; `gone` are models that are to be deleted."""

    wanted: WantedEndpoint
    entry: Entry
    models: list[ModelPlan] = field(default_factory=list)
    gone: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """The whole of it; `gone` are endpoints that are to be deleted, after their models."""

    endpoints: list[EndpointPlan]
    gone_models: list[Entry] = field(default_factory=list)
    gone: list[Entry] = field(default_factory=list)

    def entries(self) -> list[Entry]:
        """Every entry, in the order of the file; what is not in it comes last."""
        made: list[Entry] = []
        for each in self.endpoints:
            made += [each.entry, *(model.entry for model in each.models), *each.gone]
        return made + self.gone_models + self.gone


def plan(wanted: Wanted, actor: Actor) -> Plan:
    """Compare a file with what is registered. Deletes only where `prune` is asked for and all can be read.

    ApiError 403 where the file names a variable of the environment and the actor may not.
    """
    for each in wanted.endpoints:
        credentials.require_may_name(actor, each.key or "", each.base_url)
    seen: set[str] = set()
    names = {each.name for each in wanted.endpoints if each.name}
    made = Plan([_endpoint(each, names, seen, actor) for each in wanted.endpoints])
    if wanted.prune and not any(entry.outcome == "rejected" for entry in made.entries()):
        _prune(made)
    return made


def _endpoint(wanted: WantedEndpoint, names: set[str], seen: set[str], actor: Actor) -> EndpointPlan:
    entry = Entry("endpoint", wanted.shown, wanted.shown, "create")
    made = EndpointPlan(wanted, entry)
    if wanted.problems:
        first = wanted.problems[0]
        entry.reject(first.code, first.message, first.field)
        made.models = [_not_read(model, entry) for model in wanted.models]
        return made
    found = _rows(wanted, names)
    if len(found) > 1 or (found and found[0].id in seen):
        what = "Several endpoints are called so" if len(found) > 1 else "It stands in the file twice"
        entry.reject("ambiguous_reference", f"{what}: give each a name of its own.", "name")
    elif found:
        _compare(entry, wanted, found[0], actor)
        seen.add(found[0].id)
    else:
        entry.base_url = wanted.base_url
        entry.is_other_secret = bool(wanted.key) and _is_known(wanted.base_url)
    made.models = list(_models(made, entry.id))
    if entry.outcome == "create" and all(one.entry.outcome == "rejected" for one in made.models):
        entry.reject("invalid", "An endpoint gets in with at least one model that works.", "models")
    return made


def _is_known(base_url: str) -> bool:
    """Whether an endpoint has this base URL: by its key it would have been found."""
    known = select(Endpoint.id).where(Endpoint.base_url == base_url).limit(1)
    return db.session.scalar(known) is not None


def _rows(wanted: WantedEndpoint, names: set[str]) -> Sequence[Endpoint]:
    """The endpoint that is meant: by its name, else by its base URL and key."""
    if wanted.name:
        named = db.session.scalars(select(Endpoint).where(Endpoint.name == wanted.name)).all()
        if len(named) == 1:
            return named
        if named:
            return [row for row in named if row.base_url == wanted.base_url] or named
    if wanted.key is not None or wanted.name:
        row = endpoints.found(wanted.base_url, digest(wanted.key or ""))
        return [row] if row and (not wanted.name or row.name not in names) else []
    return db.session.scalars(select(Endpoint).where(Endpoint.base_url == wanted.base_url)).all()


def _compare(entry: Entry, wanted: WantedEndpoint, row: Endpoint, actor: Actor) -> None:
    entry.id, entry.name, entry.endpoint = row.id, wanted.name or row.name, wanted.name or row.name
    entry.base_url = row.base_url
    entry.changes, entry.is_other_secret = _changes(wanted, row)
    entry.outcome = "change" if entry.changes else "same"
    if wanted.key is None and "base_url" in entry.changes:
        try:
            credentials.refuse_move(row, wanted.base_url, actor, move_key=False)
        except ApiError as error:
            entry.reject(error.code, error.message, error.field)


def _changes(wanted: WantedEndpoint, row: Endpoint) -> tuple[Changes, bool]:
    asked = change_of(wanted.form, wanted.body, {})
    settings = dict(asked.settings or {})
    certificate, proxy = settings.pop("client_certificate", None), settings.pop("proxy", None)
    changes: Changes = {}
    plain = {"name": wanted.name or row.name, "base_url": wanted.base_url} | settings
    for name, value in plain.items():
        old = getattr(row, name) or ""
        if old != (value or ""):
            changes[name] = [old, value]
    same_key = wanted.key is None or endpoints.has_key(row, wanted.key)
    if not same_key:
        changes["api_key"] = HIDDEN
    same_headers, same_certificate, same_proxy = credentials.holds(row, wanted.headers, certificate, proxy)
    if not same_headers:
        changes["headers"] = [[header.name for header in row.headers], sorted(wanted.headers or {})]
    if not same_proxy:
        address = parts_of(proxy or "")[0] or None
        changes["proxy"] = [row.proxy, address] if address != row.proxy else HIDDEN
    if not same_certificate:
        changes["client_certificate_pem"] = HIDDEN
    return changes, not (same_key and same_headers and same_certificate and same_proxy)


def _models(of: EndpointPlan, endpoint_id: str | None) -> Iterator[ModelPlan]:
    rows = _rows_of(endpoint_id)
    seen: set[tuple[str, str]] = set()
    types = {(one.model_id, one.model_type) for one in of.wanted.models}
    for wanted in of.wanted.models:
        if of.entry.outcome == "rejected" or wanted.problems:
            yield _not_read(wanted, of.entry)
            continue
        same = (wanted.model_id, wanted.model_type)
        entry = Entry("model", wanted.model_id, of.entry.name, "create")
        if same in seen:
            entry.reject("already_exists", f"{wanted.model_id} stands twice at this endpoint.", "model_id")
        seen.add(same)
        row = rows.get(same) or _of_another_type(rows, wanted, types)
        if row is not None and entry.outcome != "rejected":
            _compare_model(entry, wanted, row)
        yield ModelPlan(wanted, entry)


def _rows_of(endpoint_id: str | None) -> dict[tuple[str, str], RegisteredModel]:
    if endpoint_id is None:
        return {}
    mine = select(RegisteredModel).where(RegisteredModel.endpoint_id == endpoint_id).options(*WITH_LABELS)
    return {(row.model_id, row.model_type): row for row in db.session.scalars(mine)}


def _of_another_type(
    rows: Mapping[tuple[str, str], RegisteredModel], wanted: WantedModel, types: set[tuple[str, str]]
) -> RegisteredModel | None:
    """The only row with this id, where nothing else of the file means it: its type is to change."""
    left = [row for key, row in rows.items() if key[0] == wanted.model_id and key not in types]
    return left[0] if len(left) == 1 else None


def _compare_model(entry: Entry, wanted: WantedModel, row: RegisteredModel) -> None:
    entry.id = row.id
    entry.changes = {
        name: [getattr(row, name), value]
        for name, value in wanted.given.items()
        if getattr(row, name) != value
    }
    if wanted.enabled is not None and wanted.enabled != row.enabled:
        entry.changes["enabled"] = [row.enabled, wanted.enabled]
    if wanted.labels is not None and wanted.labels != row.labels:
        entry.changes["labels"] = [row.labels.as_json(), wanted.labels.as_json()]
    entry.outcome = "change" if entry.changes else "same"


def _not_read(wanted: WantedModel, endpoint: Entry) -> ModelPlan:
    entry = Entry("model", wanted.model_id, endpoint.name, "create")
    if wanted.problems:
        first = wanted.problems[0]
        entry.reject(first.code, first.message, first.field)
    else:
        entry.reject("endpoint_rejected", "Its endpoint can't be taken, so nothing was done with it.")
    return ModelPlan(wanted, entry)


def _prune(made: Plan) -> None:
    """Add what is registered and not in the file."""
    kept = {model.entry.id for each in made.endpoints for model in each.models}
    known = {each.entry.id: each for each in made.endpoints if each.entry.id}
    for row in db.session.scalars(select(Endpoint).order_by(Endpoint.id)):
        gone = [
            Entry("model", model.model_id, row.name, "delete", model.id)
            for model in _rows_of(row.id).values()
            if model.id not in kept
        ]
        if row.id in known:
            known[row.id].gone = gone
        else:
            made.gone_models += gone
            made.gone.append(Entry("endpoint", row.name, row.name, "delete", row.id))
