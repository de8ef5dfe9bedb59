"""One row by one statement, for what every request asks: no session, no ORM, no transaction to begin and end.

The ORM costs more than the rest of a request that only reads one row (make bench shows both).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Protocol

import psycopg
from flask import Flask, current_app
from psycopg import pq
from psycopg.adapt import Transformer
from sqlalchemy import Engine, Select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from app.database import QUICK
from app.models import db

_NAME = "muster_quick"

FAILURES = (SQLAlchemyError, sqlite3.Error, psycopg.Error)
"""What `Reader.row` raises where the database can't be read."""

Statement = Select[*tuple[Any, ...]]
Values = Mapping[str, Any]
Row = tuple[Any, ...]


class Reader(Protocol):
    """Reads rows from a database, whatever application is current."""

    def row(self, statement: Statement, values: Values) -> Row | None:
        """The first row of a statement that was made once, at the top of a module, with `bindparam`s.

        Columns come as the driver gives them: JSON and times of SQLite are text.
        """


class SqliteReader:
    """Of SQLite, where reads begin no transaction (app/database.py)."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._texts = engine, _Texts(sqlite.dialect(paramstyle="named"))

    def row(self, statement: Statement, values: Values) -> Row | None:
        """`Reader.row`."""
        text, _ = self._texts[statement]
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(text, values)
            found: Row | None = cursor.fetchone()
            cursor.close()
            return found
        finally:
            connection.close()


class PostgresReader:
    """Of PostgreSQL, over an engine that begins no transactions.

    It sends prepared statements by libpq itself. A cursor lets go of Python's global lock five times where
    this does once, and under load each time is a wait for all the other threads.
    """

    def __init__(self, engine: Engine) -> None:
        dialect: Any = postgresql.dialect
        self._engine, self._texts = engine, _Texts(dialect(paramstyle="numeric_dollar"))

    def row(self, statement: Statement, values: Values) -> Row | None:
        """`Reader.row`."""
        try:
            return self._row(statement, values)
        except psycopg.OperationalError:
            # The server has closed connections that nobody used, say by a restart: others, then.
            self._engine.dispose()
            return self._row(statement, values)

    def _row(self, statement: Statement, values: Values) -> Row | None:
        text, names = self._texts[statement]
        connection = self._engine.raw_connection()
        try:
            prepared = _prepared(connection, text)
            sent = [str(values[name]).encode() for name in names]
            driver = _driver(connection)
            result = _whole(
                driver, driver.pgconn.exec_prepared(prepared, sent, result_format=pq.Format.BINARY)
            )
            if result.ntuples == 0:
                return None
            loading = Transformer(driver)
            loading.set_pgresult(result)
            return loading.load_row(0, tuple)
        except psycopg.Error:
            connection.invalidate()
            raise
        finally:
            connection.close()


class _Texts(dict[Statement, tuple[str, tuple[str, ...]]]):
    """Each statement as text, and the names of its parameters in their order."""

    def __init__(self, dialect: Any) -> None:
        self._dialect = dialect

    def __missing__(self, statement: Statement) -> tuple[str, tuple[str, ...]]:
        compiled: Any = statement.compile(dialect=self._dialect)
        self[statement] = made = (str(compiled), tuple(compiled.positiontup or ()))
        return made


def _prepared(connection: PoolProxiedConnection, text: str) -> bytes:
    """The name under which this connection has the statement."""
    names: dict[str, bytes] = connection.info
    name = names.get(text)
    if name is None:
        name = b"quick_%d" % len(names)
        driver = _driver(connection)
        _whole(driver, driver.pgconn.prepare(name, text.encode()))
        names[text] = name
    return name


def _driver(connection: PoolProxiedConnection) -> psycopg.Connection[Any]:
    driver: Any = connection.driver_connection
    return driver  # type: ignore[no-any-return]


def _whole(driver: psycopg.Connection[Any], result: Any) -> Any:
    if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        raise psycopg.errors.error_from_result(result, encoding=driver.info.encoding)
    return result


def init_app(app: Flask) -> None:
    """Give the application its reader."""
    with app.app_context():
        engine = db.engines[QUICK]
        kind = SqliteReader if engine.dialect.name == "sqlite" else PostgresReader
        app.extensions[_NAME] = kind(engine)


def of(app: Flask) -> Reader:
    """The reader of an application."""
    reader: Reader = app.extensions[_NAME]
    return reader


def row(statement: Statement, values: Values) -> Row | None:
    """`Reader.row` of the application that is current."""
    return of(current_app).row(statement, values)
