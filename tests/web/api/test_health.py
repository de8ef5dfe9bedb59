"""Alive and ready, on both databases."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text

from app.store import vault
from app.store.base import db
from tests.conftest import LiveServer
from tests.rows import an_endpoint

pytestmark = pytest.mark.both_databases


def test_alive(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}


def test_ready(live_server: LiveServer) -> None:
    answer = requests.get(f"{live_server.url}/readyz", timeout=10)
    assert (answer.status_code, answer.json()["keys"]) == (200, "ok")


def test_not_ready_without_a_key_ring(app: Flask, client: FlaskClient) -> None:
    (app.config["MUSTER"].instance / "keyring.json").unlink()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None and answer.json["error"]["code"] == "keys_unavailable"


def test_not_ready_with_a_ring_that_opens_no_stored_key(app: Flask, client: FlaskClient) -> None:
    """As on a second machine that made a ring of its own: it seals and opens, but not what is there."""
    with app.app_context():
        endpoint = an_endpoint()
        endpoint.key_ciphertext = vault.seal("sk-stored", endpoint.place_of("key"))
        db.session.add(endpoint)
        db.session.commit()
    assert client.get("/readyz").status_code == 200
    (app.config["MUSTER"].instance / "keyring.json").unlink()
    vault.ensure_ring(app.config["MUSTER"])
    answer = client.get("/readyz")
    assert answer.json is not None and answer.json["error"]["code"] == "keys_unavailable"


@pytest.mark.both_databases
def test_not_ready_where_nothing_can_be_written(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), db.engine.connect() as other:
        other.execute(text("UPDATE alembic_version SET version_num = version_num"))
        began = time.monotonic()
        answer = client.get("/readyz")
        other.rollback()
    assert answer.status_code == 503 and time.monotonic() - began < 5
    assert answer.json is not None and answer.json["error"]["code"] == "database_unavailable"
    assert client.get("/readyz").status_code == 200


@pytest.mark.both_databases
def test_not_ready_on_a_full_or_read_only_database(
    make_app: Callable[..., Flask], database_kind: str
) -> None:
    app = make_app()
    with app.app_context():
        if database_kind == "sqlite":
            event.listen(db.engine, "connect", lambda raw, _record: raw.execute("PRAGMA query_only=ON"))
        else:
            name = db.engine.url.database
            with db.engine.begin() as connection:
                connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        db.engine.dispose()
    answer = app.test_client().get("/readyz")
    assert answer.json is not None and answer.json["error"]["code"] == "database_unavailable"


def test_not_ready_at_another_revision(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        db.session.execute(text("UPDATE alembic_version SET version_num = '0090'"))
        db.session.commit()
    answer = client.get("/readyz")
    assert answer.json is not None and answer.json["error"]["code"] == "database_outdated"
