"""Whether Muster is alive, and whether it can work. For monitoring; needs no token."""

from __future__ import annotations

import logging
import time

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError

from app.errors import ApiError
from app.store import database, endpoints, vault
from app.store.base import now
from app.store.migrations import revisions
from app.watch import summary
from app.web.api.describe import describe

blueprint = Blueprint("health", __name__)
log = logging.getLogger("muster.health")
_WRITTEN = "muster_last_written"
_NOT_AGAIN_S = 1.0
_WAITS_S = 2.0


@blueprint.get("/healthz")
@describe(tag="Service", gives="Health", any_query=True)
def healthz() -> Response:
    """Alive: this process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
@describe(tag="Service", gives="Health", errors=(503,), any_query=True)
def readyz() -> Response:
    """Ready: the database can be written, at the right revision, and the key ring opens a stored key."""
    _check_revision()
    _check_writing()
    _check_keys()
    return jsonify({"status": "ok", "database": "ok", "keys": "ok", "watch": _watch()})


def _watch() -> dict[str, object]:
    """How late the watch is. A web server whose watcher stands still can work all the same."""
    state = summary.watch_state(now())
    words = "off" if not state.is_on else "late" if state.stands_still else "ok"
    return {"status": words, "late_seconds": state.late_s, "workers": state.workers}


def _check_revision() -> None:
    try:
        fit = revisions.fit()
    except SQLAlchemyError as error:
        log.error("database not usable: %s", type(error).__name__)
        raise ApiError("database_unavailable", "The database can't be reached.") from error
    if fit in ("older", "newer"):
        raise ApiError("database_outdated", "The database is at another revision; run: muster db upgrade.")


def _check_writing() -> None:
    """Write, and commit it: a full disk and a read-only copy show only then. At most once a second.

    Anybody may ask this, so it must not keep the writers of a busy server from their work.
    """
    if time.monotonic() - current_app.extensions.get(_WRITTEN, -1.0) < _NOT_AGAIN_S:
        return
    if not database.can_write(_WAITS_S):
        message = "Nothing can be written into the database: it is locked, full or read-only."
        raise ApiError("database_unavailable", message)
    current_app.extensions[_WRITTEN] = time.monotonic()


def _check_keys() -> None:
    try:
        usable = vault.open_(vault.seal("ready", "ready"), "ready") == "ready"
        endpoints.require_opens()
    except vault.VaultError as error:
        log.error("key store not usable: %s", error)
        raise ApiError("keys_unavailable", "The key store can't be used; see the server's log.") from error
    if not usable:
        raise ApiError("keys_unavailable", "The key store does not open what it sealed.")
