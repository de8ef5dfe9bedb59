"""One look at a model: the call to its endpoint, and what came of it in the words of the judgement."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from app.errors import ApiError
from app.probe.presence import Presence
from app.probe.transport.deadline import Cancellation
from app.probe.values import Report, Sample, Validity
from app.registry import watching
from app.store.base import db
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel
from app.store.watch.samples import ModelIdentity
from app.watch import sameness
from app.watch.drift import Change, changes
from app.watch.due.schedule import Kind
from app.watch.due.turns import Taken
from app.watch.faults import UNREACHABLE
from app.watch.judgement import Look, result_of
from app.watch.places import host_of

log = logging.getLogger("muster.watch.look")


@dataclass(frozen=True, slots=True)
class Seen:
    """A look with what it cost. `reached` says whether the endpoint answered anything at all."""

    kind: Kind
    look: Look
    reached: bool
    first_token_ms: int | None = None
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    changes: tuple[Change, ...] = ()
    was_sampled: bool = False
    """Its request asked for what can be compared with other looks."""
    sample: Sample | None = None
    certificate: Validity | None = None
    """The server's own, where one was seen."""
    key: Validity | None = None
    """How long the key holds, where it says so itself."""


_MODEL = (
    select(RegisteredModel, ModelIdentity)
    .outerjoin(ModelIdentity, ModelIdentity.model_pk == RegisteredModel.id)
    .where(RegisteredModel.id == bindparam("id"))
    .options(joinedload(RegisteredModel.endpoint, innerjoin=True).joinedload(Endpoint.headers))
)
"""What is to be known before a model is asked: where it is, with which key and headers, and the sample."""


def look_at(taken: Taken, now: datetime, cancelled: Cancellation | None = None) -> Seen | None:
    """Look as `taken` says; None where the model is gone. No connection to the database is held meanwhile."""
    found = db.session.execute(_MODEL, {"id": taken.model_pk}).unique().one_or_none()
    if found is None:
        return None
    model, identity = found
    facts = {"host": host_of(model.base_url), "model": model.model_id, "kind": taken.kind}
    seen = _seen(model, identity, taken, now, cancelled)
    if seen is not None:
        look = seen.look
        told = {"result": look.result, "code": look.code or None, "latency_ms": look.latency_ms}
        log.info("look", extra={"facts": facts | told})
    return seen


def _seen(
    model: RegisteredModel,
    identity: ModelIdentity | None,
    taken: Taken,
    now: datetime,
    cancelled: Cancellation | None,
) -> Seen | None:
    known = dict(model.capabilities or {})
    try:
        if taken.kind == "catalog":
            return _of_catalog(watching.read_catalog(model), now)
        if taken.kind == "proof":
            asked = sameness.asked_of(model, identity)
            report, key = watching.prove(model, cancelled, asked)
            seen = of_report(report, "proof", known, now)
            return replace(seen, was_sampled=asked is not None, sample=report.sample, key=key)
        before = watching.last_whole_report(model)
        report = watching.probe_wholly(model, cancelled)
        found = tuple(changes(before, report.as_dict())) if before else ()
        return replace(of_report(report, "full", known, now), changes=found)
    except ApiError as error:
        db.session.rollback()
        if error.code == "not_found":
            return None
        # A key that can't be used is no word of the endpoint's: nobody was asked.
        return Seen(taken.kind, Look(at=now, result="failed", code=error.code, message=error.message), False)


def of_report(report: Report, kind: Kind, known: Mapping[str, Any], now: datetime) -> Seen:
    """What a report means for health; `known` are the capabilities of the model before."""
    code = report.diagnosis.code if report.diagnosis else None
    proof = next((check for check in report.checks if check.name == "proof"), None)
    observed = {name: one.observed for name, one in report.capabilities.items()} if kind == "full" else {}
    had = {name for name, one in known.items() if one.get("observed") is True}
    look = Look(
        at=now,
        result=result_of(code),
        code=code or "",
        message=report.diagnosis.message if report.diagnosis else "",
        of_all=code is not None and _catalog_failed(report),
        latency_ms=proof.duration_ms if proof and code is None else None,
        answered_by=report.answered_by,
        dimensions=report.observed.get("embedding_dimensions"),
        missing=frozenset(name for name, seen in observed.items() if seen is False and name in had),
        absent=frozenset(name for name, seen in observed.items() if seen is False),
        seen=frozenset(name for name, seen in observed.items() if seen),
    )
    return Seen(
        kind,
        look,
        reached=code not in UNREACHABLE,
        first_token_ms=report.performance.get("first_token_ms"),
        calls=report.usage.get("calls", 0),
        prompt_tokens=report.usage.get("prompt_tokens", 0),
        completion_tokens=report.usage.get("completion_tokens", 0),
        certificate=report.certificate,
    )


def _catalog_failed(report: Report) -> bool:
    """Whether the list of models got an error of the server's (but "not implemented"), or no answer."""
    status = next((check.http_status for check in report.checks if check.name == "catalog"), 200)
    return status is None or (status >= 500 and status != 501)


def _of_catalog(presence: Presence, now: datetime) -> Seen:
    """A catalog tells whether the endpoint is there, not whether the model works."""
    if presence.code in UNREACHABLE:
        return Seen(
            "catalog",
            Look(at=now, result="failed", code=presence.code, message=presence.message),
            False,
            calls=1,
        )
    # Some keys may ask the model and not the list: a refusal here is a doubt, and a proof settles it.
    untold = Look(at=now, result="untold", code=presence.code or "", message=presence.message)
    return Seen("catalog", untold, True, calls=1, certificate=presence.certificate)
