"""Databases of one PostgreSQL server, each emptied after its test and lent to the next.

To make one from a template takes a tenth of a second and more of the server's time, to empty one a hundredth.
One whose tables a test has changed is not lent again.
"""

from __future__ import annotations

from itertools import count
from typing import LiteralString

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
            self._tables = [
                name for (name,) in connection.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
                )
            ]  # fmt: skip
            self._sequences = [
                name for (name,) in connection.execute("SELECT sequencename FROM pg_sequences")
            ]
            # What the migrations put in stays beside, for whoever empties the tables.
            self._filled = [name for name in self._tables if _has_rows(connection, name)]
            connection.execute("CREATE SCHEMA kept")
            for name in self._filled:
                connection.execute(
                    sql.SQL("CREATE TABLE kept.{0} AS TABLE public.{0}").format(sql.Identifier(name))
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
            connection.execute("SET LOCAL session_replication_role = replica")  # in any order
            for table in self._tables:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            for table in self._filled:
                connection.execute(
                    sql.SQL("INSERT INTO public.{0} SELECT * FROM kept.{0}").format(sql.Identifier(table))
                )
            for sequence in self._sequences:
                connection.execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sql.Identifier(sequence)))
        return True


def _has_rows(connection: psycopg.Connection[tuple[object, ...]], table: str) -> bool:
    return (
        connection.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table))).fetchone() is not None
    )


def _named(server: str, name: str) -> str:
    return make_url(server).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
