"""Apply a file: each entry for itself, through the verbs that everybody uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.errors import ApiError
from app.registry import changes, registration
from app.registry.credentials import target_for
from app.registry.declared.labels import set_labels
from app.registry.declared.plan import EndpointPlan, Entry, ModelPlan, Plan, plan
from app.registry.declared.wanted import Wanted
from app.registry.endpoints import changes as endpoint_changes
from app.registry.endpoints import intake
from app.registry.endpoints.form import change_of, settings_of
from app.registry.probing import ProbeOrder, Rejected
from app.registry.saving import model_with
from app.store.endpoints import Endpoint

JSON = Any


def apply(wanted: Wanted, order: ProbeOrder) -> list[Entry]:
    """Plan, and do it unless it is a dry run; gives an entry for everything in the file, and what went.

    What is the same is neither written nor probed. Commits step by step. ApiErrors as `plan` has them.
    """
    made = plan(wanted, order.actor)
    if not wanted.dry_run:
        for each in made.endpoints:
            _do_endpoint(each, order)
        _delete(made, order)
    return made.entries()


def _do_endpoint(each: EndpointPlan, order: ProbeOrder) -> None:
    new = [one for one in each.models if one.entry.outcome == "create"]
    if each.entry.outcome == "create":
        _create(each, new, order)
        return
    if each.entry.outcome == "change" and not _change(each, order):
        for one in each.models:
            one.entry.reject(
                "endpoint_rejected", "Its endpoint was not changed, so nothing was done with it."
            )
        each.gone = []
        return
    for one in each.models:
        if one.entry.outcome == "change":
            _change_model(one, order)
    if new and each.entry.id:
        _add(each.entry.id, new, order)


def _create(each: EndpointPlan, new: Sequence[ModelPlan], order: ProbeOrder) -> None:
    wanted, key = each.wanted, each.wanted.key or ""
    settings = settings_of(wanted.form, wanted.headers or {})
    try:
        target = target_for(order.actor, "register", wanted.base_url, typed=key, settings=settings)
        values = [one.wanted.values for one in new]
        endpoint, results = intake.add(target, key, values, order, wanted.name)
    except ApiError as error:
        for entry in (each.entry, *(one.entry for one in new)):
            entry.reject(error.code, error.message, error.field)
        return
    _note(new, results, order)
    if endpoint is None or not any(result.outcome == "registered" for result in results):
        each.entry.reject("endpoint_rejected", "None of its models got in, so it is not in.", "models")
    else:
        each.entry.id, each.entry.name = endpoint.id, endpoint.name


def _change(each: EndpointPlan, order: ProbeOrder) -> bool:
    """Prove and store the endpoint's change; whether it is stored."""
    assert each.entry.id is not None, "it was found"
    asked = change_of(each.wanted.form, each.wanted.body, each.wanted.headers or {})
    asked = replace(asked, drop_headers=each.wanted.headers is not None)
    try:
        endpoint_changes.change(
            each.entry.id, asked, replace(order, depth="proof"), partial=False, move_key=False
        )
    except ApiError as error:
        each.entry.reject(error.code, error.message, error.field)
        return False
    return True


def _add(endpoint_id: str, new: Sequence[ModelPlan], order: ProbeOrder) -> None:
    endpoint = Endpoint.by_id(endpoint_id)
    try:
        assert endpoint is not None, "it was there, and nothing deletes one within a request"
        target, key = intake.stored_target(endpoint, order)
        _, results = intake.add(target, key, [one.wanted.values for one in new], order)
    except ApiError as error:
        for one in new:
            one.entry.reject(error.code, error.message, error.field)
        return
    _note(new, results, order)


def _note(new: Sequence[ModelPlan], results: Sequence[intake.Result], order: ProbeOrder) -> None:
    """Say of each new model what became of it, and label those that are in."""
    for one, result in zip(new, results, strict=True):
        if result.model is None:
            error = result.error or {}
            one.entry.reject(error["code"], error["message"], error["field"])
            continue
        one.entry.id = result.model
        if result.outcome == "exists":
            one.entry.reject("already_exists", _ELSEWHERE, "model_id")
        else:
            _label(one, order)


_ELSEWHERE = (
    "It is registered already at this base URL, at an endpoint that the file does not mean: with another key "
    "or name. Nothing was done with it."
)


def _change_model(one: ModelPlan, order: ProbeOrder) -> None:
    assert one.entry.id is not None, "it was found"
    values = {name: new for name, (_, new) in one.entry.changes.items() if name in one.wanted.given}
    try:
        if values:
            model = model_with(one.entry.id)
            events = changes.update(model, values, order.actor, strict=order.strict, depth=order.depth)
            end = registration.drain(events)
            if isinstance(end, Rejected):
                one.entry.reject(end.diagnosis["code"], end.diagnosis["message"], end.diagnosis["field"])
                return
        _label(one, order)
    except ApiError as error:
        one.entry.reject(error.code, error.message, error.field)


def _label(one: ModelPlan, order: ProbeOrder) -> None:
    assert one.entry.id is not None, "it is in"
    if one.wanted.enabled is not None:
        changes.set_enabled(one.entry.id, order.actor, enabled=one.wanted.enabled)
    if one.wanted.labels is not None:
        set_labels(one.entry.id, one.wanted.labels, order.actor)


def _delete(made: Plan, order: ProbeOrder) -> None:
    named = {model.entry.id for each in made.endpoints for model in each.models}
    for entry in [*(one for each in made.endpoints for one in each.gone), *made.gone_models, *made.gone]:
        assert entry.id is not None, "it was found"
        if entry.id in named:  # it turned out to be one of the file's own
            entry.reject("conflict", "The file names this model at another endpoint, so it stays.")
            continue
        try:
            if entry.kind == "model":
                changes.remove(entry.id, order.actor)
            else:
                endpoint_changes.remove(entry.id, order.actor)
        except ApiError as error:
            entry.reject(error.code, error.message, error.field)
