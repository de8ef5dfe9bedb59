"""Alembic's entry: runs migrations on the database of the current application, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from sqlalchemy.engine import Connection

from app.store.base import UTCDateTime, db
from app.store.migrations import schema_floor


def _render(kind: str, thing: Any, _context: Any) -> str | Literal[False]:
    """Migrations stand alone: they name the database's types, not the program's."""
    if kind == "type" and isinstance(thing, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _note_floor(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
    """After each step up: older programs are kept away unless the migration says that they still work."""
    script = step.up_revision
    if step.is_upgrade and not getattr(script.module, "older_programs_work", False):
        schema_floor.raise_to(ctx.connection, script.revision)


def _run() -> None:
    with db.engine.connect() as connection, _without_references(connection):
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=_render,
            on_version_apply=_note_floor,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


@contextmanager
def _without_references(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew; dropping the old one would delete what refers to it.

    The switch does nothing within a transaction, so it is turned around the whole of it.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")


_run()
