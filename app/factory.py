"""Muster: a registry for LLM endpoints that lets in only what it has seen working."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import config
from app.store import database
from app.web import browser_sessions, compression, errors, guards, headers, logs, metrics, probe_slots
from app.web.api import blueprints as api_blueprints
from app.web.pages import blueprints as page_blueprints

MAX_BODY_BYTES = 1024 * 1024


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """The application.

    Overrides in lower case replace settings (`{"instance": Path(…), "rate_limit": 0}`), those in capitals
    Flask's own configuration (`{"TESTING": True}`). SettingError where a setting can't be used.
    """
    overrides = overrides or {}
    chosen = config.load_with(overrides)
    app = Flask(
        __name__,
        instance_path=str(chosen.instance),
        template_folder=str(config.RESOURCES / "templates"),
        static_folder=str(config.RESOURCES / "static"),
        static_url_path=f"/static/{_digest_of(config.RESOURCES / 'static')}",
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the order of a document is the order of its tables
    app.config.from_mapping(flask_config(chosen))
    app.config["MUSTER_ORIGINS"] = config.origins(os.environ, overrides)
    app.config.from_mapping({name: value for name, value in overrides.items() if name.isupper()})
    _wire(app, chosen)
    return app


def _digest_of(folder: Path) -> str:
    """A name for these very files: browsers keep what is under it for good, and modules find each other."""
    told = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        told.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return told.hexdigest()[:12]


def flask_config(chosen: config.Settings) -> dict[str, Any]:
    """Flask's own configuration, and its extensions', as these settings have it."""
    secure = chosen.public_url.startswith("https://")
    return database.configuration(chosen) | {
        "SECRET_KEY": chosen.secret_key or _kept_secret(chosen),
        "MAX_CONTENT_LENGTH": MAX_BODY_BYTES,
        "MAX_FORM_MEMORY_SIZE": MAX_BODY_BYTES,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=chosen.session_hours),
        "SESSION_COOKIE_NAME": "muster",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": secure,
        "WTF_CSRF_TIME_LIMIT": None,
    }


def _kept_secret(chosen: config.Settings) -> str:
    """The secret of the instance folder; where there is none yet, one that lasts as long as this program."""
    path = config.secret_path(chosen)
    return path.read_text(encoding="ascii").strip() if path.exists() else secrets.token_hex(32)


def _wire(app: Flask, chosen: config.Settings) -> None:
    logs.init_app(app)
    metrics.init_app(app)
    database.init_app(app)
    errors.init_app(app)
    browser_sessions.init_app(app)
    guards.init_app(app)
    probe_slots.init_app(app, chosen)
    headers.init_app(app)
    compression.init_app(app)
    for blueprint in (*api_blueprints, *page_blueprints):
        app.register_blueprint(blueprint)
    for blueprint in api_blueprints:
        guards.csrf.exempt(blueprint)
    if chosen.trusted_proxies:
        hops = chosen.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
