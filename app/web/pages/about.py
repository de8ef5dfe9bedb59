"""What runs here: versions, bounds and settings, without a secret."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any

from flask import Blueprint, current_app, render_template
from sqlalchemy import func, select

from app.config import Settings, settings, variable
from app.store.accounts import Token, User
from app.store.base import db, now
from app.store.migrations import revisions
from app.store.models import RegisteredModel
from app.watch import summary
from app.web.errors import doc_url, home_url
from app.web.guards import current_actor, require_role

blueprint = Blueprint("about", __name__, url_prefix="/about")

PARTS = ("Flask", "Werkzeug", "SQLAlchemy", "WTForms", "requests", "cryptography", "gunicorn")
ADDRESSES = ("egress_private", "egress_allow", "egress_deny")
BOUNDS = "probe_"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as the page shows it: of a secret only whether it is set; `origin` says who set it."""

    variable: str
    value: str
    origin: str
    help: str

    @property
    def is_set(self) -> bool:
        """Whether it is more than the default."""
        return self.origin != "default"


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """Versions and bounds for everybody, all settings for administrators."""
    rows = setting_rows(settings(), current_app.config["MUSTER_ORIGINS"])
    return render_template(
        "about/index.html",
        versions={"Python": platform.python_version()} | {name: version(name) for name in PARTS},
        engine=_engine(),
        revision=revisions.revision(),
        newest=revisions.newest_revision(),
        counts=_counts(),
        watch=summary.watch_state(now()),
        bounds=[row for name, row in rows.items() if _bounds_a_probe(name)],
        others=[row for name, row in rows.items() if not _bounds_a_probe(name)],
        is_admin=current_actor().may("admin"),
        home=home_url(),
        errors_url=doc_url("").rstrip("#"),
    )


def setting_rows(chosen: Settings, origins: Mapping[str, str]) -> dict[str, SettingRow]:
    """Every setting by its field name, in the order of the table."""
    return {
        row.name: SettingRow(variable(row), _value(row, chosen), origins[row.name], row.metadata["help"])
        for row in fields(Settings)
    }


def _bounds_a_probe(name: str) -> bool:
    return name.startswith(BOUNDS) or name in ADDRESSES


def _value(row: Any, chosen: Settings) -> str:
    value = getattr(chosen, row.name)
    if row.metadata["secret"]:
        return "set" if value else "not set"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ", ".join("=".join(part) if isinstance(part, tuple) else part for part in value)
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def _engine() -> str:
    name = db.engine.dialect.name
    query = "select sqlite_version()" if name == "sqlite" else "show server_version"
    shown = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(name, name)
    return f"{shown} {db.session.scalar(db.text(query))}"


def _counts() -> dict[str, int]:
    """Numbers that are quick to count."""
    asked = {
        "Models": select(func.count()).select_from(RegisteredModel),
        "People": select(func.count()).select_from(User).where(User.active.is_(True)),
        "Valid tokens": select(func.count()).select_from(Token).where(Token.revoked.is_(None)),
    }
    return {label: db.session.scalar(query) or 0 for label, query in asked.items()}
