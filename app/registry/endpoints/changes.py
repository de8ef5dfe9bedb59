"""Change an endpoint: proven with its models before anything is stored, then for all of them at once."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.access import audit
from app.access.actors import Actor
from app.errors import ApiError
from app.probe.values import EndpointSettings, Report, Target
from app.registry import credentials, saving
from app.registry.document import rfc3339
from app.registry.endpoints import proxies
from app.registry.endpoints import rows as endpoints
from app.registry.endpoints.differences import differences
from app.registry.endpoints.intake import target_of
from app.registry.endpoints.refusal import Proven, refused
from app.registry.many import as_judged
from app.registry.probing import ProbeOrder, returned
from app.store.base import db, now
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel

JSON = Any


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different; None leaves it as it is. A header without a value goes, and so does an end of
    the key that is "".
    """

    name: str | None = None
    base_url: str | None = None
    api_key: str | None = None
    settings: Mapping[str, Any] | None = None
    headers: Mapping[str, str | None] | None = None
    drop_headers: bool = False
    key_ends: datetime | Literal[""] | None = None

    @property
    def is_of_a_call(self) -> bool:
        """Whether anything of what is sent is different."""
        given = (self.base_url, self.api_key, self.settings, self.headers)
        return self.drop_headers or any(one is not None for one in given)


class Asked(NamedTuple):
    """A model that is asked with the change, and its report once it has answered."""

    id: str
    model_id: str
    report: Report | None = None


def find(id: str) -> Endpoint:
    """The endpoint with this id; ApiError 404."""
    endpoint = Endpoint.by_id(id)
    if endpoint is None:
        raise _gone(id)
    return endpoint


def change(id: str, wanted: Change, order: ProbeOrder, *, partial: bool, move_key: bool) -> Endpoint:
    """Prove the change with every enabled model that is up, side by side, then store all of it or nothing.

    Where none is up, every enabled model is asked, and one that works is enough. `partial` stores it although
    some failed, and those are down then. ApiErrors as `credentials.target_for` has them, 404 where it
    was changed meanwhile or would be the same as another, 400 with who failed of which reason.
    """
    return returned(changing(id, wanted, order, partial=partial, move_key=move_key))


def changing(
    id: str, wanted: Change, order: ProbeOrder, *, partial: bool, move_key: bool
) -> Generator[Asked, None, Endpoint]:
    """The same for somebody who watches: every model that is asked, first without, then with its report.

    Once `order.cancelled` is set nothing is stored: ApiError 409.
    """
    endpoint = find(id)
    if not wanted.is_of_a_call:
        return _noted(id, wanted, order.actor)
    before = endpoint.identity
    target = _target(endpoint, wanted, order.actor, move_key)
    key = wanted.api_key if wanted.api_key is not None else credentials.typed_form(endpoint, target)
    if endpoints.identity_of(target.base_url, key, target.settings) == before and credentials.is_usable(
        endpoint
    ):
        return _noted(id, wanted, order.actor)
    tried, any_will_do = _to_prove(endpoint)
    values = [saving.columns_of(model) | {"base_url": target.base_url} for model in tried]
    ids = [model.id for model in tried]
    reports: dict[int, Report] = {}
    for id_, each in zip(ids, values, strict=True):
        yield Asked(id_, each["model_id"])
    for at, report in as_judged([(each, target_of(target, each)) for each in values], order):
        reports[at] = report
        yield Asked(ids[at], values[at]["model_id"], report)
    if order.cancelled is not None and order.cancelled.is_set():
        raise ApiError("conflict", "Cancelled: nothing was changed.")
    proven = [Proven(ids[at], values[at], reports[at]) for at in range(len(ids))]
    failed = [one for one in proven if one.report.verdict == "rejected"]
    enough = partial or any_will_do
    if failed and (not enough or len(failed) == len(proven)):
        raise refused(find(id), proven, failed, order.actor)
    return _stored(id, before, wanted, target, key, proven, order.actor)


def remove(id: str, actor: Actor) -> None:
    """Delete an endpoint that no model is served at. ApiError 404, or 409 with how many there are."""
    endpoint = Endpoint.locked(id)
    if endpoint is None:
        db.session.rollback()
        raise _gone(id)
    count = endpoints.count_models(endpoint)
    if count:
        db.session.rollback()
        models = "1 model is" if count == 1 else f"{count} models are"
        message = f"{models} served at this endpoint. Delete or move them first."
        raise ApiError("endpoint_in_use", message, field="id")
    audit.record(actor, "endpoint.deleted", subject=endpoint.name, detail={"endpoint": id})
    db.session.delete(endpoint)
    db.session.commit()


def _target(endpoint: Endpoint, wanted: Change, actor: Actor, move_key: bool) -> Target:
    """What is called after the change: the endpoint's own settings where the change says nothing."""
    base_url = wanted.base_url or endpoint.base_url
    target = credentials.target_for(
        actor, "change", base_url, typed=wanted.api_key, endpoint=endpoint, move_key=move_key
    )
    settings = replace(target.settings, **dict(wanted.settings or {}))
    proxy = proxies.kept(settings.proxy, target.settings.proxy)
    return replace(target, settings=replace(settings, headers=_headers(settings, wanted), proxy=proxy))


def _headers(settings: EndpointSettings, wanted: Change) -> tuple[tuple[str, str], ...]:
    named = wanted.headers or {}
    replaced = {name.lower() for name in named}
    kept = () if wanted.drop_headers else settings.headers
    left = [(name, value) for name, value in kept if name.lower() not in replaced]
    return tuple(sorted([*left, *((name, value) for name, value in named.items() if value is not None)]))


def _to_prove(endpoint: Endpoint) -> tuple[Sequence[RegisteredModel], bool]:
    """The enabled models that are up; where none is, all that are enabled, of which any will do."""
    mine = (RegisteredModel.endpoint_id == endpoint.id) & RegisteredModel.enabled.is_(True)
    enabled = list(db.session.scalars(select(RegisteredModel).where(mine).order_by(RegisteredModel.id)))
    up = [model for model in enabled if model.health in ("up", "degraded")]
    return (up, False) if up else (enabled, True)


def _stored(
    id: str, before: str, wanted: Change, target: Target, key: str, proven: Sequence[Proven], actor: Actor
) -> Endpoint:
    """One transaction, one key for all. Models are locked before their endpoint, as everywhere."""
    mine = select(RegisteredModel.id).where(RegisteredModel.endpoint_id == id).order_by(RegisteredModel.id)
    models = [model for each in db.session.scalars(mine).all() if (model := RegisteredModel.locked(each))]
    endpoint = Endpoint.locked(id)
    if endpoint is None or endpoint.identity != before:
        db.session.rollback()
        raise ApiError("conflict", "Others changed this endpoint meanwhile. Read it and try again.")
    changes, said = differences(endpoint, target, key), _said(endpoint)
    try:
        endpoints.rewrite(endpoint, models, target, key)
        changes |= _note(endpoint, wanted, said)
        reports = {one.id: one.report for one in proven}
        for model in models:
            if model.id in reports and model.endpoint_id == id:
                saving.keep_probe(model, reports[model.id], "update", actor)
        audit.record(
            actor, "endpoint.updated", subject=endpoint.name, detail={"endpoint": id, "changes": changes}
        )
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        message = "An endpoint that is called just so, or one of its models, is there already."
        raise ApiError("already_exists", message, field="base_url") from error
    return endpoint


def _noted(id: str, wanted: Change, actor: Actor) -> Endpoint:
    """Store what no model has to prove."""
    endpoint = Endpoint.locked(id)
    if endpoint is None:
        db.session.rollback()
        raise _gone(id)
    changes = _note(endpoint, wanted, _said(endpoint))
    if changes:
        endpoint.updated = now()
        detail = {"endpoint": id, "changes": changes}
        audit.record(actor, "endpoint.updated", subject=endpoint.name, detail=detail)
    db.session.commit()
    return endpoint


def _note(endpoint: Endpoint, wanted: Change, before: Mapping[str, JSON]) -> dict[str, list[JSON]]:
    """Set what people say of an endpoint; gives old and new value of what is not as it was `before`."""
    endpoint.name = wanted.name or endpoint.name
    if wanted.key_ends is not None:
        endpoint.key_ends = wanted.key_ends or None
    after = _said(endpoint)
    return {name: [before[name], after[name]] for name in after if before[name] != after[name]}


def _said(endpoint: Endpoint) -> dict[str, JSON]:
    """What people say of an endpoint. The end of a key goes with the key."""
    ends = endpoint.key_ends
    return {"name": endpoint.name, "key_ends": rfc3339(ends) if ends else None}


def _gone(id: str) -> ApiError:
    return ApiError("not_found", f"There is no endpoint {id}.", field="id")
