"""Which incidents a search finds: by their endpoint, what they say is wrong, and the models in them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Select, and_, or_, select

from app.probe.diagnosis.codes import CODES
from app.store.watch.incidents import Incident, IncidentModel
from app.watch.incidents import OWN_NETWORK
from app.web.pages.incidents.words import title_of

LATELY = 1000
"""How many of the newest incidents are looked through."""


def telling_of(words: Iterable[str]) -> Select[Incident]:
    """The incidents, among the newest, in which each of the words is found in any letter case."""
    newest = select(Incident.id).order_by(Incident.id.desc()).limit(LATELY).subquery()
    return select(Incident).where(Incident.id.in_(select(newest.c.id)), and_(*map(_tells_of, words)))


def _tells_of(word: str) -> ColumnElement[bool]:
    members = select(IncidentModel.incident_id).where(IncidentModel.name.icontains(word, autoescape=True))
    titled = [code for code in (*CODES, OWN_NETWORK) if word.casefold() in title_of(code).casefold()]
    return or_(
        Incident.endpoint_name.icontains(word, autoescape=True),
        Incident.message.icontains(word, autoescape=True),
        Incident.code.in_(titled),
        Incident.code.icontains(word, autoescape=True),  # one without a title of its own is told by its code
        Incident.id.in_(members),
    )
