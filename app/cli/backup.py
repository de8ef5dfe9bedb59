"""`muster backup` and `muster restore`: the embedded database as one file, while Muster runs.

The key ring is not in it, on purpose: a stolen backup alone opens no key. Keep it apart.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import click
from sqlalchemy import delete
from sqlalchemy.engine import make_url

from app import config
from app.access import audit
from app.access.actors import COMMAND_LINE
from app.cli.application import opened_app
from app.cli.output import done, json_option, quiet_option
from app.cli.serving import server
from app.operator_error import OperatorError
from app.store import locks, vault
from app.store.accounts import BrowserSession
from app.store.base import db
from app.store.migrations import revisions


class BackupError(OperatorError):
    """No backup can be made or read; the text is one sentence for the operator."""


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@quiet_option
def backup(file: Path) -> None:
    """Write the embedded database to FILE while Muster runs.

    The encryption keys are not in it. Keep a copy of them apart: without them no stored API key can be read.
    """
    chosen = config.load_with({})
    source = _embedded(chosen, "pg_dump --format=custom --file=" + str(file))
    if file.exists():
        raise BackupError(f"{file} exists already. Choose another name: a backup replaces nothing.")
    draft = file.with_name(file.name + ".part")
    try:
        with suppress(FileNotFoundError):
            draft.unlink()
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _copy(source, draft)
        draft.rename(file)
    except (OSError, sqlite3.Error) as error:
        draft.unlink(missing_ok=True)
        raise BackupError(f"{file} can't be written ({_reason(error)}).") from error
    keys = _where_the_keys_are(chosen)
    sentences = f"The database is in {file}.\nThe encryption keys are not: keep {keys} apart."
    done(sentences, file=str(file), bytes=file.stat().st_size, keys=keys)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace the database that is there; a copy of it is kept beside.")
@json_option
@quiet_option
def restore(file: Path, yes: bool) -> None:
    """Put a backup in the place of the embedded database. Stop Muster first.

    Everybody has to sign in again: sessions that were ended since the backup would hold once more. Tokens
    that were revoked since do; `muster token list` shows them.
    """
    chosen = config.load_with({})
    target = _embedded(chosen, f"pg_restore --clean --if-exists --dbname=… {file}")
    server.require_folder(chosen)
    _refuse_broken(file)
    if target.exists():
        if not yes:
            raise BackupError(f"{target} is there. Say --yes to replace it; a copy is kept beside it.")
        _copy(target, target.with_name(f"{target.name}.before-restore"))
    try:
        _copy(file, target)
    except sqlite3.Error as error:
        raise BackupError(f"{target} can't be replaced ({_reason(error)}). Stop Muster first.") from error
    with opened_app(current=False), locks.exclusive("start"):
        revisions.upgrade_database()
        vault.ring()
        db.session.execute(delete(BrowserSession))
        audit.record(COMMAND_LINE, "database.restored", subject=file.name)
        db.session.commit()
    done(
        f"{target} is what {file} was. Everybody has to sign in again.", file=str(file), database=str(target)
    )


def _embedded(chosen: config.Settings, instead: str) -> Path:
    """The file of the embedded database; BackupError names the command for a PostgreSQL."""
    url = make_url(chosen.database)
    if url.get_backend_name() != "sqlite" or not url.database:
        shown = url.render_as_string(hide_password=True)
        raise BackupError(f"The database is {shown}. Use PostgreSQL's own command: {instead}")
    return Path(url.database)


def _copy(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, even while it is written (SQLite's online backup)."""
    if not source.exists():
        raise BackupError(f"There is no database at {source} yet.")
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target, timeout=5)) as written:
        read.backup(written)
    target.chmod(0o600)


def _refuse_broken(file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute("PRAGMA integrity_check").fetchone()
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"{file} is no backup of Muster ({_reason(error)}).") from error
    if found != "ok":
        raise BackupError(f"{file} is damaged: {found}.")


def _reason(error: OSError | sqlite3.Error) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _where_the_keys_are(chosen: config.Settings) -> str:
    return "MUSTER_ENCRYPTION_KEYS" if chosen.encryption_keys else str(vault.ring_path(chosen))
