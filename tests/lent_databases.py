"""Databases of one PostgreSQL server, each emptied after its test and lent to the next.

To make one from a template takes a tenth of a second and more of the server's time, to empty one a hundredth.
One whose tables a test has changed is not lent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

TEMPLATE = "template"
_SHAPE: LiteralString = """
    SELECT md5(string_agg(line, ',' ORDER BY line)) FROM (
      SELECT concat_ws(' ', c.relname, c.relkind, c.relpersistence, attname, atttypid, attnotnull) AS line
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
       WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
      UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname) FROM pg_constraint
       WHERE connamespace = 'public'::regnamespace
      UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal
      UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      UNION ALL SELECT concat_ws(' ', setconfig) FROM pg_db_role_setting s
        JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database()
    ) AS lines
"""
_OTHERS: LiteralString = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class LentDatabases:
    """The databases of a server whose `template` is migrated and empty."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._numbers = count(1)
        self._free: list[str] = []
        with psycopg.connect(_named(server, TEMPLATE), autocommit=True) as connection:
            self._shape = connection.execute(_SHAPE).fetchone()
            tables = _names(
                connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            )
            # What the migrations put in stays beside, for whoever empties the tables.
            filled = [name for name in tables if _has_rows(connection, name)]
            connection.execute("CREATE SCHEMA kept")
            for copying in _each("CREATE TABLE kept.{0} AS TABLE public.{0}", filled):
                connection.execute(copying)
            sequences = _names(connection, "SELECT sequencename FROM pg_sequences")
        self._emptying = sql.SQL(";").join(
            (
                sql.SQL("SET LOCAL session_replication_role = replica"),  # so that any order will do
                *_each("DELETE FROM {0}", tables),
                *_each("INSERT INTO public.{0} SELECT * FROM kept.{0}", filled),
                *_each("ALTER SEQUENCE {0} RESTART", sequences),
            )
        )

    def lend(self) -> str:
        """The name of a database that is as the template."""
        if self._free:
            return self._free.pop()
        name = f"lent_{next(self._numbers)}"
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(TEMPLATE)
                )
            )
        return name

    def take_back(self, name: str) -> None:
        """Empty a database that was lent, or drop it where it is no longer made as the template is."""
        if self._emptied(name):
            self._free.append(name)
            return
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _emptied(self, name: str) -> bool:
        with psycopg.connect(_named(self._server, name)) as connection:
            connection.execute(_OTHERS)
            if connection.execute(_SHAPE).fetchone() != self._shape:
                return False
            connection.execute(self._emptying)
        return True


def _names(connection: psycopg.Connection[tuple[Any, ...]], query: LiteralString) -> list[str]:
    return [name for (name,) in connection.execute(query)]


def _each(statement: LiteralString, names: Sequence[str]) -> Iterator[sql.Composed]:
    return (sql.SQL(statement).format(sql.Identifier(name)) for name in names)


def _has_rows(connection: psycopg.Connection[tuple[object, ...]], table: str) -> bool:
    return (
        connection.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table))).fetchone() is not None
    )


def _named(server: str, name: str) -> str:
    return make_url(server).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
