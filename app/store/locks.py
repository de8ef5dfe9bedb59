"""Locks over every process and machine that uses one database."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select, update

from app.store.base import db
from app.store.models import Revision


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Wait until nobody else is in a block of this name, then be alone in it. A process that dies lets go.

    PostgreSQL holds the lock for a transaction of its own, which a pool of connections in between keeps on
    one connection (a lock of the session would be left behind there). SQLite's file has a file beside it.
    """
    if db.engine.dialect.name == "sqlite":
        with open(_beside_the_database(name), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    with db.engine.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(_number(name))))
        yield


def keep_out(name: str) -> None:
    """Let nobody into a block of this name (`exclusive`) before the session's transaction ends.

    Many may hold this at once. SQLite has one writer at a time anyway, so there the right to write is taken:
    whoever is in the block and writes has to wait for it.
    """
    if db.engine.dialect.name == "sqlite":
        take_the_pen()
    else:
        db.session.execute(select(func.pg_advisory_xact_lock_shared(_number(name))))


def take_the_pen() -> None:
    """On SQLite: be the one writer from now on, before anything is read; elsewhere nothing."""
    if db.engine.dialect.name == "sqlite":
        db.session.execute(update(Revision).where(Revision.id == 1).values(value=Revision.value))


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"muster {name}".encode()).digest()[:8], signed=True)


def _beside_the_database(name: str) -> Path:
    file = Path(db.engine.url.database or "muster.sqlite")
    return file.with_name(f"{file.name}-{name}.lock")
