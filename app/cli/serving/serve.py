"""`muster serve`: everything that the first start makes, then the web workers."""

from __future__ import annotations

from functools import partial
from typing import Any

import click
from flask import Flask

from app import config
from app.access import actors, audit, passwords, people
from app.cli.application import made_app, warn_of_another_ring
from app.cli.serving import server, tracing
from app.cli.serving.worker import watcher
from app.factory import create_app
from app.practice import models
from app.store import database, locks, rotation, vault
from app.store.accounts import User
from app.store.base import db
from app.store.migrations import revisions
from app.web import metrics

FIRST_ADMINISTRATOR = "admin@localhost"


@click.command()
@click.option("--host", help="Address to listen on, instead of MUSTER_HOST.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on, instead of MUSTER_PORT.")
@click.option("--practice", is_flag=True, help="Start the practice endpoint too, on loopback.")
def serve(host: str | None, port: int | None, practice: bool) -> None:
    """Serve Muster until Ctrl-C. The first start makes the database, the keys and an administrator."""
    given: dict[str, Any] = {"host": host, "port": port, "practice": practice or None}
    overrides = {name: value for name, value in given.items() if value is not None}
    chosen = config.load_with(overrides)
    server.require_folder(chosen)
    with server.listening(chosen.host, chosen.port) as socket:
        config.ensure_secret(chosen)
        metrics.share(chosen)
        app = made_app(partial(create_app, overrides))
        tracing.start(app)
        password = prepare(app)
        with server.practice_endpoint(chosen) as base_url, watcher(chosen):
            server.run(app, socket, greeting(chosen, password, base_url))


def prepare(app: Flask) -> str | None:
    """Prepare database and keys; gives the first administrator's password if one was created."""
    chosen: config.Settings = app.config["MUSTER"]
    with app.app_context(), locks.exclusive("start"):
        revisions.upgrade_database()
        if vault.ensure_ring(chosen) and rotation.count_sealed():
            lost = vault.ring_path(chosen)
            lost.unlink()
            raise vault.VaultError(
                f"The key ring {lost} of the stored API keys is missing. Restore it from a backup."
            )
        vault.ring()
        warn_of_another_ring()
        password = _first_administrator()
    with app.app_context():
        # The workers are forked from here: each must open connections of its own.
        db.session.remove()
        database.let_go()
    return password


def _first_administrator() -> str | None:
    if User.exists():
        return None
    password = passwords.made()
    people.create_user(FIRST_ADMINISTRATOR, "admin", password)
    audit.record(actors.COMMAND_LINE, "user.created", subject=FIRST_ADMINISTRATOR, detail={"role": "admin"})
    db.session.commit()
    return password


def greeting(chosen: config.Settings, password: str | None, practice_url: str | None) -> str:
    """What the start prints: the addresses, and what is shown only once."""
    home = chosen.public_url or server.url_of(chosen.host, chosen.port)
    lines = [f"Muster is at           {home}"]
    if password is not None:
        lines += [f"  sign in as           {FIRST_ADMINISTRATOR}", f"  with the password    {password}"]
        lines += ["                       (shown only once: keep it)"]
    if practice_url is not None:
        lines += [f"Practice endpoint      {practice_url}", f"  with the API key     {models.KEY}"]
    return "\n".join(["", *lines, "Ctrl-C stops it.", ""])
