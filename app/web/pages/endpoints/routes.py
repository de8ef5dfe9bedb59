"""Endpoints: the list, one of them, and deleting it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from app.registry.endpoints import changes, document, rows
from app.store.base import db, now
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel
from app.store.watch.health import EndpointWatch
from app.store.watch.incidents import Incident
from app.web.guards import current_actor, require_role
from app.web.pages.endpoints import change, many
from app.web.pages.endpoints.finding import found
from app.web.pages.find import recent
from app.web.pages.incidents import words
from app.web.pages.search import text_of
from app.web.pages.watch import health

blueprint = Blueprint("endpoints", __name__, url_prefix="/endpoints")
blueprint.register_blueprint(change.blueprint)
blueprint.register_blueprint(many.blueprint)

PAGE = 50
MODELS = 200
SOON = timedelta(days=30)
"""How long before its end a certificate is worth a warning."""


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """Endpoints, the newest first."""
    cursor = text_of(request.args, "cursor", 36)
    those = list(db.session.scalars(document.page(PAGE, cursor or None)))
    next_url = url_for("endpoints.index", cursor=those[PAGE - 1].id) if len(those) > PAGE else None
    return render_template(
        "endpoints/index.html",
        endpoints=[_outlined(shown) for shown in _documents(those[:PAGE])],
        next_url=next_url,
        may_edit=current_actor().may("write"),
    )


@blueprint.get("/<id>")
@require_role("viewer")
def detail(id: str) -> str:
    """One endpoint: how it is called, its models, what is wrong there."""
    endpoint = found(id)
    recent.note("endpoint", id)
    (shown,) = _documents([endpoint])
    models = _models(id)
    return render_template(
        "endpoints/detail.html",
        endpoint=_outlined(shown),
        certificates=_certificates(shown),
        endings=_endings(id),
        key_tone=_tone(shown["key_ends"]) if shown["key_ends"] else "",
        models=models,
        health=health.shown(models, now()),
        registered=request.args.get("registered", type=int),
        done=request.args.get("done", ""),
        incidents=words.told(_open_incidents(id)),
        may_edit=current_actor().may("write"),
    )


@blueprint.route("/<id>/delete", methods=["GET", "POST"])
@require_role("editor")
def delete(id: str) -> Response | str:
    """Ask, then delete an endpoint that no model is served at."""
    endpoint = found(id)
    if request.method == "GET":
        count = rows.count_models(endpoint)
        return render_template("endpoints/delete.html", endpoint=endpoint, count=count)
    name = endpoint.name
    changes.remove(id, current_actor())
    flash(f"The endpoint “{name}” is deleted, and its key with it.", "ok")
    return redirect(url_for("endpoints.index"), 303)


def _documents(those: Sequence[Endpoint]) -> list[dict[str, Any]]:
    return document.documents(those, whole_url=current_actor().may("write"))


def _outlined(shown: dict[str, Any]) -> dict[str, Any]:
    """The document, and when its key was rotated last: a key of the first day never was."""
    changed, created = shown["key_changed"], shown["created"]
    gap = datetime.fromisoformat(changed) - datetime.fromisoformat(created) if changed else timedelta()
    return shown | {"rotated": changed if gap > timedelta(seconds=5) else None}


def _certificates(endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    """What is known of the certificates that go with each call, and how near their end is."""
    kinds = (("ca", "Trusted authority"), ("client_certificate", "Client certificate"))
    held = [(label, endpoint[name]) for name, label in kinds if endpoint[name]]
    return [{"label": label, "tone": _tone(shown["not_after"])} | shown for label, shown in held]


def _endings(id: str) -> list[dict[str, str]]:
    """What looks saw of this endpoint that ends: the server's own certificate, and a key that tells it."""
    watched = db.session.get(EndpointWatch, id)
    kept = (watched.endings or {}) if watched else {}
    labels = {"certificate": "The server’s own", "key": "The API key"}
    found = [(labels[name], life[1]) for name, life in kept.items() if name in labels]
    return [{"label": label, "ends": ends, "tone": _tone(ends)} for label, ends in found if ends]


def _tone(not_after: str) -> str:
    left = datetime.fromisoformat(not_after) - now()
    return "expired" if left < timedelta() else "soon" if left < SOON else ""


def _models(id: str) -> list[RegisteredModel]:
    query = select(RegisteredModel).where(RegisteredModel.endpoint_id == id)
    return list(db.session.scalars(query.order_by(RegisteredModel.display_name).limit(MODELS)))


def _open_incidents(id: str) -> list[Incident]:
    query = select(Incident).options(selectinload(Incident.members))
    mine = (Incident.endpoint_id == id) & Incident.resolved.is_(None)
    return list(db.session.scalars(query.where(mine).order_by(Incident.opened).limit(20)))
