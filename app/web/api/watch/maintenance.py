"""Maintenance: windows in which nobody is told."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from app.errors import ApiError
from app.store.base import db, now
from app.store.watch.channels import Maintenance
from app.watch.incidents import stamp
from app.watch.notices import maintenance
from app.web.api.answers import ID, answer
from app.web.api.describe import describe
from app.web.api.watch.bodies import checked_body, moment_of
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_maintenance", __name__)


@blueprint.get("/v2/maintenance")
@require_scope("read")
@describe(tag="Channels", gives="Maintenance[]")
def list_windows() -> Response:
    """The windows that are open or to come, the one that ends first in front."""
    return answer([_as_json(one) for one in db.session.scalars(maintenance.windows(now()))])


@blueprint.post("/v2/maintenance")
@require_scope("write")
@describe(
    tag="Channels",
    takes="MaintenanceRequest",
    gives="Maintenance",
    examples={"all": {"scope": "all", "ends": "2030-01-01T04:00:00Z", "begins": "2030-01-01T03:00:00Z"}},
)
def open_window() -> Response:
    """Have nobody told, of anything or of one model, endpoint or tag, for a while; at most 90 days."""
    wanted = checked_body("MaintenanceRequest")
    begins, ends = moment_of(wanted, "begins") or now(), moment_of(wanted, "ends")
    if ends is None or not maintenance.is_span(begins, ends, now()):
        raise _bad("ends", "`ends` must lie in the future, after `begins`, and at most 90 days after it.")
    if (wanted["scope"] == "all") == bool(wanted.get("subject")):
        raise _bad("subject", "`subject` names the model, endpoint or tag; `all` has none.")
    row = maintenance.open_window(
        wanted["scope"], wanted.get("subject"), begins, ends, wanted.get("reason", ""), current_actor()
    )
    return answer(_as_json(row))


@blueprint.delete("/v2/maintenance/<id>")
@require_scope("write")
@describe(tag="Channels", gives="Deleted")
def close_window(id: str) -> Response:
    """End a window now."""
    maintenance.close_window(id if ID.fullmatch(id) else "", current_actor())
    return answer({"id": id, "deleted": True})


def _bad(field: str, message: str) -> ApiError:
    return ApiError("invalid_request", message, field=field)


def _as_json(row: Maintenance) -> dict[str, Any]:
    return {
        "id": row.id,
        "scope": row.scope,
        "subject": row.subject,
        "begins": stamp(row.begins),
        "ends": stamp(row.ends),
        "reason": row.reason,
        "by": row.created_by,
    }
