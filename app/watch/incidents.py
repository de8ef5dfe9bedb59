"""Incidents: opened, joined, left, acknowledged, resolved. Nothing here commits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from app.access import audit
from app.access.actors import Actor
from app.config import settings
from app.errors import ApiError
from app.registry.document import rfc3339
from app.store.base import db, insert_missing, new_id
from app.store.models import RegisteredModel
from app.store.watch.events import FeedEvent
from app.store.watch.incidents import Incident, IncidentEvent, IncidentModel
from app.watch.notices import flapping, telling

OWN_NETWORK = "own_network"
_OWN_KEY = "own_network"
_OWN_MESSAGE = (
    "None of the endpoints can be reached. That is most likely Muster's own network: check its connection, "
    "its resolver and its proxy. No model is counted as down for it."
)


def join(models: list[RegisteredModel], code: str, message: str, now: datetime) -> Incident | None:
    """Put models of one endpoint into its incident for this reason, which is opened if need be.

    One message where it is opened, none where models join.
    """
    if not models:
        return None
    endpoint_id = models[0].endpoint_id
    key = f"{endpoint_id}:{code}"
    incident, is_new = _opened(key, endpoint_id, models[0].endpoint.name, code, message, now)
    known = {member.model_pk: member for member in incident.members}
    for model in models:
        _add(incident, model, known.get(model.id), now)
    if is_new:
        db.session.flush()
        _publish("opened", incident, now)
    return incident


def _opened(
    key: str, endpoint_id: str | None, name: str, code: str, message: str, now: datetime
) -> tuple[Incident, bool]:
    id = new_id()
    row = {"id": id, "open_key": key, "endpoint_id": endpoint_id, "endpoint_name": name}
    insert_missing(Incident, [row | {"code": code, "message": message, "opened": now}])
    incident = Incident.open_with(key)
    assert incident is not None, "it was just made sure of"
    if incident.id == id:
        add_line(incident, "opened", now, message=message)
    return incident, incident.id == id


def _add(incident: Incident, model: RegisteredModel, member: IncidentModel | None, now: datetime) -> None:
    if member is not None and member.left is None:
        return
    if member is None:
        row = IncidentModel(incident_id=incident.id, model_pk=model.id, name=model.display_name, joined=now)
        incident.members.append(row)
    else:
        member.joined, member.left = now, None
    add_line(incident, "joined", now, model=model.id, name=model.display_name)


def leave(ids: list[str] | set[str], now: datetime, *, unwatched: bool = False) -> None:
    """Take models out of their open incidents; one without models is resolved. `unwatched`: they do not work
    again, but nobody looks at them any more.
    """
    for incident in Incident.open_of_models(ids):
        for member in incident.members:
            if member.model_pk in ids and member.left is None:
                member.left = now
                add_line(incident, "left", now, model=member.model_pk, name=member.name, **_ended(unwatched))
        if all(member.left for member in incident.members):
            resolve(incident, now, unwatched=unwatched)


def resolve(incident: Incident, now: datetime, *, unwatched: bool = False) -> None:
    """End an incident; one message. `unwatched`: nobody looks at its models any more."""
    incident.resolved, incident.open_key = now, None
    add_line(incident, "resolved", now, **_ended(unwatched))
    db.session.flush()
    _publish("resolved", incident, now)


def _is_unwatched(incident: Incident) -> bool:
    return any(event.kind == "resolved" and "unwatched" in event.detail for event in incident.timeline)


def _ended(unwatched: bool) -> dict[str, Any]:
    return {"unwatched": True} if unwatched else {}


def own_network(now: datetime) -> None:
    """Open the incident of Muster's own network unless it is open."""
    incident, is_new = _opened(_OWN_KEY, None, "Muster", OWN_NETWORK, _OWN_MESSAGE, now)
    if is_new:
        _publish("opened", incident, now)


def own_network_works(now: datetime) -> None:
    """Resolve the incident of Muster's own network where it is open."""
    incident = Incident.open_with(_OWN_KEY)
    if incident is not None:
        resolve(incident, now)


def acknowledge(id: str, actor: Actor, note: str, now: datetime) -> Incident:
    """Say that somebody takes care: reminders end. ApiError 404, or 409 where it is resolved."""
    incident = Incident.by_id(id)
    if incident is None:
        raise ApiError("not_found", "There is no incident with this id.", field="id")
    if incident.resolved:
        raise ApiError("conflict", "This incident is resolved already.")
    incident.acknowledged, incident.acknowledged_by, incident.note = now, actor.label, note or None
    add_line(incident, "acknowledged", now, by=actor.label, note=note)
    audit.record(actor, "incident.acknowledged", subject=incident.endpoint_name, detail={"incident": id})
    return incident


def tell_hushed(now: datetime) -> None:
    """Tell of what began during maintenance and is open still, now that it is over; of the end, in it, of
    what began before; and of one more of many short outages that lasts.
    """
    for incident in db.session.scalars(select(Incident).where(Incident.hushed.is_(True))):
        if not _is_quiet(incident, now) and not flapping.is_one_more(incident, now):
            incident.hushed = False
            tell("incident.resolved" if incident.resolved else "incident.opened", incident, now)


def remind(now: datetime) -> int:
    """Tell again of what nobody has acknowledged; gives of how many incidents."""
    hours = settings().remind_hours
    if not hours:
        return 0
    before = now - timedelta(hours=hours)
    late = or_(Incident.reminded < before, Incident.reminded.is_(None) & (Incident.opened < before))
    query = select(Incident).where(Incident.resolved.is_(None), Incident.acknowledged.is_(None), late)
    found = [one for one in db.session.scalars(query) if not _is_quiet(one, now)]
    for incident in found:
        incident.reminded = now
        add_line(incident, "reminded", now)
        tell("incident.reminder", incident, now)
    return len(found)


def as_json(incident: Incident, *, timeline: bool = True) -> dict[str, Any]:
    """An incident as the API gives it."""
    acknowledged = {
        "by": incident.acknowledged_by,
        "at": stamp(incident.acknowledged),
        "note": incident.note,
    }
    made = {
        "id": incident.id,
        "endpoint": {"id": incident.endpoint_id, "name": incident.endpoint_name},
        "code": incident.code,
        "message": incident.message,
        "models": [
            {"id": m.model_pk, "name": m.name, "joined": stamp(m.joined), "left": stamp(m.left)}
            for m in sorted(incident.members, key=lambda member: (member.joined, member.model_pk))
        ],
        "opened": stamp(incident.opened),
        "acknowledged": acknowledged if incident.acknowledged else None,
        "resolved": stamp(incident.resolved),
    }
    lines = [{"at": stamp(e.at), "kind": e.kind, "detail": e.detail} for e in incident.timeline]
    return made | ({"events": lines} if timeline else {})


def stamp(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the millisecond."""
    return rfc3339(moment) if moment else None


def add_line(incident: Incident, kind: str, now: datetime, **detail: Any) -> None:
    """Add a line to its timeline."""
    incident.timeline.append(
        IncidentEvent(id=new_id(), incident_id=incident.id, at=now, kind=kind, detail=detail)
    )


def _publish(what: str, incident: Incident, now: datetime) -> None:
    FeedEvent.add(
        f"incident.{what}",
        endpoint_id=incident.endpoint_id,
        at=now,
        incident=incident.id,
        code=incident.code,
        message=incident.message,
        models=[member.model_pk for member in incident.members],
        **_ended(_is_unwatched(incident)),
    )
    quiet = _is_quiet(incident, now)
    if what == "opened":
        incident.hushed = quiet or flapping.is_one_more(incident, now)
        if not incident.hushed:
            tell("incident.opened", incident, now)
    elif incident.hushed:
        incident.hushed = False  # nobody who was not told of the beginning is told of the end
    else:
        incident.hushed = quiet
        tell("incident.resolved", incident, now)


def _is_quiet(incident: Incident, now: datetime) -> bool:
    return telling.is_quiet(now, [member.model_pk for member in incident.members], incident.endpoint_id)


def tell(news: telling.News, incident: Incident, now: datetime) -> None:
    """Put a message about it for every channel that wants it into the transaction at hand."""
    more: dict[str, Any] = {"link": telling.link_to(f"incidents/{incident.id}")}
    more |= _ended(_is_unwatched(incident))
    if news == "incident.opened" and flapping.nth_of(incident) == flapping.TOLD:
        more["often"] = flapping.TOLD
    telling.tell(
        news,
        as_json(incident, timeline=False) | more,
        now,
        models=[member.model_pk for member in incident.members],
        endpoint_id=incident.endpoint_id,
    )
