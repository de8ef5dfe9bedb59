"""Change a registered model: nothing that was not seen working gets in this way either."""

from __future__ import annotations

from typing import Any, NamedTuple

from app.access import audit
from app.access.actors import Actor
from app.errors import ApiError
from app.probe.base_url import without_query_values
from app.probe.transport.deadline import Cancellation
from app.probe.values import Depth, Report, Target
from app.registry import credentials, saving
from app.registry.endpoints import rows as endpoints
from app.registry.endpoints import twins
from app.registry.probing import Events, ProbeOrder, Updated, Values, probed
from app.registry.saving import Precondition, rejected
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.rotation import digest


def update(
    model: RegisteredModel,
    values: Values,
    actor: Actor,
    *,
    strict: bool = False,
    depth: Depth = "full",
    cancelled: Cancellation | None = None,
    still: Precondition | None = None,
    move_key: bool = False,
) -> Events:
    """Change what `values` holds, and probe first where it must be; ends in Updated or Rejected.

    `still` is asked, before the network and again under the row's lock, whether the model is what the caller
    thinks it is; it raises to stop. `move_key` lets the stored key go to
    another origin. ApiErrors as `check` has them.
    """
    if still:
        still(model)
    check(model, values, actor, move_key)
    return run(model.id, dict(values), ProbeOrder(actor, strict, depth, cancelled), still, move_key)


def remove(id: str, actor: Actor, still: Precondition | None = None) -> None:
    """Delete a model with its key and its probes; the audit log keeps that it was there.

    `still` as in `update`. ApiError 404 where there is no such model (any more).
    """
    model = saving.locked(id, still)
    detail = {"model_id": model.model_id, "base_url": without_query_values(model.base_url)}
    audit.record(actor, "model.deleted", model, detail)
    db.session.delete(model)
    db.session.commit()


def set_enabled(
    id: str, actor: Actor, *, enabled: bool, still: Precondition | None = None
) -> RegisteredModel:
    """Enable or disable a model for its consumers, and give it; where it is so already, nothing happens.

    `still` as in `update`. ApiError 404 where there is no such model (any more).
    """
    model = saving.locked(id, still)
    if model.enabled != enabled:
        model.enabled = enabled
        audit.record(actor, "model.enabled" if enabled else "model.disabled", model)
    db.session.commit()
    return model


_ATTEMPTS = 3


def check(model: RegisteredModel, values: Values, actor: Actor, move_key: bool) -> None:
    """What can be said of a change without the network.

    ApiErrors of `credentials` where the key may not be named, or may not go where it would, and 409 where
    another model is the same already.
    """
    if "api_key" in values:
        credentials.require_may_name(actor, values["api_key"] or "", values.get("base_url", model.base_url))
    elif "base_url" in values:
        credentials.refuse_move(model.endpoint, values["base_url"], actor, move_key)
    if _moves(model, values):
        twins.refuse_same(saving.columns_of(model) | dict(values), but=model.id)


def run(
    id: str, values: dict[str, Any], order: ProbeOrder, still: Precondition | None, move_key: bool
) -> Events:
    """Probe where it must be, then apply under the row's lock; from the start where others changed it."""
    for _ in range(_ATTEMPTS):
        model = saving.model_with(id)
        check(model, values, order.actor, move_key)
        before = saving.endpoint_of(model)
        report: Report | None = None
        home: _Home | None = None
        if _needs_probe(model, values):
            merged = saving.columns_of(model) | values
            new_key = _new_key(model, values)
            home = _home(model, merged, order.actor, move_key)
            report = yield from probed(merged, home.target, order, key_control=new_key)
            if report.verdict == "rejected":
                yield rejected(merged, report, order, id)
                return
        ended = _applied(id, before, values, home, report, order.actor, still)
        if ended is not None:
            yield ended
            return
    raise ApiError("conflict", "Others kept changing this model in the meantime. Read it again and retry.")


class _Home(NamedTuple):
    """Where the model would be served, and its key as it was typed."""

    target: Target
    key: str


def _home(model: RegisteredModel, merged: dict[str, Any], actor: Actor, move_key: bool) -> _Home:
    """An endpoint that has this URL and key already, else the model's own with what changes. Commits."""
    base_url = merged["base_url"]
    typed = (merged["api_key"] or "") if "api_key" in merged else None
    key_digest = model.endpoint.key_digest if typed is None else digest(typed)
    endpoint = endpoints.found(base_url, key_digest) or model.endpoint
    target = credentials.target_for(
        actor,
        "change",
        base_url,
        merged["remote_model_id"] or merged["model_id"],
        typed=typed,
        endpoint=endpoint,
        move_key=move_key,
    )
    return _Home(target, credentials.typed_form(endpoint, target) if typed is None else typed)


def _applied(
    id: str,
    before: tuple[Any, ...],
    values: dict[str, Any],
    home: _Home | None,
    report: Report | None,
    actor: Actor,
    still: Precondition | None,
) -> Updated | None:
    """Write the change to the row as it is now; None where its endpoint is not the one that was judged."""
    model = saving.locked(id, still)
    if saving.endpoint_of(model) != before:
        db.session.rollback()
        return None
    with twins.refusing_same(saving.columns_of(model) | values):
        changes = saving.apply(model, values) | (saving.move(model, *home) if home else {})
        same = changes.keys().isdisjoint(saving.ENDPOINT)
        kept = saving.keep_probe(model, report, "update", actor, same=same) if report else None
        if changes or kept:
            audit.record(actor, "model.updated", model, {"changes": changes})
        db.session.commit()
    return Updated(id, kept)


def _moves(model: RegisteredModel, values: Values) -> bool:
    return any(name in values and values[name] != getattr(model, name) for name in saving.ENDPOINT)


def _new_key(model: RegisteredModel, values: Values) -> bool:
    return "api_key" in values and not endpoints.has_key(model.endpoint, values["api_key"])


def _needs_probe(model: RegisteredModel, values: Values) -> bool:
    return _moves(model, values) or _new_key(model, values)
