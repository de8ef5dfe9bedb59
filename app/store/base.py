"""What every table is built on: the base class, the session, ids and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import (
    DateTime,
    Dialect,
    MetaData,
    TypeDecorator,
    inspect,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase
from uuid_utils import uuid7


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can change them on either database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class _Session(Session):
    """A session that can always be closed: what can't be rolled back is given up with its connection."""

    def close(self) -> None:
        try:
            super().close()
        except DBAPIError:
            self.invalidate()


db = SQLAlchemy(metadata=Base.metadata, session_options={"class_": _Session})


_YEARS = range(2000, 9000)
"""Those that every time zone and every database knows."""


def time_of(text: str) -> datetime | None:
    """A time with its zone (RFC 3339), in UTC; None where it is none, or of a year that not all know."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo and moment.year in _YEARS else None


class UTCDateTime(TypeDecorator[datetime]):
    """A time that is always aware and in UTC, also on SQLite, which stores none of that."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> str:
    """A UUIDv7 in lower case."""
    return str(uuid7())


def now() -> datetime:
    """This moment in UTC, to the millisecond, as the tables keep it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def insert_new(table: type[Base], **values: Any) -> bool:
    """Insert a row, in the transaction at hand, unless a unique one stands in its way; whether it was."""
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**values).on_conflict_do_nothing()
    # Asked for by what comes back: PostgreSQL's driver counts no rows where a statement returns any.
    returning = statement.returning(*inspect(table).primary_key)
    return db.session.connection().execute(returning).first() is not None


def insert_missing(table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those that are not there yet, whoever else does the same at this moment."""
    if rows:
        dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
        db.session.execute(dialect.insert(table).on_conflict_do_nothing(), [dict(row) for row in rows])
