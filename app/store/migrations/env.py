"""Alembic's entry: runs migrations on the database of the current application, in one transaction."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from app.store.base import UTCDateTime, db


def _render(kind: str, thing: Any, _context: Any) -> str | Literal[False]:
    """Migrations stand alone: they name the database's types, not the program's."""
    if kind == "type" and isinstance(thing, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _run() -> None:
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=_render,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


_run()
