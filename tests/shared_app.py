"""One application that many tests use one after the other: making one takes longer than most of them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from sqlalchemy import Dialect, event
from sqlalchemy.engine import make_url

from app import config
from app.factory import create_app, flask_config
from app.store.base import db
from app.web import probe_slots, rates


class SharedApp:
    """An application whose configuration, folder, database and counts become each test's own."""

    def __init__(
        self, overrides: Mapping[str, Any], templates: BytecodeCache, add: Callable[[Flask], None] | None
    ) -> None:
        """`add` adds what its tests need besides, such as routes."""
        self._app = create_app(overrides)
        self._app.jinja_env.bytecode_cache = templates
        if add:
            add(self._app)
        self._config, self._extensions = dict(self._app.config), dict(self._app.extensions)
        self._url = make_url(self._app.config["MUSTER"].database)
        with self._app.app_context():
            event.listen(db.engine, "do_connect", self._connect)
            if db.engine.dialect.name == "sqlite":
                event.listen(db.engine, "connect", _without_the_disk)

    def lend(self, overrides: Mapping[str, Any]) -> Flask:
        """The application as if it had been made with other overrides, for the next test. It must have been
        made with the same `wiring_of`.

        Its last test has let go of the database. Requests are counted on from that test in /metrics.
        """
        app, chosen = self._app, config.load_with(overrides)
        app.config.clear()
        app.config.update(self._config | flask_config(chosen))
        app.config["MUSTER_ORIGINS"] = config.origins(os.environ, overrides)
        app.config.update({name: value for name, value in overrides.items() if name.isupper()})
        app.extensions.clear()
        app.extensions.update(self._extensions)
        app.extensions[probe_slots.NAME] = probe_slots.places(chosen)
        rates.init_app(app)
        self._url = make_url(chosen.database)
        with app.app_context():
            db.engine.url = self._url
        return app

    def _connect(self, dialect: Dialect, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        arguments[:], here = dialect.create_connect_args(self._url)
        options.update(here)


def _without_the_disk(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")  # nothing here has to outlive a crash


def wiring_of(overrides: Mapping[str, Any]) -> Hashable:
    """What of the overrides an application is built by and can't be lent with another of."""
    chosen = config.load_with(overrides)
    kind = make_url(chosen.database).get_backend_name()
    return kind, bool(chosen.rate_limit), chosen.trusted_proxies
