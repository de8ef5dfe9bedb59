"""The audit log: who did what, when, to what, and what changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import Select, String, cast, func, or_, select

from app.registry.credentials import Which
from app.store import vault
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel
from app.web.guards import current_actor, require_role
from app.web.pages import display
from app.web.pages.search import text_of

blueprint = Blueprint("audit", __name__, url_prefix="/audit")

PAGE = 50
LATELY = 10_000
"""How many events are looked through where an answer is wanted at once."""
ACTIONS: dict[str, str] = {
    "model.registered": "Registered a model",
    "model.rejected": "Had a registration rejected",
    "model.labelled": "Owner or tags changed",
    "model.validated": "Probed without registering",
    "model.updated": "Changed a model",
    "model.probed": "Probed a model",
    "model.tried": "Tried a model in the playground",
    "model.enabled": "Enabled a model",
    "model.disabled": "Disabled a model",
    "model.identity_confirmed": "Confirmed that a model answers rightly",
    "model.deleted": "Deleted a model",
    "model.key_released": "Read a model's key",
    "model.exported": "Exported models",
    "model.watch_changed": "Changed how a model is watched",
    "token.created": "Created a token",
    "token.revoked": "Revoked a token",
    "user.created": "Added a person",
    "user.changed": "Changed a person's role",
    "user.activated": "Let a person in again",
    "user.deactivated": "Shut a person out",
    "user.deleted": "Deleted a person",
    "user.password_reset": "Gave a person a new password",
    "user.password_changed": "Changed their own password",
    "user.session_ended": "Ended a session",
    "user.signed_in": "Signed in",
    "user.signin_failed": "Failed to sign in",
    "user.signin_refused": "Not let in through the provider",
    "user.left_to_provider": "Left signing in to the provider",
    "user.signed_out_by_provider": "Signed out by the provider",
    "user.signin_blocked": "Tried to sign in too often",
    "user.signed_out": "Signed out",
    "user.second_factor_set_up": "Set up a second factor",
    "user.second_factor_removed": "Removed a second factor",
    "endpoint.listed": "Listed an endpoint's models",
    "secrets.compared": "Planned with other secrets",
    "endpoint.updated": "Changed an endpoint",
    "endpoint.rejected": "Had a change of an endpoint rejected",
    "endpoint.deleted": "Deleted an endpoint",
    "incident.acknowledged": "Acknowledged an incident",
    "maintenance.opened": "Opened a maintenance window",
    "maintenance.closed": "Ended a maintenance window",
    "channel.created": "Added a channel",
    "channel.changed": "Changed a channel",
    "channel.deleted": "Deleted a channel",
    "channel.tested": "Sent a test to a channel",
    "audit.shortened": "Deleted what the audit log keeps no longer",
    "key.used": "Used a stored key",
    "access.refused": "Was refused",
    "database.restored": "Put a backup in the database's place",
    "keys.rotated": "Re-encrypted the stored keys",
}
"""Each action in words. A test finds every action that the program records in here."""

OPEN_TO_ALL = "model."
"""Everyone sees what happens to models; only administrators see what happens to people, tokens and keys."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """The filters in the URL; "" is no filter. Days are in UTC, both included."""

    actor: str = ""
    action: str = ""
    model: str = ""
    since: str = ""
    until: str = ""
    q: str = ""
    cursor: str = ""

    @property
    def active(self) -> bool:
        """Whether anything is filtered."""
        return any((self.actor, self.action, self.model, self.since, self.until, self.q))

    def url(self, cursor: str = "") -> str:
        """The same filters, from a cursor on."""
        given = {name: getattr(self, name) for name in _FILTERS} | {"cursor": cursor}
        return url_for("audit.index", **{name: value for name, value in given.items() if value})


_FILTERS = ("actor", "action", "model", "since", "until", "q")


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """Events, newest first; filters stand in the URL."""
    wanted, actions = wanted_of(request.args), _actions()
    events = found(wanted, PAGE + 1)
    shown = events[:PAGE]
    return render_template(
        "audit/index.html",
        wanted=wanted,
        actions=ACTIONS,
        offered=actions,
        rows=[(event, lines(event.detail)) for event in shown],
        names=_names([event.model_pk for event in shown if event.model_pk] + [wanted.model]),
        first_url=wanted.url() if wanted.cursor else None,
        next_url=wanted.url(shown[-1].id) if len(events) > PAGE else None,
        is_part=len(actions) < len(ACTIONS),
    )


def wanted_of(arguments: Mapping[str, str]) -> AuditFilter:
    """The filters of a query string; a value that can't be one counts as not given."""
    given = {name: text_of(arguments, name, 400) for name in (*_FILTERS, "cursor")}
    for name in ("since", "until"):
        given[name] = given[name] if _day(given[name]) else ""
    given["action"] = given["action"] if given["action"] in _actions() else ""
    return AuditFilter(**given)


def oldest_id(moment: datetime) -> str:
    """The smallest UUIDv7 of a moment: ids are ordered by time, so a span of time is a span of ids."""
    stamp = f"{max(0, int(moment.timestamp() * 1000)):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7000-8000-000000000000"


def found(wanted: AuditFilter, most: int, *, among: int = 0) -> list[AuditEvent]:
    """The newest events that the filters leave and this person may read, at most so many.

    `among`: only so many of the newest are looked through; 0 is all of them.
    """
    query = _within(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(most), wanted)
    if not current_actor().may("admin"):
        query = query.where(AuditEvent.action.startswith(OPEN_TO_ALL, autoescape=True))
    if among:
        nth = select(AuditEvent.id).order_by(AuditEvent.id.desc()).offset(among - 1).limit(1)
        query = query.where(AuditEvent.id >= func.coalesce(nth.scalar_subquery(), ""))
    if wanted.actor:
        query = query.where(AuditEvent.actor.icontains(wanted.actor, autoescape=True))
    if wanted.action:
        query = query.where(AuditEvent.action == wanted.action)
    if wanted.model:
        query = query.where(AuditEvent.model_pk == wanted.model)
    if wanted.q:
        # The detail is kept as JSON, where letters outside of ASCII are written as escapes.
        escaped = json.dumps(wanted.q)[1:-1]
        detail = cast(AuditEvent.detail, String).icontains(escaped, autoescape=True)
        query = query.where(or_(AuditEvent.subject.icontains(wanted.q, autoescape=True), detail))
    return list(db.session.scalars(query))


def _within(query: Select[AuditEvent], wanted: AuditFilter) -> Select[AuditEvent]:
    """The query kept to the days and the cursor asked for, all by the primary key."""
    since, until = _day(wanted.since), _day(wanted.until)
    if since:
        query = query.where(AuditEvent.id >= oldest_id(since))
    if until:
        query = query.where(AuditEvent.id < oldest_id(until + timedelta(days=1)))
    return query.where(AuditEvent.id < wanted.cursor) if wanted.cursor else query


def _day(text: str) -> datetime | None:
    """The first moment of a day such as 2026-03-01, None if the text is no day."""
    if not re.fullmatch(r"(19[7-9]|2\d\d)\d-\d\d-\d\d", text):
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None


def _actions() -> Mapping[str, str]:
    """The actions that this person may read about."""
    if current_actor().may("admin"):
        return ACTIONS
    return {name: words for name, words in ACTIONS.items() if name.startswith(OPEN_TO_ALL)}


def _names(ids: Sequence[Any]) -> dict[str, str]:
    """Id and name of the models that still exist."""
    query = select(RegisteredModel.id, RegisteredModel.display_name)
    return {id: name for id, name in db.session.execute(query.where(RegisteredModel.id.in_(set(ids))))}


LABELS = {
    "api_key": "API key",
    "base_url": "Base URL",
    "key_ends": "Key ends",
    "model_id": "Model id",
    "remote_model_id": "Sent as",
    "probe": "Probe",
}
_SECRET = re.compile(r"key$|password|secret", re.IGNORECASE)
_LONGEST = 300
_USES = {"list_models": "list its models", "health_check": "health check"}
"""What a key was used for, where the word on record is none for people."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that an event tells: a label, its value, and the value that it replaced ("" where none)."""

    label: str
    value: str
    before: str = ""


def lines(detail: Mapping[str, Any]) -> list[Line]:
    """What an event's detail tells, changes first."""
    return [*_changes(detail), *_rest(detail)]


def _changes(detail: Mapping[str, Any]) -> Iterator[Line]:
    changes = detail.get("changes")
    for name, pair in changes.items() if isinstance(changes, dict) else ():
        if _SECRET.search(name):
            yield Line(_label(name), "changed; never shown")
        elif isinstance(pair, list) and len(pair) == 2:
            yield Line(_label(name), _short(pair[1]), _short(pair[0]))


def _rest(detail: Mapping[str, Any]) -> Iterator[Line]:
    for name, value in detail.items():
        if name == "changes" or value in (None, ""):
            continue
        words = _USES.get(str(value)) if name == "use" else None
        yield Line(_label(name), "not shown" if _is_secret(name, value) else words or _short(value))


def _is_secret(name: str, value: Any) -> bool:
    """Whether a value may be a secret by its name. `key` of a use says which one was used: it is none."""
    which = name == "key" and (value in get_args(Which) or vault.is_reference(str(value)))
    return bool(_SECRET.search(name)) and not which


def _label(name: str) -> str:
    return LABELS.get(name) or display.label_of(name)


def _short(value: Any) -> str:
    text = display.as_text(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
