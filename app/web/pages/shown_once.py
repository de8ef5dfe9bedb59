"""A secret that is shown on exactly one page: the one that the browser is sent to after it was created.

It waits in the database, encrypted with a key that only the browser's cookie holds: neither of the two is
worth anything alone. Showing it deletes the row, so that no copy of the cookie and no second look shows it
again.
"""

from __future__ import annotations

from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken
from flask import session
from sqlalchemy import delete

from app.store.accounts import ShownOnce
from app.store.base import db, new_id, now
from app.web.guards import current_actor

_PLACE = "shown_once"
_KEPT = timedelta(minutes=15)


def keep(text: str, of: str) -> None:
    """Keep a secret for the next page that takes the one of `of` (an id). Commits."""
    key, id = Fernet.generate_key(), new_id()
    db.session.execute(delete(ShownOnce).where(ShownOnce.expires <= now()))
    sealed = Fernet(key).encrypt(text.encode())
    db.session.add(ShownOnce(id=id, user_id=current_actor().id, ciphertext=sealed, expires=now() + _KEPT))
    db.session.commit()
    session[_PLACE] = [of, id, key.decode()]


def take(of: str) -> str:
    """The secret that was kept for `of`, this once; "" where there is none. Commits where there is."""
    kept = session.get(_PLACE)
    if not isinstance(kept, list) or len(kept) != 3 or kept[0] != of:
        return ""
    _, id, key = session.pop(_PLACE)
    mine = (ShownOnce.id == id) & (ShownOnce.user_id == current_actor().id) & (ShownOnce.expires > now())
    row = db.session.execute(delete(ShownOnce).where(mine).returning(ShownOnce.ciphertext)).first()
    db.session.commit()
    try:
        return Fernet(key).decrypt(row.ciphertext).decode() if row is not None else ""
    except (InvalidToken, ValueError):
        return ""
