"""Programs and what they may: tokens with scopes, each belonging to who made it."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import bindparam, or_, select, update

from app.access.actors import MOST_OF_ROLE, SCOPES, AccessError, Actor
from app.store import database
from app.store.accounts import Token, User
from app.store.base import db, now

TOKEN_PREFIX = "mst_"
_USE_NOTED_EVERY = timedelta(minutes=1)
_KNOWN = (
    select(
        Token.id, Token.name, Token.scopes, Token.last_used, Token.expires, Token.revoked,
        Token.user_id, User.role, User.active,
    )
    .outerjoin(User, User.id == Token.user_id)
    .where(Token.digest == bindparam("digest"))
)  # fmt: skip
TokenState = Literal["valid", "revoked", "expired", "suspended"]
"""`suspended`: its maker is shut out."""

_SPANS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that somebody sent: who acts by it, and why it does not hold ("" where it does)."""

    actor: Actor
    last_used: datetime | None
    wrong: str


def find(text: str) -> KnownToken | None:
    """The token with this text, also one that does not hold any more; None where there never was one."""
    row = database.row_of(_KNOWN, {"digest": digest_of(text)})
    if row is None:
        return None
    actor = Actor("token", row.name, granted(row.scopes, row.role if row.user_id else None), row.id)
    return KnownToken(actor, row.last_used, _wrong(row.revoked, row.expires, not row.user_id or row.active))


def _wrong(revoked: datetime | None, expires: datetime | None, maker_let_in: bool) -> str:
    if revoked is not None:
        return "This token was revoked."
    if expires is not None and expires <= now():
        return "This token has expired."
    return "" if maker_let_in else "The person who made this token is shut out, and their tokens with them."


# --- programs: tokens -----------------------------------------------------------------------------------


def create_token(
    name: str,
    scopes: Sequence[str],
    created_by: str,
    *,
    user_id: str | None = None,
    expires: datetime | None = None,
) -> tuple[Token, str]:
    """A new token, added to the transaction at hand, and its text, which is never shown again.

    `user_id` is the person whom it belongs to, None for the operator at the command line. AccessError names
    a scope that does not exist, or a name that can't be taken.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise AccessError(f"Scopes are {', '.join(SCOPES)}; {', '.join(unknown) or 'none'} was given.")
    if not 1 <= len(name.strip()) <= 128:
        raise AccessError("A token needs a name of 1 to 128 characters.")
    if not name.isprintable():
        raise AccessError("The name of a token can't hold line breaks, control or invisible characters.")
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = Token(
        name=name.strip(),
        shown=text[:10],
        digest=digest_of(text),
        scopes=sorted(set(scopes)),
        created_by=created_by,
        user_id=user_id,
        expires=expires,
    )
    db.session.add(token)
    return token, text


def granted(scopes: Sequence[str], role: str | None) -> frozenset[str]:
    """What scopes let a token do, kept to what its maker's role allows now; None is the operator's."""
    given = frozenset[str]().union(*(SCOPES[scope] for scope in scopes if scope in SCOPES))
    return given if role is None else given & MOST_OF_ROLE.get(role, frozenset())


def state_of(token: Token, maker_let_in: bool) -> TokenState:
    """Whether a token holds, or why not."""
    if token.revoked is not None:
        return "revoked"
    if token.expires is not None and token.expires <= now():
        return "expired"
    return "valid" if maker_let_in else "suspended"


def told_of(token: Token) -> dict[str, Any]:
    """What the audit log tells of a new token."""
    told: dict[str, Any] = {"scopes": token.scopes}
    return told | ({"expires": token.expires.isoformat()} if token.expires is not None else {})


def expiry_of(span: str) -> datetime:
    """The moment after a span such as `12h`, `90d` or `4w`; AccessError where it is none that can be."""
    found = re.fullmatch(r"([1-9]\d{0,4})([hdw])", span.strip().lower())
    length = int(found[1]) * _SPANS[found[2]] if found else timedelta()
    if not timedelta() < length <= timedelta(days=3660):
        raise AccessError(f"{span!r} is no span of time. Say hours, days or weeks, such as 12h, 90d or 4w.")
    return now() + length


def note_use(id: str, last_used: datetime | None) -> None:
    """Remember the use at most once a minute; reading never waits for it and never fails by it."""
    moment = now()
    if last_used is not None and moment - last_used < _USE_NOTED_EVERY:
        return
    stale = or_(Token.last_used.is_(None), Token.last_used < moment - _USE_NOTED_EVERY)
    database.write_if_free(update(Token).where(Token.id == id, stale).values(last_used=moment))


def digest_of(text: str) -> str:
    """The hash that a token is known by."""
    # A token is 256 random bits, so a plain hash is enough; the surrogates of odd headers must not raise.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
