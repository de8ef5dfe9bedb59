"""The browsers that people are signed in with: one row each, so that any of them can be ended at any time.

A session holds for MUSTER_SESSION_HOURS at most, and ends where it was not used for
MUSTER_SESSION_IDLE_HOURS. What its person may do is asked anew with each request, so another role holds at
once; a new password, being shut out and being deleted end every session of theirs.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, select, update

from app.config import settings
from app.store import database
from app.store.accounts import BrowserSession, User
from app.store.base import db, now

_SEEN_NOTED_EVERY = timedelta(minutes=1)
SHOWN = 100
"""How many sessions of one person a page lists at most."""


def begin(user: User, address: str | None, browser: str, provider_session: str | None = None) -> str:
    """A new session, added to the transaction at hand; gives the secret that the browser's cookie holds.

    `provider_session` is what the provider calls its session that this one comes from.
    """
    db.session.execute(delete(BrowserSession).where(_is_over(now())))
    secret = secrets.token_urlsafe(32)
    row = BrowserSession(user_id=user.id, digest=digest_of(secret), address=(address or "")[:64])
    row.provider_session = provider_session
    row.browser = "".join(letter for letter in browser if letter.isprintable())[:200]
    db.session.add(row)
    return secret


def find(secret: str, *, used: bool = True) -> tuple[BrowserSession, User] | None:
    """The session with this secret and its person, if it holds and they are let in.

    Notes that it is used, unless a page asks by itself, with nobody doing anything.
    """
    moment = now()
    query = select(BrowserSession, User).join(User, User.id == BrowserSession.user_id)
    holds = (BrowserSession.digest == digest_of(secret)) & ~_is_over(moment) & User.active
    found = db.session.execute(query.where(holds)).first()
    if found is None:
        return None
    row, user = found
    if used:
        _note_seen(row, moment)
    return row, user


def of(user_id: str) -> list[BrowserSession]:
    """The sessions of a person that hold, the one used last first."""
    mine = (BrowserSession.user_id == user_id) & ~_is_over(now())
    query = select(BrowserSession).where(mine).order_by(BrowserSession.seen.desc()).limit(SHOWN)
    return list(db.session.scalars(query))


def end(id: str, user_id: str) -> bool:
    """End one session of a person, in the transaction at hand; whether it was there."""
    mine = (BrowserSession.id == id) & (BrowserSession.user_id == user_id)
    return (
        db.session.execute(delete(BrowserSession).where(mine).returning(BrowserSession.id)).first()
        is not None
    )


def end_all(user_id: str, but: str = "") -> int:
    """End every session of a person, in the transaction at hand; `but` is the id of one that stays."""
    mine = (BrowserSession.user_id == user_id) & (BrowserSession.id != but)
    return len(db.session.scalars(delete(BrowserSession).where(mine).returning(BrowserSession.id)).all())


def end_of_provider(provider_session: str, user_ids: Select[str]) -> int:
    """End what began from one session at the provider, of these people, in the transaction at hand."""
    its = (BrowserSession.provider_session == provider_session) & BrowserSession.user_id.in_(user_ids)
    return len(db.session.scalars(delete(BrowserSession).where(its).returning(BrowserSession.id)).all())


def digest_of(secret: str) -> str:
    """The hash that a session is known by: its secret is 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _is_over(moment: datetime) -> ColumnElement[bool]:
    chosen = settings()
    too_old = BrowserSession.created < moment - timedelta(hours=chosen.session_hours)
    return too_old | (BrowserSession.seen < moment - timedelta(hours=chosen.session_idle_hours))


def _note_seen(row: BrowserSession, moment: datetime) -> None:
    """Remember the use at most once a minute; looking at a page never waits for it and never fails by it."""
    if moment - row.seen >= _SEEN_NOTED_EVERY:
        newer = (BrowserSession.id == row.id) & (BrowserSession.seen < moment)
        database.write_if_free(update(BrowserSession).where(newer).values(seen=moment))
