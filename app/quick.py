"""One row by one statement, for what every request asks: no session, no ORM, no transaction to begin and end.

The ORM costs more than the rest of a request that only reads one row (make bench shows both).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import PoolProxiedConnection

from app.models import db


def row(statement: Select[*tuple[Any, ...]], values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The first row of a statement that was made once, at the top of a module, with `bindparam`s.

    Columns come as the driver gives them: JSON and times of SQLite are text.
    """
    engine = db.engine
    text = _text(statement, engine.dialect.name)
    connection = engine.raw_connection()
    try:
        with _without_transaction(connection, engine.dialect.name):
            cursor = connection.cursor()
            cursor.execute(text, values)
            found: tuple[Any, ...] | None = cursor.fetchone()
            cursor.close()
            return found
    except engine.dialect.loaded_dbapi.Error:
        connection.invalidate()
        raise
    finally:
        connection.close()


@contextmanager
def _without_transaction(connection: PoolProxiedConnection, dialect: str) -> Iterator[None]:
    """On SQLite reads run outside of transactions already; on PostgreSQL this saves two round trips."""
    if dialect == "sqlite":
        yield
        return
    driver: Any = connection.driver_connection
    driver.autocommit = True
    try:
        yield
    finally:
        if not driver.closed:
            driver.autocommit = False


@lru_cache
def _text(statement: Select[*tuple[Any, ...]], dialect: str) -> str:
    chosen = sqlite.dialect(paramstyle="named") if dialect == "sqlite" else db.engine.dialect
    return str(statement.compile(dialect=chosen))
