"""Incidents: what is wrong, since when, whose it is, and who takes care of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from app.store.base import db, now
from app.store.watch.health import Look
from app.store.watch.incidents import Incident
from app.watch import incidents
from app.web.guards import current_actor, require_role
from app.web.pages.find import recent
from app.web.pages.incidents import words
from app.web.pages.search import text_of

blueprint = Blueprint("incidents", __name__, url_prefix="/incidents")

PAGE = 50
LOOKS = 60
LONGEST_NOTE = 2000
MEMBERS = 50
"""How many models of an incident its page names, those that are down first."""
_BEFORE = timedelta(minutes=10)
_STATES = {"open": "Open", "resolved": "Resolved", "": "All"}


@dataclass(frozen=True, slots=True)
class Saw:
    """A look and the name of the model that it was at."""

    look: Look
    name: str


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """Incidents, the newest first; open ones only with `?state=open`."""
    state = request.args.get("state", "")
    state = state if state in _STATES else ""
    found = list(db.session.scalars(_asked_for(state, text_of(request.args, "cursor", 36))))
    more = len(found) > PAGE
    next_url = url_for("incidents.index", state=state or None, cursor=found[PAGE - 1].id) if more else None
    return render_template(
        "incidents/index.html",
        incidents=words.told(found[:PAGE]),
        state=state,
        states=_STATES,
        next_url=next_url,
        may_edit=current_actor().may("write"),
    )


@blueprint.get("/<id>")
@require_role("viewer")
def detail(id: str) -> str:
    """One incident: its models, its timeline, and what each look saw."""
    incident = _found(id)
    recent.note("incident", id)
    (told,) = words.told([incident])
    return render_template(
        "incidents/detail.html",
        told=told,
        incident=incident,
        advice=words.advice_on(incident.code),
        timeline=words.timeline(incident),
        unwatched=words.unwatched(incident),
        looks=_looks(incident),
        messages=words.messages_about(incident),
        members=sorted(incident.members, key=lambda one: (one.left is not None, one.name, one.model_pk)),
        most_members=MEMBERS,
        is_admin=current_actor().may("admin"),
        may_edit=current_actor().may("write"),
        longest_note=LONGEST_NOTE,
    )


@blueprint.post("/<id>/acknowledge")
@require_role("editor")
def acknowledge(id: str) -> Response:
    """Say that one takes care of it, with a note for the others; reminders end."""
    incident = _found(id)
    note = request.form.get("note", "").strip()[:LONGEST_NOTE]
    if incident.resolved is not None:
        flash("It was over before you acknowledged it.", "warn")
    else:
        incidents.acknowledge(id, current_actor(), note, now())
        db.session.commit()
        flash(f"You have acknowledged: {words.title_of(incident.code)}, {incident.endpoint_name}.", "ok")
    back = "now.index" if request.form.get("back") == "now" else ""
    return redirect(url_for(back) if back else url_for("incidents.detail", id=id), 303)


def _asked_for(state: str, cursor: str) -> Select[Incident]:
    query = select(Incident).options(selectinload(Incident.members)).order_by(Incident.id.desc())
    if state:
        is_open = Incident.resolved.is_(None)
        query = query.where(is_open if state == "open" else ~is_open)
    if cursor:
        query = query.where(Incident.id < cursor)
    return query.limit(PAGE + 1)


def _looks(incident: Incident) -> Sequence[Saw]:
    """What looks saw at its models while it lasted and shortly before, the newest first."""
    names = {member.model_pk: member.name for member in incident.members}
    begin, end = incident.opened - _BEFORE, incident.resolved or now()
    mine = (Look.model_pk.in_(names)) & (Look.at >= begin) & (Look.at <= end)
    rows = db.session.scalars(select(Look).where(mine).order_by(Look.at.desc(), Look.id.desc()).limit(LOOKS))
    return [Saw(look, names[look.model_pk]) for look in rows]


def _found(id: str) -> Incident:
    incident = Incident.by_id(id)
    if incident is None:
        abort(404)
    return incident
