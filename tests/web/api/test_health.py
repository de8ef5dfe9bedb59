"""Alive and ready, on both databases."""

from __future__ import annotations

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.store.base import db
from tests.conftest import LiveServer

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


def test_not_ready_at_another_revision(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        db.session.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
        db.session.commit()
    answer = client.get("/readyz")
    assert answer.json is not None and answer.json["error"]["code"] == "database_outdated"
