"""The application as commands use it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from app import config, create_app, database, logs

log = logging.getLogger("muster.settings")


def made_app(**overrides: Any) -> Flask:
    """The application with its log lines on standard error and a warning for each unknown setting."""
    app = create_app(overrides)
    chosen: config.Settings = app.config["MUSTER"]
    logs.configure(chosen.log_level)
    for name in config.unknown(os.environ, chosen.key_prefix):
        log.warning("%s is no setting of Muster and does nothing. Is it spelled right?", name)
    return app


@contextmanager
def opened_app() -> Iterator[Flask]:
    """The application as the current one, its database at the right revision; DatabaseError otherwise."""
    app = made_app()
    with app.app_context():
        database.require_current()
        yield app
