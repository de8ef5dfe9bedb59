"""The oldest migration whose program still works on the database: what lets machines be upgraded one by one.

A migration that only adds says `older_programs_work = True`: first all machines get the new program (expand),
and what only the old one needed goes with a migration of a later release (contract), which does not say so.
"""

from __future__ import annotations

from sqlalchemy import Connection, String, delete, insert, inspect, select
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base


class SchemaFloor(Base):
    """One row: programs that know this migration, or a later one, work on this database."""

    __tablename__ = "schema_floor"

    revision: Mapped[str] = mapped_column(String(32), primary_key=True)


def read(connection: Connection) -> str | None:
    """The migration that a program must know at least; None in a database that does not tell."""
    if not inspect(connection).has_table(SchemaFloor.__tablename__):
        return None
    return connection.scalar(select(SchemaFloor.revision))


def raise_to(connection: Connection, revision: str) -> None:
    """From now on a program must know this migration. In the transaction at hand."""
    if inspect(connection).has_table(SchemaFloor.__tablename__):
        connection.execute(delete(SchemaFloor))
        connection.execute(insert(SchemaFloor).values(revision=revision))
