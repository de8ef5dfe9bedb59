"""`muster check`: what is wrong with an installation, each with what would help."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import func, select

from app import config
from app.cli.application import made_app
from app.cli.output import quiet_option, say
from app.operator_error import OperatorError
from app.probe.console.printing import put
from app.store import database, endpoints, vault
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.migrations import revisions
from app.watch.notices import reaching

_LEAST_SPACE = 256 * 2**20
_CLOCKS_APART_S = 30.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `problem` is empty where it is right."""

    name: str
    problem: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of lines.")
@quiet_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Say what is wrong with this installation: rights, space, database, clock, keys, channels.

    A channel is only connected to; nothing is sent. Ends with 0 where all is right, with 1 where something is
    not.
    """
    found = list(findings())
    if as_json:
        put(json.dumps([asdict(one) for one in found]))
    else:
        for one in found:
            tell = put if one.problem else say
            tell(f"{'ok ' if not one.problem else 'BAD'}  {one.name:<10} {one.problem}".rstrip())
    ctx.exit(1 if any(one.problem for one in found) else 0)


def findings() -> Iterator[Finding]:
    """Look at everything; what can't be looked at since something before it is wrong is left out."""
    chosen = config.load_with({})
    yield Finding("folder", _folder(chosen.instance))
    yield Finding("space", _space(chosen.instance))
    app = made_app()
    with app.app_context():
        try:
            problem = _sentence(revisions.require_current)
            yield Finding("database", problem)
            if not problem:
                yield Finding("clock", _clock())
                problem = _sentence(vault.ring) or _sentence(endpoints.require_opens)
                yield Finding("keys", problem)
            if not problem:  # else the channels' addresses can't be read
                yield from _channels()
        finally:
            db.session.remove()
            database.let_go()


def _channels() -> Iterator[Finding]:
    wrong = [Finding("channels", problem) for problem in reaching.problems()]
    yield from wrong or [Finding("channels", "")]


def _sentence(look: Callable[[], object]) -> str:
    try:
        look()
    except OperatorError as error:
        return str(error)
    return ""


def _folder(folder: Path) -> str:
    if not folder.is_dir():
        return f"{folder} is not there; muster serve makes it."
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} can't be written by this user."
    if folder.stat().st_mode & 0o077:
        return f"Others on this machine can enter {folder}: chmod 700 {folder}"
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in (path for path in files if not os.access(path, os.R_OK | os.W_OK)):
        return f"{path} can't be read and written by this user; it belongs to {_owner(path)}."
    return ""


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, OSError):
        return "a user that this machine does not know"


def _space(folder: Path) -> str:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    left = shutil.disk_usage(there).free
    return f"Only {left // 2**20} MiB are left at {there}." if left < _LEAST_SPACE else ""


def _clock() -> str:
    """This machine's clock beside the database's, and beside what was written last: times of several machines
    are compared with each other, and tokens and sessions end by them.
    """
    last = db.session.scalar(select(AuditEvent.at).order_by(AuditEvent.id.desc()).limit(1))
    behind = (last - datetime.now(UTC)).total_seconds() if last else 0.0
    if behind > _CLOCKS_APART_S:
        return f"This machine's clock is {behind:.0f} s behind the newest audit event."
    if db.engine.dialect.name == "sqlite":
        return ""
    before = time.time()
    there = db.session.scalar(select(func.extract("epoch", func.clock_timestamp())))
    apart = abs(float(there or 0) - (before + time.time()) / 2)
    if apart <= _CLOCKS_APART_S:
        return ""
    return f"The database's clock is {apart:.0f} s away from this machine's."
