"""What registration writes: a model, its endpoint, its probes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.access import audit
from app.access.actors import Actor
from app.errors import ApiError
from app.probe.base_url import without_query_values
from app.probe.report import NOT_ASKED
from app.probe.values import Report, Target, finite
from app.registry.endpoints import rows as endpoints
from app.registry.endpoints import twins
from app.registry.probing import DECLARED, JSON, ProbeOrder, Registered, Rejected, Values
from app.store.base import db, new_id, now
from app.store.endpoints import Endpoint
from app.store.labels import Labels, put_labels
from app.store.models import RegisteredModel
from app.store.probes import Probe


def rejected(values: Values, report: Report, order: ProbeOrder, model_pk: str | None = None) -> Rejected:
    """Keep the audit event of a rejection, and nothing else. Commits."""
    full = wire_report(report, new_id(), model_pk)
    detail = {**audit_detail(values, full), "probe": full["id"]}
    model = RegisteredModel.by_id(model_pk) if model_pk else None
    audit.record(order.actor, "model.rejected", model, detail, subject=values["display_name"])
    db.session.commit()
    return Rejected(full, _on_the_wire(full["diagnosis"], values))


def _on_the_wire(diagnosis: dict[str, Any], values: Values) -> dict[str, Any]:
    """The diagnosis with the request's own field: the id that was sent may be `configuration.model_id`."""
    if not values.get("remote_model_id"):
        return diagnosis
    named = {"model_id": "configuration.model_id"}
    suggestions = {named.get(name, name): tried for name, tried in diagnosis["suggestions"].items()}
    field = named.get(diagnosis["field"], diagnosis["field"])
    return diagnosis | {"field": field, "suggestions": suggestions}


def wire_report(report: Report, id: str, model_pk: str | None) -> dict[str, JSON]:
    """The report in its wire form, with what storage adds, and nothing in it that JSON has no word for.

    Where a declared capability is the trouble, the field is the one that declared it.
    """
    full: dict[str, JSON] = finite({"id": id, "model": model_pk, **report.as_dict()})
    if full["diagnosis"]:
        field = full["diagnosis"]["field"]
        full["diagnosis"]["field"] = DECLARED.get(field, field)
    return full


_saving = threading.Lock()


def all_saved(
    many: Sequence[Values],
    targets: Sequence[Target],
    reports: Sequence[Report],
    order: ProbeOrder,
    name: str = "",
) -> list[Registered | Rejected]:
    """Save every model with the endpoint that it was seen at, and its probe. Commits.

    `name` is for an endpoint that is new.
    """
    # One at a time: where hundreds end at once, their threads would else keep each other from the processor
    # while they keep each other from the database, and every page waits behind all of them.
    with _saving:
        ends: list[Registered | Rejected] = [
            _saved(values, target, wire_report(report, new_id(), None), order, name)
            for values, target, report in zip(many, targets, reports, strict=True)
        ]
        db.session.commit()
    return ends


def saved_as_seen(values: Values, target: Target, seen: Mapping[str, JSON], order: ProbeOrder) -> Registered:
    """Save a model with the accepted report of a probe that was run before, in its wire form. Commits."""
    end = _saved(values, target, seen, order)
    db.session.commit()
    return end


def _saved(
    values: Values, target: Target, seen: Mapping[str, JSON], order: ProbeOrder, name: str = ""
) -> Registered:
    with twins.refusing_same(values):
        endpoint = endpoints.found_or_made(target, values["api_key"] or "", name)
        model = new_model(values, endpoint, order.actor)
        full = keep_seen(model, seen, "registration", order.actor)
        audit.record(order.actor, "model.registered", model, audit_detail(values, seen))
    return Registered(model.id, full)


Precondition = Callable[[RegisteredModel], None]

NO_COLUMNS = ("base_url", "api_key", "labels")
"""What values hold that is kept elsewhere: with the endpoint, and in the tables of labels."""

ENDPOINT = ("base_url", "model_id", "remote_model_id", "model_type")
"""The columns that a probe has seen working together, with the key; a change of one needs another probe."""


def new_model(values: Values, endpoint: Endpoint, actor: Actor) -> RegisteredModel:
    """A row made from a form's values, added to the transaction."""
    model = RegisteredModel(id=new_id(), created_by=actor.label, endpoint=endpoint)
    apply(model, values)
    model.created = model.updated = now()
    db.session.add(model)
    if any(values.get("labels") or ()):
        db.session.flush()
        put_labels(model.id, values["labels"])
    return model


def apply(model: RegisteredModel, values: Values) -> dict[str, list[JSON]]:
    """Set every column of `values` that is the model's own; gives old and new value of what changed."""
    changes: dict[str, list[JSON]] = {}
    for name, value in values.items():
        if name in NO_COLUMNS:
            continue
        if getattr(model, name) != value:
            changes[name] = [getattr(model, name), value]
        setattr(model, name, value)
    return changes


def move(model: RegisteredModel, target: Target, key: str) -> dict[str, list[JSON]]:
    """Have the model served as it was probed; gives what changed of it, of a key only that it did."""
    changes: dict[str, list[JSON]] = {}
    if model.base_url != target.base_url:
        changes["base_url"] = [without_query_values(url) for url in (model.base_url, target.base_url)]
    if not endpoints.has_key(model.endpoint, key):
        changes["api_key"] = ["(not shown)", "(changed)"]
    endpoints.move(model, target, key)
    return changes


def keep_probe(
    model: RegisteredModel,
    report: Report,
    trigger: str,
    actor: Actor,
    *,
    same: bool = True,
    judged: bool = True,
) -> dict[str, JSON]:
    """Add the probe to the transaction, and what it observed to the model; gives the report in full.

    What an earlier probe saw of the `same` endpoint stays where this one did not ask, or could not tell.
    Where it is not `judged`, health is left to the watcher, which looks more than once.
    """
    seen = wire_report(report, new_id(), model.id)
    return keep_seen(model, seen, trigger, actor, same=same, judged=judged)


def keep_seen(
    model: RegisteredModel,
    seen: Mapping[str, JSON],
    trigger: str,
    actor: Actor,
    *,
    same: bool = True,
    judged: bool = True,
) -> dict[str, JSON]:
    """The same with a report in its wire form."""
    kept = Probe(
        id=new_id(),
        model_pk=model.id,
        verdict=seen["verdict"],
        started=datetime.fromisoformat(seen["started"]),
        duration_ms=seen["duration_ms"],
        trigger=trigger,
        actor=actor.label,
    )
    full = kept.report = {**seen, "id": kept.id, "model": model.id}
    model.last_probe_id = kept.id
    accepted = seen["verdict"] == "accepted"
    if judged:
        model.health = "up" if accepted else "down"
    if accepted:
        model.observed = ((model.observed or {}) if same else {}) | full["observed"]
        model.capabilities = _learned((model.capabilities or {}) if same else {}, full["capabilities"])
    db.session.flush()
    db.session.add(kept)
    return full


def _learned(before: Mapping[str, JSON], now: Mapping[str, JSON]) -> dict[str, JSON]:
    """Capabilities as they are known now: null means that it could not be told, and takes nothing away."""
    known = {name: one for name, one in before.items() if one["observed"] is not None}
    return known | {
        name: one | {"observed": before[name]["observed"], "evidence": before[name]["evidence"]}
        if one["observed"] is None and (name in known or name in before and one["evidence"] == NOT_ASKED)
        else one
        for name, one in now.items()
    }


def model_with(id: str) -> RegisteredModel:
    """The model with this id; ApiError 404."""
    model = RegisteredModel.by_id(id)
    if model is None:
        raise _gone(id)
    return model


def locked(id: str, still: Precondition | None = None) -> RegisteredModel:
    """The model as it is now, held against other writers until the transaction ends; ApiError 404.

    What an older look at it would write, or a document made of that, could not be told from what others
    wrote in the meantime. `still` is asked whether it is what the caller thinks it is, and raises ApiError
    to stop.
    """
    model = RegisteredModel.locked(id)
    try:
        if model is None:
            raise _gone(id)
        if still:
            still(model)
    except ApiError:
        db.session.rollback()
        raise
    return model


def columns_of(model: RegisteredModel) -> dict[str, Any]:
    """What a probe and its events need of a row."""
    names = (*ENDPOINT, *DECLARED.values(), "display_name", "region")
    return {name: getattr(model, name) for name in names}


def endpoint_of(model: RegisteredModel) -> tuple[Any, ...]:
    """What a probe's verdict holds for."""
    return (*(getattr(model, name) for name in ENDPOINT), model.endpoint_id, model.endpoint.identity)


def audit_detail(values: Values, seen: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """What the audit log says of a probe that was asked for; `seen` is its report in the wire form."""
    made = {name: values.get(name) for name in (*ENDPOINT, "region")} | {"verdict": seen["verdict"]}
    made["base_url"] = without_query_values(values["base_url"])
    labels = (values.get("labels") or Labels()).stated()
    if labels:
        made["labels"] = labels
    if seen["diagnosis"]:
        made |= {name: seen["diagnosis"][name] for name in ("code", "message")}
    return made


def _gone(id: str) -> ApiError:
    return ApiError("not_found", f"There is no model {id}; it may have been deleted in the meantime.")
