"""Register, validate, probe again: probe and save, as a generator of events with exactly one terminal event.

A function here checks at once what needs no network and raises ApiError for it; what it gives back is the
generator that probes and saves. While an endpoint is asked, no connection to the database is held, and
closing the generator in the middle changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import Any

from app.access import audit
from app.access.actors import Actor
from app.errors import ApiError
from app.probe.reliability import Repeat
from app.probe.transport.deadline import Cancellation
from app.probe.values import Depth, Event, Report, Target
from app.registry import saving
from app.registry.credentials import Use, target_for
from app.registry.endpoints import rows as endpoints
from app.registry.endpoints import trials, twins
from app.registry.probing import (
    Events,
    Probed,
    ProbeOrder,
    Registered,
    Rejected,
    Terminal,
    Updated,
    Values,
    probed,
)
from app.registry.saving import all_saved, wire_report
from app.store.base import db, new_id
from app.store.models import RegisteredModel
from app.store.rotation import digest


def register(
    values: Values,
    actor: Actor,
    *,
    strict: bool = False,
    depth: Depth = "full",
    cancelled: Cancellation | None = None,
    trial: str = "",
) -> Events:
    """Probe, then save a new model. `values` are a form's; ends in Registered or Rejected.

    `values["labels"]` may hold its labels. Where `trial` is the id of a fresh trial of the very same, nothing
    is probed again. ApiError 409 `already_exists` before anything is contacted, and at the end too where
    another was faster.
    """
    twins.refuse_same(values)
    target = target_of(values, actor, "register")
    order = ProbeOrder(actor, strict, depth, cancelled)
    return _registering(dict(values), target, order, trial)


def validate(
    values: Values,
    actor: Actor,
    *,
    strict: bool = False,
    depth: Depth = "full",
    cancelled: Cancellation | None = None,
) -> Events:
    """Probe and keep no model; ends in Probed, whatever the verdict.

    For somebody who is signed in, what was accepted is kept for a while as a trial, for `register`.
    """
    target = target_of(values, actor, "validate")
    return _validating(dict(values), target, ProbeOrder(actor, strict, depth, cancelled))


def reprobe(
    model: RegisteredModel,
    actor: Actor,
    *,
    depth: Depth = "full",
    repeat: Repeat | None = None,
    cancelled: Cancellation | None = None,
) -> Events:
    """Probe with the stored key, keep the report and what it observed; ends in Probed.

    `repeat` asks some checks many times in place of all of them once.
    """
    order = ProbeOrder(actor, depth=depth, cancelled=cancelled, repeat=repeat)
    return _reprobing(model.id, order)


def watched(id: str, trigger: str, order: ProbeOrder) -> Generator[Event, None, Report]:
    """Probe with the stored key for the watcher, keep what was seen but no verdict; gives the report back.

    ApiError 404 where there is no such model (any more).
    """
    model = saving.model_with(id)
    before = saving.endpoint_of(model)
    values, target = saving.columns_of(model), stored_target(model, order.actor, "health_check")
    report = yield from probed(values, target, order, key_control=False)
    _kept(id, before, trigger, order, report, judged=False)
    return report


def drain(events: Events) -> Terminal:
    """The terminal event, for callers that do not want the others."""
    (last,) = deque(events, maxlen=1)
    assert isinstance(last, Registered | Updated | Probed | Rejected)
    return last


def target_of(values: Values, actor: Actor, use: Use) -> Target:
    """What a form's values are probed at. Where an endpoint has this URL and key already, its settings hold.

    Commits; ApiErrors as `credentials.target_for` has them.
    """
    key = values["api_key"] or ""
    known = endpoints.found(values["base_url"], digest(key))
    wire_model_id = values.get("remote_model_id") or values["model_id"]
    return target_for(actor, use, values["base_url"], wire_model_id, typed=key, endpoint=known)


def stored_target(model: RegisteredModel, actor: Actor, use: Use) -> Target:
    """A model as it is stored. Commits; ApiErrors as `credentials.target_for` has them."""
    return target_for(actor, use, model.endpoint.base_url, model.wire_model_id, endpoint=model.endpoint)


def _registering(values: dict[str, Any], target: Target, order: ProbeOrder, trial: str) -> Events:
    seen = trials.take(trial, values, target, order) if trial else None
    if seen is not None:
        yield saving.saved_as_seen(values, target, seen, order)
        return
    report = yield from probed(values, target, order, key_control=True)
    if report.verdict == "rejected":
        yield saving.rejected(values, report, order)
        return
    (end,) = all_saved([values], [target], [report], order)
    yield end


def _validating(values: dict[str, Any], target: Target, order: ProbeOrder) -> Events:
    report = yield from probed(values, target, order, key_control=True)
    full = wire_report(report, new_id(), None)
    outline = saving.audit_detail(values, full)
    audit.record(order.actor, "model.validated", detail=outline, subject=values["display_name"])
    trial = trials.keep(full, values, target, order) if report.verdict == "accepted" else ""
    db.session.commit()
    yield Probed(full, trial)


def _reprobing(id: str, order: ProbeOrder) -> Events:
    model = saving.model_with(id)
    before = saving.endpoint_of(model)
    values = saving.columns_of(model)
    target = stored_target(model, order.actor, "probe")
    report = yield from probed(values, target, order, key_control=False)
    yield Probed(_kept(id, before, "manual", order, report) or wire_report(report, new_id(), None))


def _kept(
    id: str,
    before: tuple[Any, ...],
    trigger: str,
    order: ProbeOrder,
    report: Report,
    *,
    judged: bool = True,
) -> dict[str, Any] | None:
    """Keep a re-probe; None where the model was deleted or changed in the meantime."""
    try:
        model = saving.locked(id)
    except ApiError:
        return None
    if saving.endpoint_of(model) != before:
        db.session.rollback()
        return None
    full = saving.keep_probe(model, report, trigger, order.actor, judged=judged)
    audit.record(order.actor, "model.probed", model, {"verdict": report.verdict, "trigger": trigger})
    db.session.commit()
    return full
