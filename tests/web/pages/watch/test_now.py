"""The first page: counts that lead to the list, what is wrong, and the state of the watch."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from app.store.base import db, new_id, now
from app.store.models import RegisteredModel
from app.store.watch.health import ModelHealth, WatchCost, WatchWorker
from app.store.watch.incidents import Incident, IncidentModel
from tests.rows import a_model
from tests.web.pages.conftest import plain


def add(app: Flask, **columns: object) -> str:
    """A model that was looked at a moment ago; gives its id."""
    with app.app_context():
        model = a_model(**{"health": "up", "base_url": f"https://{new_id()}.example.com/v1"} | columns)
        db.session.add(model)
        db.session.flush()
        db.session.add(watched(model))
        db.session.commit()
        return model.id


def watched(model: RegisteredModel, **columns: object) -> ModelHealth:
    """What the watcher keeps of a model that it has just looked at."""
    good = {"model_pk": model.id, "endpoint_id": model.endpoint.id, "state": model.health, "since": now()}
    good |= {"due": now() + timedelta(minutes=5), "covered": now(), "last_check": now()}
    return ModelHealth(**good | columns)


def open_incident(app: Flask, model_pk: str, name: str = "llm.example.com", **columns: object) -> str:
    """An incident that this model is in; gives its id."""
    with app.app_context():
        id = new_id()
        good = {"id": id, "open_key": id, "endpoint_id": new_id(), "endpoint_name": name, "opened": now()}
        good |= {"code": "timeout", "message": f"{name} gave no answer within 10 s."}
        db.session.add(Incident(**good | columns))
        db.session.flush()
        db.session.add(IncidentModel(incident_id=id, model_pk=model_pk, name="Llama", joined=now()))
        db.session.commit()
    return id


def test_the_root_leads_there(viewer: FlaskClient) -> None:
    assert viewer.get("/").headers["Location"] == "/now"


def test_without_models_it_says_how_to_begin(editor: FlaskClient) -> None:
    assert "No model is registered yet" in editor.get("/now").text


def test_counts_lead_to_exactly_these_models(app: Flask, viewer: FlaskClient) -> None:
    add(app, display_name="Well")
    add(app, display_name="Broken", health="down")
    add(app, display_name="Broken but switched off", health="down", enabled=False)
    page = viewer.get("/now").text
    assert "1 Down" in plain(page) and "1 Up" in plain(page) and "0 Degraded" in plain(page)
    assert "/models?health=down&amp;enabled=yes" in page
    found = viewer.get("/models?health=down&enabled=yes").text
    assert "Broken</a>" in found and "switched off" not in found and "Well</a>" not in found


def test_what_nobody_looked_at_is_counted_as_stale_and_filtered(app: Flask, viewer: FlaskClient) -> None:
    add(app, display_name="Fresh")
    old = add(app, display_name="Forgotten")
    with app.app_context():
        row = db.session.get_one(ModelHealth, old)
        row.covered = row.last_check = now() - timedelta(hours=2)
        db.session.commit()
    assert "1 Stale" in plain(viewer.get("/now").text)
    found = viewer.get("/models?health=stale").text
    assert "Forgotten</a>" in found and "Fresh</a>" not in found
    assert "Stale, last up" in plain(found)


def test_what_is_stale_follows_each_models_own_interval(app: Flask, viewer: FlaskClient) -> None:
    hourly, often = add(app, display_name="Hourly"), add(app, display_name="Often")
    with app.app_context():
        for id, every_s, ago in ((hourly, 3600, timedelta(hours=2)), (often, 60, timedelta(minutes=4))):
            row = db.session.get_one(ModelHealth, id)
            row.every_seconds, row.covered, row.last_check = every_s, now() - ago, now() - ago
        db.session.commit()
    found = viewer.get("/models?health=stale").text
    assert "Often</a>" in found and "Hourly</a>" not in found


def test_the_oldest_incident_that_nobody_acknowledged_stands_first(app: Flask, viewer: FlaskClient) -> None:
    model = add(app, health="down")
    open_incident(app, model, "newer.example.com")
    open_incident(app, model, "older.example.com", opened=now() - timedelta(hours=3))
    taken = {"opened": now() - timedelta(days=1), "acknowledged": now(), "acknowledged_by": "user:ada"}
    open_incident(app, model, "taken.example.com", **taken)
    open_incident(app, model, "over.example.com", resolved=now())
    text = plain(viewer.get("/now").text)
    places = [text.index(f"{name}.example.com") for name in ("older", "newer", "taken")]
    assert places == sorted(places)
    assert "over.example.com" not in text
    assert "3 hours ago" in text and "Llama" in text and "ada" in text


def test_a_watch_that_stands_still_is_told_before_all_else(app: Flask, viewer: FlaskClient) -> None:
    model = add(app)
    assert "The watch stands still" not in viewer.get("/now").text
    with app.app_context():
        db.session.get_one(ModelHealth, model).due = now() - timedelta(minutes=20)
        db.session.commit()
    page = viewer.get("/now").text
    assert "The watch stands still" in page and page.index("stands still") < page.index("What is wrong")


def test_the_month_s_cost_stands_there(app: Flask, viewer: FlaskClient) -> None:
    model = add(app)
    with app.app_context():
        db.session.add(WatchCost(model_pk=model, day=now().date(), tokens=12345, money=1.239))
        db.session.add(WatchWorker(name="here", threads=4, started=now(), heard=now()))
        db.session.commit()
    text = plain(viewer.get("/now").text)
    assert "12,345 tokens, about $1.24 where prices are known" in text
    assert "Workers 1" in text


def test_a_viewer_sees_no_button(app: Flask, viewer: FlaskClient) -> None:
    open_incident(app, add(app))
    page = viewer.get("/now").text
    assert "nobody yet" in page and "Acknowledge" not in page and "Register a model" not in page


def test_that_nobody_is_at_work_is_said_before_anything_is_late(app: Flask, viewer: FlaskClient) -> None:
    add(app)
    assert "No worker is running" in plain(viewer.get("/now").text)
    with app.app_context():
        db.session.add(WatchWorker(name="muster-1", threads=1, started=now(), heard=now()))
        db.session.commit()
    text = plain(viewer.get("/now").text)
    assert "On time" in text and "No worker is running" not in text
