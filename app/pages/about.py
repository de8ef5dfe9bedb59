"""What runs here: versions, numbers and settings, without a secret."""

from __future__ import annotations

import platform
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any

from flask import Blueprint, render_template
from sqlalchemy import func, select

from app import database
from app.access import current_actor, require_role
from app.config import Settings, settings, variable
from app.models import AuditEvent, Probe, RegisteredModel, Token, User, db

blueprint = Blueprint("about", __name__, url_prefix="/about")

PARTS = ("Flask", "SQLAlchemy", "WTForms", "requests", "cryptography", "gunicorn")
COUNTED = {
    "Models": RegisteredModel,
    "Probes": Probe,
    "Audit events": AuditEvent,
    "People": User,
    "Tokens": Token,
}


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as the page shows it; of a secret only whether it is set."""

    variable: str
    value: str
    is_default: bool
    help: str


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """Versions and numbers for everybody, settings for administrators."""
    return render_template(
        "house/about.html",
        versions={"Python": platform.python_version()} | {name: version(name) for name in PARTS},
        engine=_engine(),
        revision=database.revision(),
        counts={
            label: db.session.scalar(select(func.count()).select_from(table))
            for label, table in COUNTED.items()
        },
        rows=setting_rows(settings()) if current_actor().may("admin") else None,
    )


def setting_rows(chosen: Settings) -> list[SettingRow]:
    """Every setting, in the order of its table."""
    return [
        SettingRow(
            variable(row), _value(row, chosen), getattr(chosen, row.name) == row.default, row.metadata["help"]
        )
        for row in fields(Settings)
    ]


def _value(row: Any, chosen: Settings) -> str:
    value = getattr(chosen, row.name)
    if row.metadata["secret"]:
        return "set (not shown)" if value else "not set"
    if isinstance(value, tuple):
        return ", ".join(value) or "empty"
    if isinstance(value, bool):
        return "1" if value else "0"
    return "empty" if value in (None, "") else str(value)


def _engine() -> str:
    name = db.engine.dialect.name
    query = "select sqlite_version()" if name == "sqlite" else "show server_version"
    shown = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(name, name)
    return f"{shown} {db.session.scalar(db.text(query))}"
