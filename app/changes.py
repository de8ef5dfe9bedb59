"""Change a registered model: nothing that was not seen working gets in this way either."""

from __future__ import annotations

from typing import Any

from app import audit, keeping
from app.access import Actor
from app.errors import ApiError
from app.keeping import Still
from app.keycontrol import origin_of
from app.models import RegisteredModel, db, new_id
from app.probe.types import Report
from app.probing import Asked, Events, Rejected, Updated, Values, in_full, probed

_ATTEMPTS = 3


def check(model: RegisteredModel, values: Values, actor: Actor) -> None:
    """What can be said of a change without the network.

    ApiError 400 `api_key_required` where the origin changes without a key and without the scope admin,
    409 where another model is the same already. Who names the reference that is stored has sent no key:
    whoever may read the model can read that name.
    """
    moved = "base_url" in values and origin_of(values["base_url"]) != origin_of(model.base_url)
    named = model.key_env is not None and keeping.has_key(model, values.get("api_key"))
    if moved and ("api_key" not in values or named) and not actor.may("admin"):
        raise ApiError(
            "api_key_required",
            "base_url now leads to another server. Send api_key with it: the stored key goes to another "
            "origin only for a caller with the scope admin. Nothing was contacted.",
            400,
            field="api_key",
        )
    if _moves(model, values):
        keeping.refuse_same(keeping.columns_of(model) | dict(values), but=model.id)


def run(id: str, values: dict[str, Any], asked: Asked, still: Still | None) -> Events:
    """Probe where it must be, then apply under the row's lock; from the start where others changed it."""
    for _ in range(_ATTEMPTS):
        model = keeping.found(id)
        check(model, values, asked.actor)
        before = keeping.endpoint_of(model)
        report: Report | None = None
        if _needs_probe(model, values):
            merged = keeping.columns_of(model) | values
            if "api_key" not in merged:
                merged["api_key"] = keeping.stored_key(model)
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


def rejected(values: Values, report: Report, asked: Asked, model_pk: str | None = None) -> Rejected:
    """Keep the audit event of a rejection, and nothing else. Commits."""
    full = in_full(report, new_id(), model_pk)
    detail = {**keeping.outline(values, report), "probe": full["id"]}
    model = RegisteredModel.by_id(model_pk) if model_pk else None
    audit.record(asked.actor, "model.rejected", model, detail, subject=values["display_name"])
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


def _applied(
    id: str,
    before: tuple[Any, ...],
    values: dict[str, Any],
    report: Report | None,
    actor: Actor,
    still: Still | None,
) -> Updated | None:
    """Write the change to the row as it is now; None where its endpoint is not the one that was judged."""
    model = keeping.locked(id, still)
    if keeping.endpoint_of(model) != before:
        db.session.rollback()
        return None
    with keeping.refusing_same(keeping.columns_of(model) | values):
        changes = keeping.apply(model, values)
        same = changes.keys().isdisjoint(keeping.ENDPOINT)
        kept = keeping.keep_probe(model, report, "update", actor, same=same) if report else None
        audit.record(actor, "model.updated", model, {"changes": changes})
        db.session.commit()
    return Updated(id, kept)


def _moves(model: RegisteredModel, values: Values) -> bool:
    return any(name in values and values[name] != getattr(model, name) for name in keeping.ENDPOINT)


def _new_key(model: RegisteredModel, values: Values) -> bool:
    return "api_key" in values and not keeping.has_key(model, values["api_key"])


def _needs_probe(model: RegisteredModel, values: Values) -> bool:
    return _moves(model, values) or _new_key(model, values)
