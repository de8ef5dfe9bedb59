"""An incident in words: what is wrong, whose it is, and what happened in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import select

from app.probe.diagnosis.codes import CODES
from app.store.base import db
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel
from app.store.watch.channels import Channel, Delivery
from app.store.watch.incidents import Incident, IncidentEvent, IncidentModel
from app.watch.incidents import OWN_NETWORK
from app.watch.places import labels_of
from app.web.pages import frame

NAMED = 5
"""How many models a row names before it counts the others."""

MESSAGES = 20
"""How many messages to channels an incident's page shows."""

_NEWS: Mapping[str, str] = {
    "incident.opened": "that it began",
    "incident.reminder": "that nobody had acknowledged it",
    "incident.resolved": "that it ended",
}


@dataclass(frozen=True, slots=True)
class Told:
    """An incident as a list shows it. `has_endpoint` is False where its endpoint is gone, or it has none."""

    incident: Incident
    title: str
    affected: Sequence[IncidentModel]
    owners: Sequence[str]
    has_endpoint: bool
    there: Set[str]
    """The ids of its models that are registered today."""

    @property
    def named(self) -> Sequence[IncidentModel]:
        """The models that the list names."""
        return self.affected[:NAMED]

    @property
    def unnamed(self) -> int:
        """How many more there are."""
        return max(0, len(self.affected) - NAMED)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the timeline: `text` says what happened, `quote` is what somebody or something said."""

    at: datetime
    text: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel was told of an incident, in a few words, and how its delivery went."""

    channel_id: str
    channel: str
    news: str
    delivery: Delivery


def told(incidents: Sequence[Incident]) -> list[Told]:
    """Incidents in the same order, each with what a person needs to know first."""
    ids = {incident.endpoint_id for incident in incidents if incident.endpoint_id}
    endpoints = set(db.session.scalars(select(Endpoint.id).where(Endpoint.id.in_(ids)))) if ids else set()
    members = {member.model_pk for incident in incidents for member in incident.members}
    there = set(db.session.scalars(select(RegisteredModel.id).where(RegisteredModel.id.in_(members))))
    return [_told(incident, incident.endpoint_id in endpoints, there) for incident in incidents]


def title_of(code: str) -> str:
    """What a code says in a few words."""
    if code == OWN_NETWORK:
        return "No endpoint can be reached"
    row = CODES.get(code)
    return row.title if row else code.replace("_", " ").capitalize()


def advice_on(code: str) -> str:
    """What to do about it, "" where nothing general is known."""
    row = CODES.get(code)
    return row.help if row else ""


def messages_about(incident: Incident) -> Sequence[Message]:
    """Who was told of it, and whether it got there, the newest first; messages are kept for 30 days."""
    query = (
        select(Channel.id, Channel.name, Delivery)
        .join(Delivery, Delivery.channel_id == Channel.id)
        .where(Delivery.kind.in_(_NEWS), Delivery.created >= incident.opened)
        .where(Delivery.body["data"]["id"].as_string() == incident.id)
        .order_by(Delivery.id.desc())
        .limit(MESSAGES)
    )
    return [Message(id, name, _NEWS[row.kind], row) for id, name, row in db.session.execute(query)]


def timeline(incident: Incident) -> list[Line]:
    """What happened, the newest first; models that came or went at one moment share a line."""
    lines: list[Line] = []
    alike = groupby(incident.timeline, key=lambda event: (event.kind, event.at, _what(event)))
    for (kind, at, text), events in alike:
        if kind in ("joined", "left"):
            names = [str((event.detail or {}).get("name") or "") for event in events]
            lines.append(Line(at, text, _listed(names)))
        else:
            lines += [_line(event) for event in events]
    return lines[::-1]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _told(incident: Incident, has_endpoint: bool, there: Set[str]) -> Told:
    gone = incident.resolved is not None
    affected = sorted(
        (one for one in incident.members if gone or one.left is None),
        key=lambda one: (one.name, one.model_pk),
    )
    owners, _ = labels_of([one.model_pk for one in affected])
    return Told(incident, title_of(incident.code), affected, sorted(owners), has_endpoint, there)


_TEXTS: Mapping[str, str] = {
    "opened": "It began",
    "joined": "Down with it",
    "left": "Works again",
    "look": "The endpoint says something else now",
    "reminded": "Everybody was reminded, since nobody had acknowledged it",
    "resolved": "It ended",
}


_UNWATCHED: Mapping[str, str] = {
    "left": "Nobody watches it any more",
    "resolved": "It ended, for nobody watches its models any more",
}


def unwatched(incident: Incident) -> set[str]:
    """The ids of its models that did not work again, but are not watched any more."""
    left = (event.detail for event in incident.timeline if event.kind == "left")
    return {str(detail.get("model")) for detail in left if detail.get("unwatched")}


def _what(event: IncidentEvent) -> str:
    texts = _UNWATCHED if (event.detail or {}).get("unwatched") else _TEXTS
    return texts.get(event.kind, event.kind.capitalize())


def _line(event: IncidentEvent) -> Line:
    detail = event.detail or {}
    if event.kind == "acknowledged":
        who = frame.actor_words(str(detail.get("by", "")))
        return Line(event.at, f"Acknowledged by {who}", str(detail.get("note") or ""))
    return Line(event.at, _what(event), str(detail.get("message") or ""))
