"""How the program talks to its database: engine options, transactions on SQLite, what its errors mean."""

from __future__ import annotations

import logging
import select
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from flask_migrate import Migrate
from sqlalchemy import Engine, Executable, Row, event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError, SQLAlchemyError

from app.config import Settings
from app.operator_error import OperatorError
from app.store.base import db

MIGRATIONS = Path(__file__).parent / "migrations"
migrate = Migrate(directory=str(MIGRATIONS), render_as_batch=True, compare_type=True)
log = logging.getLogger("muster.database")
_WAIT_MS = 30_000
_READS = ("select", "pragma", "explain", "values")
POSTGRES_OPTIONS: Mapping[str, Any] = {
    "connect_timeout": 10,
    # A prepared statement stays on one connection of the server. A pooler in transaction mode, such as
    # pgbouncer, gives each transaction another one, where it is unknown or means something else.
    "prepare_threshold": None,
    # A server that is gone without a word (power, network) is noticed within a minute, not within hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""What every connection to PostgreSQL is opened with; seconds, but the last in milliseconds."""
_SQLITE_IS_OUT_OF_REACH = ("SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")


class DatabaseError(OperatorError):
    """The database can't be used; the text is one sentence for the operator."""


def engine_options(url: str) -> dict[str, Any]:
    """Pool and driver options. Parameters are never shown in errors: a key may be among them."""
    options: dict[str, Any] = {"hide_parameters": True, "pool_size": 20, "max_overflow": 10}
    if make_url(url).get_backend_name() == "sqlite":
        return options | {"connect_args": {"timeout": _WAIT_MS / 1000, "check_same_thread": False}}
    return options | {"connect_args": dict(POSTGRES_OPTIONS)}


def configuration(chosen: Settings) -> dict[str, Any]:
    """What an application is configured with, so that it has the settings and their database."""
    return {
        "MUSTER": chosen,
        "SQLALCHEMY_DATABASE_URI": chosen.database,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(chosen.database),
    }


def init_app(app: Flask) -> None:
    """Bind database and migrations to the application."""
    db.init_app(app)
    migrate.init_app(app, db)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _teach_sqlite(db.engine)
        else:
            event.listen(db.engine, "checkout", _refuse_closed)


def _refuse_closed(connection: psycopg.Connection[Any], _record: Any, _proxy: Any) -> None:
    """Have the pool replace a connection that its server has closed, as one that was restarted has.

    Nothing is to be read from an idle connection but that end. SQLAlchemy's `pool_pre_ping` sends a query
    instead, which took as long as reading a model; a server that is gone without a word keeps both waiting.
    """
    idle = select.poll()
    idle.register(connection.fileno(), select.POLLIN)
    if idle.poll(0):
        raise DisconnectionError("the server closed the connection")


def let_go() -> None:
    """Close the idle connections."""
    db.engine.dispose()


def row_of(statement: Executable, values: dict[str, Any]) -> Row[Any] | None:
    """The first row of a select, read outside of the session and of any transaction.

    So no connection is held while a slow caller sends its body, and PostgreSQL is asked once and not three
    times. SQLite reads outside of transactions anyhow.
    """
    with db.engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            connection.execution_options(isolation_level="AUTOCOMMIT")
        return connection.execute(statement, values).first()


def write_without_waiting_for_the_disk() -> None:
    """Have commits of this process not wait until the disk has them.

    For who writes often what may be lost with the machine's power, as looks may: they are made again. The
    database stays whole all the same, and a commit of another process takes what came before it along.
    """
    if db.engine.dialect.name == "sqlite":
        db.engine.dispose()
        event.listen(db.engine, "connect", _on_connect_of_a_watcher)
    else:
        event.listen(db.engine, "begin", _on_begin_of_a_watcher)


def _on_connect_of_a_watcher(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")


def _on_begin_of_a_watcher(connection: Connection) -> None:
    # For this transaction alone: behind a pooler, a setting of the session would go on to somebody else.
    connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")


def write_if_free(statement: Executable) -> bool:
    """Write what may be lost, in a transaction of its own; whether it was written.

    It waits for nobody who holds a lock, and never fails: where nothing can be written, nothing is.
    """
    try:
        with waiting_at_most(0.02) as connection:
            connection.execute(statement)
            connection.commit()
    except SQLAlchemyError as error:
        log.debug("not noted: %s", type(error).__name__)
        return False
    return True


def can_write(wait_s: float) -> bool:
    """Whether something can be written and committed, after waiting so long at most for who holds a lock."""
    try:
        with waiting_at_most(wait_s) as connection:
            # Alembic's own row, which every database has, with the value that it has.
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
            connection.commit()
    except SQLAlchemyError as error:
        log.error("nothing can be written: %s", type(error).__name__)
        return False
    return True


@contextmanager
def waiting_at_most(seconds: float) -> Iterator[Connection]:
    """A connection on which a lock that others hold is an error after this time; nothing is committed."""
    wait_ms = int(seconds * 1000)
    with db.engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{wait_ms}ms'")
            yield connection
            return
        connection.exec_driver_sql(f"PRAGMA busy_timeout={wait_ms}")
        try:
            yield connection
        finally:
            connection.rollback()
            connection.exec_driver_sql(f"PRAGMA busy_timeout={_WAIT_MS}")


FAULTS = (SQLAlchemyError, psycopg.Error)
"""What a statement may end with: the driver's own errors come through where no statement was the cause."""


def is_out_of_reach(error: BaseException) -> bool:
    """Whether this error says that the database is gone, locked or full: later the same may work."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, psycopg.OperationalError)
    if isinstance(error.orig, sqlite3.Error):
        # To SQLite a table that is not there is an operational error too.
        return getattr(error.orig, "sqlite_errorname", "").startswith(_SQLITE_IS_OUT_OF_REACH)
    return error.connection_invalidated or isinstance(error, OperationalError)


def unusable(error: Exception) -> str:
    """What is wrong with the database, and which setting points to it."""
    if db.engine.dialect.name == "sqlite":
        file = db.engine.url.database
        advice = (
            f"Check that {file} can be written: MUSTER_INSTANCE, or MUSTER_DATABASE_URL, says where it is."
        )
    else:
        advice = "Check MUSTER_DATABASE_URL and that it runs."
    return f"The database can't be used ({_first_line(error)}). {advice}"


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]


def _teach_sqlite(engine: Engine) -> None:
    """Readers never wait, writers queue up.

    Python's own implicit BEGIN would start deferred transactions, and a deferred one that reads before it
    writes fails at once with "database is locked" when another process wrote in between. Here reads run
    outside of transactions, and the first write starts one with BEGIN IMMEDIATE, which waits its turn. That
    is what READ COMMITTED is on PostgreSQL, so both databases behave alike.
    """
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "before_cursor_execute", _on_execute)


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", f"busy_timeout={_WAIT_MS}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_execute(
    connection: Connection, cursor: sqlite3.Cursor, statement: str, _values: Any, _context: Any, _many: bool
) -> None:
    reads = statement.lstrip("( \n\t").lower().startswith(_READS)
    if not reads and not cursor.connection.in_transaction:
        cursor.execute("BEGIN IMMEDIATE")
