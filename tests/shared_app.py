"""One application that many tests use one after the other: making one takes longer than most of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask
from sqlalchemy import Dialect, event
from sqlalchemy.engine import make_url

from app import config
from app.factory import create_app, flask_config
from app.store.base import db
from app.web import rates


class SharedApp:
    """An application whose configuration, folder, database and counts become each test's own."""

    def __init__(self, overrides: Mapping[str, Any]) -> None:
        self._app = create_app(overrides)
        self._config, self._extensions = dict(self._app.config), dict(self._app.extensions)
        self._url = make_url(self._app.config["MUSTER"].database)
        with self._app.app_context():
            event.listen(db.engine, "do_connect", self._connect)

    def lend(self, overrides: Mapping[str, Any]) -> Flask:
        """The application as if it had been made with other overrides in lower case, for the next test.

        Its last test has let go of the database. Requests are counted on from that test in /metrics.
        """
        app, chosen = self._app, config.load_with(overrides)
        app.config.clear()
        app.config.update(self._config | flask_config(chosen))
        app.extensions.clear()
        app.extensions.update(self._extensions)
        rates.init_app(app)
        self._url = make_url(chosen.database)
        with app.app_context():
            db.engine.url = self._url
        return app

    def _connect(self, dialect: Dialect, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        arguments[:], here = dialect.create_connect_args(self._url)
        options.update(here)
