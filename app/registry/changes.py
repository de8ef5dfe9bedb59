"""Change a registered model: nothing that was not seen working gets in this way either."""

from __future__ import annotations

from typing import Any

from app.access import audit
from app.access.actors import Actor
from app.errors import ApiError
from app.probe.transport.deadline import Cancellation
from app.probe.values import Depth, Report
from app.registry import saving
from app.registry.probing import Events, ProbeOrder, Updated, Values, origin_of, probed
from app.registry.saving import Precondition, rejected
from app.store.base import db
from app.store.models import RegisteredModel


def update(
    model: RegisteredModel,
    values: Values,
    actor: Actor,
    *,
    strict: bool = False,
    depth: Depth = "full",
    cancelled: Cancellation | None = None,
    still: Precondition | None = None,
) -> Events:
    """Change what `values` holds, and probe first where it must be; ends in Updated or Rejected.

    `still` is asked, before the network and again under the row's lock, whether the model is what the caller
    thinks it is; it raises to stop. ApiErrors as `changes.check` has them.
    """
    if still:
        still(model)
    check(model, values, actor)
    return run(model.id, dict(values), ProbeOrder(actor, strict, depth, cancelled), still)


def remove(id: str, actor: Actor, still: Precondition | None = None) -> None:
    """Delete a model with its key and its probes; the audit log keeps that it was there.

    `still` as in `update`. ApiError 404 where there is no such model (any more).
    """
    model = saving.locked(id, still)
    audit.record(actor, "model.deleted", model, {"model_id": model.model_id, "base_url": model.base_url})
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


def check(model: RegisteredModel, values: Values, actor: Actor) -> None:
    """What can be said of a change without the network.

    ApiError 400 `api_key_required` where the origin changes without a key and without the scope admin,
    409 where another model is the same already. Who names the reference that is stored has sent no key:
    whoever may read the model can read that name.
    """
    moved = "base_url" in values and origin_of(values["base_url"]) != origin_of(model.base_url)
    named = model.key_env is not None and saving.has_key(model, values.get("api_key"))
    if moved and ("api_key" not in values or named) and not actor.may("admin"):
        raise ApiError(
            "api_key_required",
            "base_url now leads to another server. Send api_key with it: the stored key goes to another "
            "origin only for a caller with the scope admin. Nothing was contacted.",
            400,
            field="api_key",
        )
    if _moves(model, values):
        saving.refuse_same(saving.columns_of(model) | dict(values), but=model.id)


def run(id: str, values: dict[str, Any], asked: ProbeOrder, still: Precondition | None) -> Events:
    """Probe where it must be, then apply under the row's lock; from the start where others changed it."""
    for _ in range(_ATTEMPTS):
        model = saving.model_with(id)
        check(model, values, asked.actor)
        before = saving.endpoint_of(model)
        report: Report | None = None
        if _needs_probe(model, values):
            merged = saving.columns_of(model) | values
            if "api_key" not in merged:
                merged["api_key"] = saving.stored_key(model)
            report = yield from probed(merged, asked, key_control=_new_key(model, values))
            if report.verdict == "rejected":
                yield rejected(merged, report, asked, id)
                return
        ended = _applied(id, before, values, report, asked.actor, still)
        if ended is not None:
            yield ended
            return
    raise ApiError(
        "conflict", "Others changed this model again and again meanwhile. Read it and try again.", 409
    )


def _applied(
    id: str,
    before: tuple[Any, ...],
    values: dict[str, Any],
    report: Report | None,
    actor: Actor,
    still: Precondition | None,
) -> Updated | None:
    """Write the change to the row as it is now; None where its endpoint is not the one that was judged."""
    model = saving.locked(id, still)
    if saving.endpoint_of(model) != before:
        db.session.rollback()
        return None
    with saving.refusing_same(saving.columns_of(model) | values):
        changes = saving.apply(model, values)
        same = changes.keys().isdisjoint(saving.ENDPOINT)
        kept = saving.keep_probe(model, report, "update", actor, same=same) if report else None
        audit.record(actor, "model.updated", model, {"changes": changes})
        db.session.commit()
    return Updated(id, kept)


def _moves(model: RegisteredModel, values: Values) -> bool:
    return any(name in values and values[name] != getattr(model, name) for name in saving.ENDPOINT)


def _new_key(model: RegisteredModel, values: Values) -> bool:
    return "api_key" in values and not saving.has_key(model, values["api_key"])


def _needs_probe(model: RegisteredModel, values: Values) -> bool:
    return _moves(model, values) or _new_key(model, values)
