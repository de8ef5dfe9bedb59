"""The audit log: who did what, when, and what changed by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import select

from app.access import require_role
from app.models import AuditEvent, RegisteredModel, db
from app.pages import words

blueprint = Blueprint("auditlog", __name__, url_prefix="/audit")

PAGE = 100
ACTIONS: dict[str, str] = {
    "model.registered": "Registered a model",
    "model.rejected": "Probe rejected",
    "model.validated": "Probed without registering",
    "model.updated": "Changed a model",
    "model.probed": "Probed a model",
    "model.deleted": "Deleted a model",
    "model.enabled": "Enabled a model",
    "model.disabled": "Disabled a model",
    "model.tried": "Tried a model",
    "token.created": "Made a token",
    "token.revoked": "Revoked a token",
    "user.created": "Added a person",
    "user.changed": "Changed a person",
    "user.password_reset": "Reset a password",
    "user.password_changed": "Changed the own password",
}
"""Each action in words; one that is missing here reads as it is stored."""


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """Events, the newest first; filters stand in the URL."""
    wanted = {
        name: request.args.get(name, "").strip()[:400] for name in ("actor", "action", "model", "cursor")
    }
    events = _found(wanted)
    shown = events[:PAGE]
    there = {event.model_pk for event in shown if event.model_pk}
    query = select(RegisteredModel.id).where(RegisteredModel.id.in_(there))
    following: dict[str, Any] = {**wanted, "cursor": shown[-1].id if len(events) > PAGE else ""}
    return render_template(
        "house/audit.html",
        events=shown,
        wanted=wanted,
        actions=ACTIONS,
        there=set(db.session.scalars(query)) if there else set(),
        next_url=_url(following) if following["cursor"] else None,
        first_url=_url({**wanted, "cursor": ""}) if wanted["cursor"] else None,
        changes=changes,
    )


def changes(detail: Mapping[str, Any]) -> list[str]:
    """What an event's detail tells, a line for each thing."""
    lines = [
        f"{name}: {words.shown(pair[0])} → {words.shown(pair[1])}"
        for name, pair in detail.get("changes", {}).items()
        if isinstance(pair, list) and len(pair) == 2
    ]
    for name, value in detail.items():
        if name in ("changes", "probe") or value is None:
            continue
        if isinstance(value, list) and len(value) == 2 and name != "scopes":
            lines.append(f"{name}: {words.shown(value[0])} → {words.shown(value[1])}")
        else:
            lines.append(f"{name}: {words.shown(value)}")
    return lines


def _found(wanted: Mapping[str, str]) -> list[AuditEvent]:
    query = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(PAGE + 1)
    if wanted["cursor"]:
        query = query.where(AuditEvent.id < wanted["cursor"])
    if wanted["actor"]:
        query = query.where(AuditEvent.actor.icontains(wanted["actor"], autoescape=True))
    if wanted["action"]:
        query = query.where(AuditEvent.action == wanted["action"])
    if wanted["model"]:
        query = query.where(AuditEvent.model_pk == wanted["model"])
    return list(db.session.scalars(query))


def _url(wanted: Mapping[str, Any]) -> str:
    return url_for("auditlog.index", **{name: value for name, value in wanted.items() if value})
