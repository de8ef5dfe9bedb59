"""The application as commands use it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from app import config
from app.factory import create_app
from app.probe.console import KEY_VARIABLE
from app.store import database
from app.store.base import db
from app.web import logs

log = logging.getLogger("muster.settings")


def made_app(**overrides: Any) -> Flask:
    """The application, with its log on standard error and a warning for each unknown setting."""
    app = create_app(overrides)
    chosen: config.Settings = app.config["MUSTER"]
    prepare_log(chosen)
    return app


def prepare_log(chosen: config.Settings) -> None:
    """Log lines on standard error, the first of them a warning for each unknown setting."""
    logs.configure(chosen.log_level)
    for name in config.unknown(os.environ, chosen.key_prefix):
        if name != KEY_VARIABLE:
            log.warning("%s is not a setting of Muster and has no effect. Is it misspelled?", name)


@contextmanager
def opened_app(*, current: bool = True) -> Iterator[Flask]:
    """The application as the current one; DatabaseError unless its database is at the right revision.

    `current=False` leaves that question out.
    """
    app = made_app()
    with app.app_context():
        try:
            if current:
                database.require_current()
            yield app
        finally:
            db.session.remove()
            database.let_go()
