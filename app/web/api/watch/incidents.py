"""Incidents: list, one, acknowledge."""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.errors import ApiError
from app.store.base import db, now
from app.store.watch.incidents import Incident
from app.watch import incidents
from app.web.api.answers import ID, answer, next_link, page_of
from app.web.api.describe import describe
from app.web.api.query import choice_argument, cursor_argument, limit_argument
from app.web.api.watch.bodies import checked_body
from app.web.guards import current_actor, require_scope

blueprint = Blueprint("api_incidents", __name__)


@blueprint.get("/v2/incidents")
@require_scope("read")
@describe(tag="Health", gives="Incident[]", query=("incidents:state", "limit", "cursor"))
def list_incidents() -> Response:
    """A page of incidents, the newest first."""
    limit, cursor = limit_argument(), cursor_argument()
    query = select(Incident).options(selectinload(Incident.members), selectinload(Incident.timeline))
    state = choice_argument("state", ("open", "resolved"))
    if state is not None:
        query = query.where(
            Incident.resolved.is_(None) if state == "open" else Incident.resolved.is_not(None)
        )
    if cursor is not None:
        query = query.where(Incident.id < cursor)
    found, more = page_of(
        list(db.session.scalars(query.order_by(Incident.id.desc()).limit(limit + 1))), limit
    )
    response = answer([incidents.as_json(incident) for incident in found])
    if more:
        next_link(response, found[-1].id, "/v2/incidents")
    return response


@blueprint.get("/v2/incidents/<id>")
@require_scope("read")
@describe(tag="Health", gives="Incident")
def read_incident(id: str) -> Response:
    """One incident with its timeline."""
    incident = Incident.by_id(id) if ID.fullmatch(id) else None
    if incident is None:
        raise ApiError("not_found", "There is no incident with this id.", field="id")
    return answer(incidents.as_json(incident))


@blueprint.post("/v2/incidents/<id>/acknowledge")
@require_scope("write")
@describe(
    tag="Health",
    takes="Acknowledgement",
    gives="Incident",
    errors=(409,),
    examples={"note": {"note": "The vendor knows."}},
)
def acknowledge(id: str) -> Response:
    """Say that somebody takes care of it: reminders end."""
    note = checked_body("Acknowledgement").get("note", "")
    if not ID.fullmatch(id):
        raise ApiError("not_found", "There is no incident with this id.", field="id")
    incident = incidents.acknowledge(id, current_actor(), note, now())
    db.session.commit()
    return answer(incidents.as_json(incident))
