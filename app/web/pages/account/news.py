"""What happened to a person's account, from the audit log, until they say that they have read it.

Muster sends people no mail, so the next sign-in tells them that their password was reset, their second factor
removed, a token made in their name, or that somebody signed in with a browser that was never seen before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, request, session, url_for
from flask_login import current_user
from sqlalchemy import or_, select
from werkzeug.wrappers import Response

from app.access.actors import user_actor
from app.store.accounts import User
from app.store.audit_events import AuditEvent
from app.store.base import db, now
from app.web.guards import require_role
from app.web.pages.audit import oldest_id
from app.web.pages.display import browser_words

blueprint = Blueprint("account_news", __name__, url_prefix="/account/news")

SPAN = timedelta(days=90)
_MOST = 500
_SHOWN = 20


def _role(event: AuditEvent) -> str:
    old, new = (event.detail.get("changes") or {}).get("role") or ("", "")
    return f"Your role was changed from {old} to {new}." if new else "Your address was changed."


def _signed_in(event: AuditEvent) -> str:
    browser, address = browser_words(event.detail.get("browser", "")), event.detail.get("address")
    return f"Somebody signed in as you with a browser that was not seen before: {browser}, at {address}."


_ABOUT: dict[str, Callable[[AuditEvent], str]] = {
    "user.password_reset": lambda event: "Your password was reset.",
    "user.password_changed": lambda event: "Your password was changed.",
    "user.second_factor_set_up": lambda event: "A second factor was set up.",
    "user.second_factor_removed": lambda event: "Your second factor was removed.",
    "user.left_to_provider": lambda event: "Your password was taken away: you sign in through the provider.",
    "user.changed": _role,
    "user.deactivated": lambda event: "You were shut out.",
    "user.activated": lambda event: "You were let in again.",
    "user.session_ended": lambda event: "A browser of yours was signed out.",
}
"""What is done to a person, who is the event's subject."""
_BY: dict[str, Callable[[AuditEvent], str]] = {
    "token.created": lambda event: f"A token was made in your name: {event.subject}.",
    "user.signed_in": _signed_in,
}
"""What is done in a person's name."""


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened: `by` is the actor's label, "" for the person's own doing."""

    id: str
    at: datetime
    text: str
    by: str
    is_new: bool


def news_of(user: User) -> list[News]:
    """The newest of the last 90 days, newest first; one that was not read yet `is_new`."""
    read, mine = user.news_read or oldest_id(user.created), user_actor(user).label
    return [
        News(
            event.id,
            event.at,
            (_ABOUT | _BY)[event.action](event),
            "" if event.actor == mine else event.actor,
            event.id > read,
        )
        for event in _without_known_browsers(_events(user, mine))
        if event.action != "user.session_ended" or event.actor != mine
    ][:_SHOWN]


def unread() -> bool:
    """Whether the pages of this session tell of news: asked from a sign-in on, until all is read."""
    if "news" not in session or not current_user.is_authenticated:
        return False
    found = any(one.is_new for one in news_of(current_user))
    if not found:
        session.pop("news")
    return found


@blueprint.post("/read")
@require_role("viewer")
def read() -> Response:
    """Note that the person has read the news up to one that they were shown."""
    user = db.session.get_one(User, current_user.id)
    shown = {one.id for one in news_of(user)}
    until = request.form.get("until", "")
    if until in shown and until > (user.news_read or ""):
        user.news_read = until
        db.session.commit()
        flash("Noted. What happened to your account stays on this page for 90 days.", "ok")
    return redirect(url_for("account.index"), 303)


def _events(user: User, mine: str) -> Sequence[AuditEvent]:
    about = AuditEvent.action.in_(_ABOUT) & (AuditEvent.subject == user.email)
    by = AuditEvent.action.in_(_BY) & (AuditEvent.actor == mine)
    recent = AuditEvent.id >= max(oldest_id(now() - SPAN), oldest_id(user.created))
    query = select(AuditEvent).where(recent, or_(about, by)).order_by(AuditEvent.id.desc()).limit(_MOST)
    return db.session.scalars(query).all()


def _without_known_browsers(events: Sequence[AuditEvent]) -> list[AuditEvent]:
    """The events, newest first, but for sign-ins with a browser that signed in before, and the first one."""
    seen: set[str] = set()
    left: list[AuditEvent] = []
    for event in reversed(events):
        if event.action != "user.signed_in":
            left.append(event)
            continue
        if not event.detail.get("browser"):
            continue
        browser = browser_words(event.detail["browser"])
        if seen and browser not in seen:
            left.append(event)
        seen.add(browser)
    return left[::-1]


# A global and not a context processor: only a page that asks for it looks into the log.
blueprint.add_app_template_global(unread, "account_has_news")
