"""Requests a minute, counted in the database for all web processes and machines. PostgreSQL only.

A write for each request would cost more than a short answer, so a process is granted a sixtieth of the limit
at a time. What it does not use within the minute is lost to the others.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import case, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from app.store.accounts import RateCount
from app.store.base import db

_PARTS = 60


def granted(who: str, minute: int, limit: int) -> int:
    """How many of the `limit` requests of this minute the process at hand may let in now; 0: none is left.

    In a transaction of its own. Where the database can't be asked it is 1: a count keeps nobody out of a
    Muster that can't count.
    """
    part = max(1, limit // _PARTS)
    before = case((RateCount.minute == minute, RateCount.count), else_=0)
    row = insert(RateCount).values(who=hashlib.sha256(who.encode()).hexdigest(), minute=minute, count=part)
    upsert = row.on_conflict_do_update(
        index_elements=["who"], set_={"minute": minute, "count": before + part}
    )
    try:
        with db.engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '500ms'"))
            count: int = connection.execute(upsert.returning(RateCount.count)).scalar_one()
    except SQLAlchemyError:
        return 1
    return max(0, min(part, limit - (count - part)))
