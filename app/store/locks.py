"""Locks over every process and machine that uses one database."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from app.store.base import db


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
    key = int.from_bytes(hashlib.sha256(f"muster {name}".encode()).digest()[:8], signed=True)
    with db.engine.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(key)))
        yield


def _beside_the_database(name: str) -> Path:
    file = Path(db.engine.url.database or "muster.sqlite")
    return file.with_name(f"{file.name}-{name}.lock")
