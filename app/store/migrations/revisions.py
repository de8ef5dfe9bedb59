"""Whether the database and this program go together, by its migrations; and bringing it up to date."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Literal

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import upgrade
from sqlalchemy.exc import SQLAlchemyError

from app.store.base import db
from app.store.database import MIGRATIONS, DatabaseError, unusable
from app.store.migrations import schema_floor

log = logging.getLogger("muster.database")
Fit = Literal["current", "older", "ahead", "newer"]


def upgrade_database() -> None:
    """Bring the current application's database up to the newest migration; DatabaseError if it can't be.

    One that is ahead of this program, and says that this program works on it, stays as it is.
    """
    try:
        found = _fit_unless_newer()
        if found == "ahead":
            log.info("the database is ahead of this program, which works on it all the same")
        elif found == "older":
            upgrade()
    except SQLAlchemyError as error:
        raise DatabaseError(unusable(error)) from error


def require_current() -> None:
    """DatabaseError unless this program works on the database as it is."""
    try:
        if _fit_unless_newer() == "older":
            raise DatabaseError(
                "The database is not up to date; run: muster db upgrade (muster serve does it too)."
            )
    except SQLAlchemyError as error:
        raise DatabaseError(_not_made_yet() or unusable(error)) from error


def _not_made_yet() -> str:
    """What to do where nothing was ever started here; "" where a database is there, or may be."""
    file = db.engine.url.database
    if db.engine.dialect.name != "sqlite" or not file or os.path.lexists(file):
        return ""
    made = "muster serve makes it, and so does muster db upgrade"
    return (
        f"There is no database at {file}: {made}. MUSTER_INSTANCE, or MUSTER_DATABASE_URL, says where it is."
    )


def fit() -> Fit:
    """How the database and this program go together.

    "older": it lacks migrations. "ahead": it has some that this program does not know and can live with, in
    the middle of an upgrade of several machines. "newer": some that it can't live with.
    """
    found = revision()
    if found == newest_revision():
        return "current"
    if found is None or found in known():
        return "older"
    with db.engine.connect() as connection:
        return "ahead" if schema_floor.read(connection) in known() else "newer"


def revision() -> str | None:
    """The migration that the database is at, or None where there is none yet."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The migration that this program needs."""
    return known()[0]


@cache
def known() -> tuple[str, ...]:
    """The migrations that this program knows, the newest first. Alembic runs the file of each to find out."""
    return tuple(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


def _fit_unless_newer() -> Literal["current", "older", "ahead"]:
    found = fit()
    if found == "newer":
        raise DatabaseError(
            f"The database was made by a newer Muster (its revision {revision()} is unknown here); "
            "install that version, or restore a backup from before the upgrade."
        )
    return found
