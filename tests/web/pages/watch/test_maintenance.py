"""Maintenance windows: opened for everything, an endpoint or a model; ended early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient

from app.store.base import db, now
from app.store.models import RegisteredModel
from app.store.watch.channels import Maintenance
from tests.web.pages.conftest import error_at, plain
from tests.web.pages.watch.test_now import add


def windows(app: Flask) -> list[Maintenance]:
    """Every window."""
    with app.app_context():
        return list(db.session.scalars(db.select(Maintenance)))


def test_one_for_everything_begins_now_and_shows_on_the_first_page(app: Flask, editor: FlaskClient) -> None:
    add(app)
    sent = {"what": "all", "minutes": "120", "reason": "New switches"}
    assert editor.post("/maintenance/new", data=sent).status_code == 303
    (window,) = windows(app)
    assert window.scope == "all" and window.subject is None
    assert timedelta(minutes=119) < window.ends - now() <= timedelta(minutes=120)
    assert "New switches" in editor.get("/now").text
    assert "Everything" in plain(editor.get("/maintenance").text)


def test_one_for_an_endpoint_begins_when_it_is_said(app: Flask, editor: FlaskClient) -> None:
    id = add(app)
    with app.app_context():
        endpoint = db.session.get_one(RegisteredModel, id).endpoint_id
    page = editor.get(f"/maintenance/new?endpoint={endpoint}").text
    assert f'value="endpoint:{endpoint}" selected' in page
    begins = (now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    sent = {"what": f"endpoint:{endpoint}", "begins": begins, "minutes": "60"}
    assert editor.post("/maintenance/new", data=sent).status_code == 303
    (window,) = windows(app)
    assert (window.scope, window.subject) == ("endpoint", endpoint)
    assert window.begins == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert "To come" in editor.get("/maintenance").text


def test_one_that_would_be_over_is_refused_at_its_field(app: Flask, editor: FlaskClient) -> None:
    answer = editor.post(
        "/maintenance/new", data={"what": "all", "begins": "2026-01-01T00:00", "minutes": "60"}
    )
    assert answer.status_code == 400 and "over already" in error_at(answer.text, "begins")
    assert 'value="2026-01-01T00:00"' in answer.text
    assert windows(app) == []


def test_it_is_ended_early(app: Flask, editor: FlaskClient) -> None:
    editor.post("/maintenance/new", data={"what": "all", "minutes": "60"})
    (window,) = windows(app)
    assert editor.post(f"/maintenance/{window.id}/end").status_code == 303
    assert windows(app) == []


def test_a_viewer_reads_only(viewer: FlaskClient) -> None:
    assert "/maintenance/new" not in viewer.get("/maintenance").text
    assert viewer.post("/maintenance/new", data={"what": "all", "minutes": "60"}).status_code == 403
