"""Register, update, re-probe: probe and save, as a generator of events with exactly one terminal event.

A function here checks at once what needs no network and raises ApiError for it; what it gives back is the
generator that probes and saves. While an endpoint is asked, no connection to the database is held, and
whoever closes the generator in the middle has changed nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import current_app

from app import audit, changes, keeping
from app.access import Actor
from app.errors import ApiError
from app.keeping import Still
from app.models import RegisteredModel, db, new_id
from app.probe import Cancellation
from app.probe.types import Report
from app.probing import (
    Asked,
    Depth,
    Events,
    Probed,
    Registered,
    Rejected,
    Terminal,
    Updated,
    Values,
    in_full,
    probed,
)

_SIDE_BY_SIDE = 8

__all__ = ["Probed", "Registered", "Rejected", "Terminal", "Updated"]

_saving = threading.Lock()


def register(
    values: Values,
    actor: Actor,
    *,
    strict: bool = False,
    depth: Depth = "full",
    cancelled: Cancellation | None = None,
) -> Events:
    """Probe, then save a new model. `values` are a form's; ends in Registered or Rejected.

    ApiError 409 `already_exists` before anything is contacted, and at the end too where another was faster.
    """
    keeping.refuse_same(values)
    return _registering(dict(values), Asked(actor, strict, depth, cancelled))


def register_all(
    many: Sequence[Values], actor: Actor, *, strict: bool = False, depth: Depth = "full"
) -> list[Registered | Rejected]:
    """Probe many side by side, then save all of them in one transaction, or none where one was rejected.

    Gives an end per entry in their order; Registered ends mean rows only where all are Registered. ApiError
    409 where one is there already, or twice among them.
    """
    keeping.refuse_twins(many)
    for values in many:
        keeping.refuse_same(values)
    asked = Asked(actor, strict, depth)
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def judge(values: Values) -> Report:
        with app.app_context():
            return _report_of(probed(values, asked, key_control=True))

    db.session.rollback()
    with ThreadPoolExecutor(_SIDE_BY_SIDE, "import") as pool:
        reports = list(pool.map(judge, many))
    if any(report.verdict == "rejected" for report in reports):
        return [_unsaved(values, report, asked) for values, report in zip(many, reports, strict=True)]
    return _all_saved(many, reports, asked)


def validate(
    values: Values,
    actor: Actor,
    *,
    strict: bool = False,
    depth: Depth = "full",
    cancelled: Cancellation | None = None,
) -> Events:
    """Probe and keep nothing but the audit event; ends in Probed, whatever the verdict."""
    return _validating(dict(values), Asked(actor, strict, depth, cancelled))


def update(
    model: RegisteredModel,
    values: Values,
    actor: Actor,
    *,
    strict: bool = False,
    depth: Depth = "full",
    cancelled: Cancellation | None = None,
    still: Still | None = None,
) -> Events:
    """Change what `values` holds, and probe first where it must be; ends in Updated or Rejected.

    `still` is asked, before the network and again under the row's lock, whether the model is what the caller
    thinks it is; it raises to stop. ApiErrors as `changes.check` has them.
    """
    if still:
        still(model)
    changes.check(model, values, actor)
    return changes.run(model.id, dict(values), Asked(actor, strict, depth, cancelled), still)


def reprobe(
    model: RegisteredModel,
    actor: Actor,
    trigger: str = "manual",
    *,
    depth: Depth = "full",
    cancelled: Cancellation | None = None,
) -> Events:
    """Probe with the stored key, keep the report and what it observed; ends in Probed."""
    return _reprobing(model.id, trigger, Asked(actor, depth=depth, cancelled=cancelled))


def remove(id: str, actor: Actor, still: Still | None = None) -> None:
    """Delete a model with its key and its probes; the audit log keeps that it was there.

    `still` as in `update`. ApiError 404 where there is no such model (any more).
    """
    model = keeping.locked(id, still)
    audit.record(actor, "model.deleted", model, {"model_id": model.model_id, "base_url": model.base_url})
    db.session.delete(model)
    db.session.commit()


def set_enabled(id: str, actor: Actor, *, enabled: bool, still: Still | None = None) -> RegisteredModel:
    """Enable or disable a model for its consumers, and give it; where it is so already, nothing happens.

    `still` as in `update`. ApiError 404 where there is no such model (any more).
    """
    model = keeping.locked(id, still)
    if model.enabled != enabled:
        model.enabled = enabled
        audit.record(actor, "model.enabled" if enabled else "model.disabled", model)
    db.session.commit()
    return model


def drain(events: Events) -> Terminal:
    """The terminal event, for whoever does not want the others."""
    (last,) = deque(events, maxlen=1)
    assert isinstance(last, Registered | Updated | Probed | Rejected)
    return last


def _registering(values: dict[str, Any], asked: Asked) -> Events:
    report = yield from probed(values, asked, key_control=True)
    if report.verdict == "rejected":
        yield changes.rejected(values, report, asked)
        return
    (end,) = _all_saved([values], [report], asked)
    yield end


def _report_of(events: Generator[Any, None, Report]) -> Report:
    """What a probing generator gives back, for whoever does not want its events."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            report: Report = end.value
            return report


def _unsaved(values: Values, report: Report, asked: Asked) -> Registered | Rejected:
    if report.verdict == "rejected":
        return changes.rejected(values, report, asked)
    return Registered("", in_full(report, new_id(), None))


def _all_saved(
    many: Sequence[Values], reports: Sequence[Report], asked: Asked
) -> list[Registered | Rejected]:
    ends: list[Registered | Rejected] = []
    # One at a time: where hundreds end at once, their threads would else keep each other from the processor
    # while they keep each other from the database, and every page waits behind all of them.
    with _saving:
        for values, report in zip(many, reports, strict=True):
            with keeping.refusing_same(values):
                model = keeping.new_model(values, asked.actor)
                full = keeping.keep_probe(model, report, "registration", asked.actor)
                audit.record(asked.actor, "model.registered", model, keeping.outline(values, report))
                ends.append(Registered(model.id, full))
        db.session.commit()
    return ends


def _validating(values: dict[str, Any], asked: Asked) -> Events:
    report = yield from probed(values, asked, key_control=True)
    outline = keeping.outline(values, report)
    audit.record(asked.actor, "model.validated", detail=outline, subject=values["display_name"])
    db.session.commit()
    yield Probed(in_full(report, new_id(), None))


def _reprobing(id: str, trigger: str, asked: Asked) -> Events:
    model = keeping.found(id)
    before = keeping.endpoint_of(model)
    values = keeping.columns_of(model) | {"api_key": keeping.stored_key(model)}
    report = yield from probed(values, asked, key_control=False)
    yield Probed(_kept(id, before, trigger, asked, report) or in_full(report, new_id(), None))


def _kept(
    id: str, before: tuple[Any, ...], trigger: str, asked: Asked, report: Report
) -> dict[str, Any] | None:
    """Keep a re-probe; None where the model was deleted or changed meanwhile: it tells of no one then."""
    try:
        model = keeping.locked(id)
    except ApiError:
        return None
    if keeping.endpoint_of(model) != before:
        db.session.rollback()
        return None
    full = keeping.keep_probe(model, report, trigger, asked.actor)
    audit.record(asked.actor, "model.probed", model, {"verdict": report.verdict, "trigger": trigger})
    db.session.commit()
    return full
