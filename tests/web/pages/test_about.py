"""What runs here: versions, bounds, settings and where they come from; no secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import config
from app.config import Settings, load, origins
from app.store.base import db, now
from app.store.migrations import revisions
from app.store.watch.health import WatchCost
from app.web.pages.about import setting_rows
from tests.conftest import _signed_in
from tests.rows import a_model
from tests.web.pages.conftest import plain

SECRET = "a-very-secret-key-of-many-letters-000"


def test_versions_database_and_revision_are_for_everybody(app: Flask, viewer: FlaskClient) -> None:
    text = plain(viewer.get("/about").text)
    with app.app_context():
        revision = revisions.revision()
    assert "Python 3." in text and "SQLAlchemy 2." in text
    assert f"Database revision {revision} the newest" in text
    assert ("SQLite 3." in text) != ("PostgreSQL 1" in text)


def test_the_bounds_of_a_probe_are_for_everybody(viewer: FlaskClient) -> None:
    text = plain(viewer.get("/about").text)
    assert "MUSTER_PROBE_SECONDS 120 seconds for a whole probe" in text
    assert "MUSTER_EGRESS_PRIVATE 1" in text


def test_what_the_watch_used_in_this_month(app: Flask, viewer: FlaskClient) -> None:
    with app.app_context():
        model = a_model()
        db.session.add(model)
        db.session.flush()
        day = now().date()
        for at, tokens in ((day, 1200), (day.replace(year=day.year - 1, day=1), 700)):
            db.session.add(WatchCost(model_pk=model.id, day=at, tokens=tokens, money=tokens / 1000))
        db.session.commit()
    text = plain(viewer.get("/about").text)
    assert "Tokens 1,200 Cost $1.20" in text and "Workers 0" in text


def test_other_settings_are_for_administrators(viewer: FlaskClient, admin: FlaskClient) -> None:
    assert "MUSTER_SESSION_HOURS" not in viewer.get("/about").text
    text = plain(admin.get("/about").text)
    assert "MUSTER_SESSION_HOURS 12 default" in text and "MUSTER_RATE_LIMIT 0 command line" in text


def test_no_secret_is_on_the_page(app_with: Callable[..., Flask], password_hash: str) -> None:
    app = app_with(secret_key=SECRET, proxy="http://user:hush@proxy:3128")
    page = _signed_in(app, "admin", password_hash).get("/about").text
    text = plain(page)
    assert "MUSTER_SECRET_KEY set command line" in text and "MUSTER_PROXY set" in text
    assert "MUSTER_ENCRYPTION_KEYS not set" in text
    assert SECRET not in page and "hush" not in page
    assert app.config["SQLALCHEMY_DATABASE_URI"] not in page


def test_every_setting_has_its_row() -> None:
    rows = setting_rows(Settings(), origins({}, {}))
    assert [row.variable for row in rows.values()] == [
        config.variable(field) for field in Settings.__dataclass_fields__.values()
    ]
    assert not any(row.is_set for row in rows.values())


@pytest.mark.parametrize(
    ("environ", "overrides", "origin"),
    [
        ({}, {}, "default"),
        ({"MUSTER_SECRET_KEY": SECRET}, {}, "environment"),
        ({"MUSTER_SECRET_KEY": " "}, {}, "default"),
        ({"MUSTER_SECRET_KEY": SECRET}, {"secret_key": SECRET}, "command line"),
    ],
)
def test_where_a_setting_comes_from(environ: dict[str, str], overrides: dict[str, str], origin: str) -> None:
    assert origins(environ, overrides)["secret_key"] == origin


def test_a_secret_of_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    environ = {"MUSTER_SECRET_KEY_FILE": str(path)}
    row = setting_rows(load(environ), origins(environ, {}))["secret_key"]
    assert (row.value, row.origin, row.is_set) == ("set", f"file {path}", True)


def test_values_read_as_they_are_set() -> None:
    given = {"MUSTER_EGRESS_DENY": "10.0.0.0/8, *.internal", "MUSTER_PROBE_SECONDS": "7.50"}
    rows = setting_rows(load(given), origins(given, {}))
    assert rows["egress_deny"].value == "10.0.0.0/8, *.internal"
    assert rows["probe_seconds"].value == "7.5" and rows["practice"].value == "0"
    assert rows["ca_bundle"].value == ""


def test_what_it_links_to_is_there(admin: FlaskClient) -> None:
    page = admin.get("/about").text
    for path in ("/docs", "/openapi.json", "/healthz", "/readyz", "/catalogue"):
        assert f'href="{path}"' in page and admin.get(path).status_code == 200
    assert 'href="http://localhost/errors"' in page


def test_it_needs_somebody_signed_in(client: FlaskClient) -> None:
    assert client.get("/about").status_code == 303
