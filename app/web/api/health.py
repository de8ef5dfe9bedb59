"""Whether Muster is alive, and whether it can work. For monitoring; needs no token."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from app.errors import ApiError
from app.store import database, vault
from app.web.api.describe import describe

blueprint = Blueprint("health", __name__)
log = logging.getLogger("muster.health")


@blueprint.get("/healthz")
@describe(tag="Service", gives="Health", any_query=True)
def healthz() -> Response:
    """Alive: this process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
@describe(tag="Service", gives="Health", errors=(503,), any_query=True)
def readyz() -> Response:
    """Ready: the database answers and is at the right revision, and the key store opens what it sealed."""
    _check_database()
    _check_keys()
    return jsonify({"status": "ok", "database": "ok", "keys": "ok"})


def _check_database() -> None:
    try:
        found = database.revision()
    except SQLAlchemyError as error:
        log.error("database not usable: %s", type(error).__name__)
        raise ApiError("database_unavailable", "The database can't be reached.") from error
    if found != database.newest_revision():
        raise ApiError("database_outdated", "The database is at another revision; run: muster db upgrade.")


def _check_keys() -> None:
    try:
        usable = vault.open_(vault.seal("ready", "ready"), "ready") == "ready"
    except vault.VaultError as error:
        log.error("key store not usable: %s", error)
        raise ApiError("keys_unavailable", "The key store can't be used; see the server's log.") from error
    if not usable:
        raise ApiError("keys_unavailable", "The key store does not open what it sealed.")
