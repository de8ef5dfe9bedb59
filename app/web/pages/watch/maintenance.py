"""Maintenance windows: while one lasts, nobody is told of what it covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import DateTimeLocalField, SelectField, StringField
from wtforms.validators import Length, Optional

from app.store.base import db, now
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel
from app.store.watch.channels import Maintenance
from app.watch.notices import maintenance
from app.web.guards import current_actor, require_role

blueprint = Blueprint("maintenance", __name__, url_prefix="/maintenance")

AT_MOST = 500
LENGTHS = {"30": "30 minutes", "60": "1 hour", "120": "2 hours", "240": "4 hours", "480": "8 hours",
           "1440": "1 day", "10080": "1 week"}  # fmt: skip
"""Minutes, and how a person says them."""


class WindowForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What is under maintenance, from when on and for how long."""

    what = SelectField("What", validate_choice=True)
    begins = DateTimeLocalField("Begins (UTC)", [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
    minutes = SelectField("Lasts", choices=LENGTHS, default="60")
    reason = StringField("Reason", [Length(max=400)])


@dataclass(frozen=True, slots=True)
class Window:
    """A window and what it covers, in words."""

    row: Maintenance
    covers: str
    is_open: bool


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """The windows that are open or to come."""
    moment = now()
    rows = db.session.scalars(maintenance.windows(moment)).all()
    shown = [Window(row, _covers(row), row.begins <= moment) for row in rows]
    return render_template("maintenance/index.html", windows=shown, may_edit=current_actor().may("write"))


@blueprint.route("/new", methods=["GET", "POST"])
@require_role("editor")
def new() -> Response | str | tuple[str, int]:
    """The form, and the window that it opens; `?endpoint=ID` or `?model=ID` chooses what."""
    form = WindowForm(data=_chosen())
    form.what.choices = _subjects()
    if not form.is_submitted():
        return render_template("maintenance/new.html", form=form)
    if form.validate() and (begins := _begins(form)):
        ends = begins + timedelta(minutes=int(form.minutes.data))
        scope, _, subject = form.what.data.partition(":")
        reason = (form.reason.data or "").strip()
        maintenance.open_window(scope, subject or None, begins, ends, reason, current_actor())
        flash("Nobody is told of it while the window lasts.", "ok")
        return redirect(url_for("maintenance.index"), 303)
    return render_template("maintenance/new.html", form=form), 400


@blueprint.post("/<id>/end")
@require_role("editor")
def end(id: str) -> Response:
    """End a window now."""
    maintenance.close_window(id, current_actor())
    flash("The window is closed: people are told again.", "ok")
    return redirect(url_for("maintenance.index"), 303)


def _begins(form: WindowForm) -> datetime | None:
    """When it begins, now where nothing was given; None where the window would be over already."""
    moment = now()
    begins = form.begins.data.replace(tzinfo=UTC) if form.begins.data else moment
    if maintenance.is_span(begins, begins + timedelta(minutes=int(form.minutes.data)), moment):
        return begins
    form.begins.errors = ["That window would be over already. Choose a later begin, or a longer one."]
    return None


def _chosen() -> dict[str, Any]:
    given = [(name, request.args.get(name, "")) for name in ("endpoint", "model")]
    return {"what": next((f"{name}:{id}" for name, id in given if id), "all")}


def _subjects() -> Sequence[tuple[str, str]]:
    """Everything that a window may cover: all, an endpoint, a model."""
    endpoints = db.session.execute(select(Endpoint.id, Endpoint.name).order_by(Endpoint.name).limit(AT_MOST))
    names = select(RegisteredModel.id, RegisteredModel.display_name).order_by(RegisteredModel.display_name)
    return [
        ("all", "Everything"),
        *((f"endpoint:{id}", f"Endpoint {name}") for id, name in endpoints),
        *((f"model:{id}", f"Model {name}") for id, name in db.session.execute(names.limit(AT_MOST))),
    ]


def _covers(row: Maintenance) -> str:
    if row.scope == "endpoint":
        endpoint = Endpoint.by_id(row.subject or "")
        return f"Endpoint {endpoint.name}" if endpoint else "An endpoint that is gone"
    if row.scope == "model":
        model = RegisteredModel.by_id(row.subject or "")
        return f"Model {model.display_name}" if model else "A model that is gone"
    return "Everything" if row.scope == "all" else f"Models with the tag {row.subject}"
