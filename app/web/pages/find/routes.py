"""The search of the header: what this person may see of models, endpoints, incidents, people and events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import ColumnElement, and_, case, select

from app.store.accounts import User
from app.store.base import db
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel
from app.store.watch.incidents import Incident
from app.web.guards import current_actor, require_role
from app.web.pages import audit, display, search
from app.web.pages.find import incidents, recent
from app.web.pages.incidents.words import title_of

blueprint = Blueprint("find", __name__, url_prefix="/search")

MOST = 6
"""How many of a kind are shown; a link leads to all of them where a list can show them."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found: its name, what tells it from others, where it is, its state if it has one."""

    title: str
    note: str
    url: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of a kind; `more` is where all of it is listed, "" where no list can."""

    label: str
    hits: Sequence[Hit]
    more: str = ""


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """What a search finds, what was opened last first; without words what was opened last."""
    q = search.text_of(request.args, "q", 200)
    groups = [group for group in (_found(q) if q else _opened()) if group.hits]
    total = sum(len(group.hits) for group in groups)
    return render_template("find/index.html", q=q, groups=groups, total=total)


def _found(q: str) -> Iterable[Group]:
    words = q.split()
    yield Group("Models", _models(RegisteredModel.matching(q=q)), url_for("models.index", q=q))
    # By its origin and not by its base URL, whose query may hold a key.
    places = [word.rpartition("://")[2].partition("/")[0] for word in words]
    yield Group("Endpoints", _endpoints(_each(places, Endpoint.name + " " + Endpoint.origin)))
    yield Group("Incidents", _incidents(incidents.telling_of(words)))
    if current_actor().may("admin"):
        yield Group("People", _people(_each(words, User.email)))
    yield Group("Audit log", _events(q), url_for("audit.index", q=q))


def _opened() -> Iterable[Group]:
    """The same kinds by what this person opened."""
    models, endpoints, people = (recent.opened(kind) for kind in ("model", "endpoint", "user"))
    happened = select(Incident).where(Incident.id.in_(recent.opened("incident")))
    yield Group("Models", _models(select(RegisteredModel).where(RegisteredModel.id.in_(models))))
    yield Group("Endpoints", _endpoints(Endpoint.id.in_(endpoints)))
    yield Group("Incidents", _incidents(happened))
    if current_actor().may("admin"):
        yield Group("People", _people(User.id.in_(people)))


def _models(query: Any) -> Sequence[Hit]:
    found = db.session.scalars(_first(query, RegisteredModel, recent.opened("model")))
    return [
        Hit(model.display_name, model.model_id, url_for("models.detail", id=model.id), model.health)
        for model in found
    ]


def _endpoints(condition: ColumnElement[bool]) -> Sequence[Hit]:
    found = db.session.scalars(_first(select(Endpoint).where(condition), Endpoint, recent.opened("endpoint")))
    return [
        Hit(one.name, display.host_of(one.base_url), url_for("endpoints.detail", id=one.id)) for one in found
    ]


def _incidents(query: Any) -> Sequence[Hit]:
    found = db.session.scalars(_first(query, Incident, recent.opened("incident")))
    return [
        Hit(
            title_of(one.code),
            f"{one.endpoint_name}, {display.ago(one.opened)}",
            url_for("incidents.detail", id=one.id),
            "resolved" if one.resolved else "open",
        )
        for one in found
    ]


def _people(condition: ColumnElement[bool]) -> Sequence[Hit]:
    found = db.session.scalars(_first(select(User).where(condition), User, recent.opened("user")))
    return [Hit(user.email, user.role, url_for("users.detail", id=user.id)) for user in found]


def _events(q: str) -> Sequence[Hit]:
    """The newest events that tell of it; each leads to the log, where its detail is."""
    found = audit.found(audit.wanted_of({"q": q}), MOST, among=audit.LATELY)
    return [
        Hit(
            " ".join((audit.ACTIONS.get(event.action, event.action), event.subject or "")).strip(),
            display.ago(event.at),
            url_for("audit.index", q=q, action=event.action),
        )
        for event in found
    ]


def _each(words: Iterable[str], text: Any) -> ColumnElement[bool]:
    """Whether each of the words is in a text, in any letter case."""
    return and_(*(text.icontains(word, autoescape=True) for word in words))


def _first(query: Any, table: Any, opened: Sequence[str]) -> Any:
    """What was opened last first, then the newest."""
    places = {id: place for place, id in enumerate(opened)}
    order = [case(places, value=table.id, else_=len(places))] if places else []
    return query.order_by(*order, table.id.desc()).limit(MOST)
