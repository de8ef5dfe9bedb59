"""Who is asking, and whether they may: people with roles, programs with tokens and scopes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, select, update

from app.access.actors import SCOPES, AccessError
from app.store.accounts import Token
from app.store.base import db, now

TOKEN_PREFIX = "mst_"
_USE_NOTED_EVERY = timedelta(minutes=1)
TOKEN = select(Token.id, Token.name, Token.scopes, Token.last_used).where(
    Token.digest == bindparam("digest"), Token.revoked.is_(None)
)


def refusals_of(address: str | None) -> str:
    """The name that an address's refused tokens are counted under: each guess is another token."""
    return f"refused:{address}"


# --- programs: tokens -----------------------------------------------------------------------------------


def create_token(name: str, scopes: Sequence[str], created_by: str) -> tuple[Token, str]:
    """A new token, added to the transaction at hand, and its text, which is never shown again.

    AccessError names a scope that does not exist, or a name that can't be taken.
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
    )
    db.session.add(token)
    return token, text


def granted(scopes: Sequence[str]) -> frozenset[str]:
    return frozenset().union(*(SCOPES[scope] for scope in scopes if scope in SCOPES))


def note_use(id: str, last_used: datetime | None) -> None:
    """Remember the use at most once a minute, in a statement of its own, so that reading stays reading."""
    moment = now()
    if last_used is not None and moment - last_used < _USE_NOTED_EVERY:
        return
    stale = or_(Token.last_used.is_(None), Token.last_used < moment - _USE_NOTED_EVERY)
    with db.engine.begin() as connection:
        connection.execute(update(Token).where(Token.id == id, stale).values(last_used=moment))


def digest_of(text: str) -> str:
    """The hash that a token is known by."""
    # A token is 256 random bits, so a plain hash is enough; the surrogates of odd headers must not raise.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
