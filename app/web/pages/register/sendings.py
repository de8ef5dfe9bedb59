"""A form that was sent twice, by a double click or a reload, told from a second form for the same model.

Each form that is shown has a nonce; its first sending is kept for a day in the table of repeated calls. A
further one is a repetition only if everything in it is the same: another key, name or price is meant.
"""

from __future__ import annotations

import hashlib
import hmac

from flask import current_app
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from app.store.base import db, new_id, now
from app.store.leases import IdempotentAnswer as Sending

_OURS = "form "
_LONGEST = 64


def is_repeated(sent: MultiDict[str, str], user_id: str) -> bool:
    """Whether this person has sent this very form before; it counts as sent now. Commits."""
    nonce = sent.get("nonce", "")
    if not 0 < len(nonce) <= _LONGEST:
        return False
    row = {"id": new_id(), "caller": user_id, "key": _OURS + nonce, "request": _fingerprint(sent)}
    try:
        with db.engine.begin() as connection:
            connection.execute(insert(Sending).values(**row, created=now(), leased=now()))
    except IntegrityError:
        with db.engine.connect() as connection:
            mine = (Sending.caller == user_id) & (Sending.key == row["key"])
            first = connection.execute(select(Sending.request).where(mine)).scalar()
        return hmac.compare_digest(first or "", row["request"])
    return False


def _fingerprint(sent: MultiDict[str, str]) -> str:
    """A keyed hash: what was typed may hold an API key, which nobody should guess from it."""
    told = repr(sorted((name, value) for name, value in sent.items(multi=True) if name != "csrf_token"))
    return hmac.new(str(current_app.secret_key).encode(), told.encode(), hashlib.sha256).hexdigest()
