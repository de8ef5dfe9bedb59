"""What a change of an endpoint is told where models did not work with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from app.access import audit
from app.access.actors import Actor
from app.errors import ApiError
from app.probe.values import Report
from app.registry.probing import Values
from app.registry.saving import wire_report
from app.store.base import db, new_id
from app.store.endpoints import Endpoint

JSON = Any


class Proven(NamedTuple):
    """A model of the endpoint, and what its probe saw with the change."""

    id: str
    values: Values
    report: Report


def refused(endpoint: Endpoint, proven: Sequence[Proven], failed: Sequence[Proven], actor: Actor) -> ApiError:
    """400 with the first reason in front; `results` has every model that was asked. Commits."""
    results = [_result(one) for one in proven]
    first = next(result["error"] for result in results if result["error"])
    audit.record(
        actor,
        "endpoint.rejected",
        subject=endpoint.name,
        detail={"endpoint": endpoint.id, "failed": len(failed)},
    )
    db.session.commit()
    message = (
        f"Nothing was changed: {len(failed)} of {len(proven)} models did not work with it. {first['message']}"
    )
    details = [
        {"field": result["model_id"], "code": result["error"]["code"], "message": result["error"]["message"]}
        for result in results
        if result["error"]
    ]
    return ApiError(
        first["code"],
        message,
        status=400,
        field=first["field"],
        details=details,
        extra={"results": results},
    )


def _result(one: Proven) -> dict[str, JSON]:
    full = wire_report(one.report, new_id(), one.id)
    outcome = "accepted" if one.report.verdict == "accepted" else "rejected"
    return {
        "model": one.id,
        "model_id": one.values["model_id"],
        "outcome": outcome,
        "error": full["diagnosis"],
    }
