"""`muster db` and `muster key`: what the operator does to the store."""

from __future__ import annotations

import click

from app import config
from app.access import actors, audit
from app.cli import server
from app.cli.application import opened_app
from app.probe.printing import put
from app.store import database, locks, rotation
from app.store.base import db


@click.group("db")
def db_group() -> None:
    """The database."""


@db_group.command("upgrade")
def upgrade() -> None:
    """Bring the database up to what this version needs; `serve` does it by itself."""
    server.require_folder(config.load_with({}).instance)
    with opened_app(current=False), locks.exclusive("start"):
        database.upgrade_database()
        put(f"The database is at revision {database.revision()}.")


@click.command("settings")
def settings_table() -> None:
    """Show every setting, its default and what it is for, as the README does."""
    put(config.markdown())


@click.group("key")
def key_group() -> None:
    """The encryption keys of the stored API keys."""


@key_group.command("rotate")
def rotate() -> None:
    """Encrypt every stored API key again, with a new encryption key."""
    with opened_app():
        count = rotation.rotate()
        audit.record(actors.COMMAND_LINE, "keys.rotated", detail={"count": count})
        db.session.commit()
        put(f"{count} stored API keys are encrypted again.")
