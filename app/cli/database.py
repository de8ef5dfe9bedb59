"""`muster db` and `muster key`: what the operator does to the store."""

from __future__ import annotations

import os

import click

from app import config
from app.access import actors, audit
from app.cli.application import opened_app
from app.cli.output import done, json_option, quiet_option, show_json
from app.cli.serving import server
from app.probe.console.printing import put
from app.store import locks, rotation
from app.store.base import db
from app.store.migrations import revisions
from app.web.pages.about import setting_rows


@click.group("db")
def db_group() -> None:
    """The database."""


@db_group.command("upgrade")
@json_option
@quiet_option
def upgrade() -> None:
    """Bring the database up to this version. `serve` does it by itself."""
    server.require_folder(config.load_with({}))
    with opened_app(current=False), locks.exclusive("start"):
        revisions.upgrade_database()
        revision = revisions.revision()
        done(f"The database is at revision {revision}.", revision=revision)


@click.command("settings")
@click.option("--effective", is_flag=True, help="Show what is in force here and who set it; no secret.")
@click.option("--json", "as_json", is_flag=True, help="With --effective: one JSON array instead of lines.")
def settings_table(effective: bool, as_json: bool) -> None:
    """Show every setting, its default and what it is for, as the README does."""
    if as_json and not effective:
        raise click.UsageError("--json goes with --effective.")
    if not effective:
        put(config.markdown())
        return
    rows = setting_rows(config.load(os.environ), config.origins(os.environ, {})).values()
    if as_json:
        shown = [{"setting": row.variable, "value": row.value, "origin": row.origin} for row in rows]
        show_json(shown)
        return
    for row in rows:
        put(f"{row.variable}={row.value or '-'}  ({row.origin})")


@click.group("key")
def key_group() -> None:
    """The encryption keys of the stored API keys."""


@key_group.command("rotate")
@json_option
@quiet_option
def rotate() -> None:
    """Encrypt every stored API key again, with a new encryption key."""
    with opened_app():
        count = rotation.rotate()
        audit.record(actors.COMMAND_LINE, "keys.rotated", detail={"count": count})
        db.session.commit()
        done(f"{count} stored API keys are encrypted again.", encrypted_again=count)
