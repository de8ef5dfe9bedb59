"""The application as commands use it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from flask import Flask
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app import config
from app.cli.serving.log_lines import prepare_log
from app.registry import stored_documents  # noqa: F401  # follows every change of a model
from app.store import database
from app.store.base import db
from app.store.endpoints import require_opens
from app.store.migrations import revisions
from app.store.vault import VaultError

log = logging.getLogger("muster.start")


def bare() -> Flask:
    """Settings and database without pages and API, which take three times as long to load."""
    app = Flask("app")
    app.config.from_mapping(database.configuration(config.load_with({})))
    database.init_app(app)
    return app


def made_app(make: Callable[[], Flask] = bare) -> Flask:
    """The application with its log lines on standard error and a warning for each unknown setting."""
    app = make()
    prepare_log(app.config["MUSTER"])
    return app


@contextmanager
def opened_app(make: Callable[[], Flask] = bare, *, current: bool = True) -> Iterator[Flask]:
    """The application as the current one; DatabaseError unless its database is at the right revision.

    `current=False` leaves that question out.
    """
    app = made_app(make)
    with app.app_context():
        try:
            if current:
                revisions.require_current()
            yield app
        except OperationalError as error:
            # Locked for too long, gone in the middle, no space left.
            raise database.DatabaseError(database.unusable(error)) from error
        finally:
            with suppress(SQLAlchemyError):  # a connection that broke can't be rolled back either
                db.session.remove()
            database.let_go()


def warn_of_another_ring() -> None:
    """Say so where this machine's key ring does not open what others have stored: each needs the same one."""
    try:
        require_opens()
    except VaultError as error:
        log.warning(
            "%s Every machine needs the same key ring: copy keyring.json, or MUSTER_ENCRYPTION_KEYS, from "
            "one whose /readyz says yes.",
            error,
        )
    finally:
        db.session.rollback()  # a worker goes on for weeks, and must hold no transaction meanwhile
