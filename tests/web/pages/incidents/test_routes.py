"""Incidents: the list, one with its timeline and looks, and who takes care."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.access.actors import SYSTEM
from app.store.audit_events import AuditEvent
from app.store.base import db, now
from app.store.models import RegisteredModel
from app.store.watch.channels import Channel, Delivery
from app.store.watch.health import Look
from app.store.watch.incidents import Incident, IncidentModel
from app.watch import incidents
from tests.rows import a_model
from tests.web.pages.conftest import plain
from tests.web.pages.watch.test_now import add, open_incident

WHY = "llm.example.com gave no answer within 10 s."


def begun(app: Flask, *names: str) -> str:
    """An incident as the watcher opens it, with models of these names; gives its id."""
    with app.app_context():
        first = a_model(display_name=names[0], model_id=names[0], health="down")
        db.session.add(first)
        others = [
            RegisteredModel(
                model_id=name, display_name=name, model_type="chat", region="eu", endpoint=first.endpoint
            )
            for name in names[1:]
        ]
        db.session.add_all(others)
        db.session.flush()
        incident = incidents.join([first, *others], "timeout", WHY, now())
        assert incident is not None
        db.session.commit()
        return incident.id


def test_the_list_tells_open_from_over(app: Flask, viewer: FlaskClient) -> None:
    model = add(app)
    open_incident(app, model, "here.example.com")
    open_incident(app, model, "over.example.com", resolved=now())
    everything = viewer.get("/incidents").text
    assert "here.example.com" in everything and "over.example.com" in everything
    assert "over.example.com" not in viewer.get("/incidents?state=open").text
    assert "here.example.com" not in viewer.get("/incidents?state=resolved").text


def test_a_page_says_what_why_since_and_what_to_do(app: Flask, viewer: FlaskClient) -> None:
    id = begun(app, "Llama", "Mistral")
    text = plain(viewer.get(f"/incidents/{id}").text)
    assert WHY in text and "for a moment" in text and "Nobody yet" in text
    assert "Down with it : Llama, Mistral" in text or "Down with it: Llama, Mistral" in text


def test_acknowledging_keeps_the_note_and_who(app: Flask, editor: FlaskClient) -> None:
    id = begun(app, "Llama")
    answer = editor.post(f"/incidents/{id}/acknowledge", data={"note": "The vendor knows: <b>#4711</b>"})
    assert answer.headers["Location"] == f"/incidents/{id}"
    page = editor.get(f"/incidents/{id}").text
    assert "&lt;b&gt;#4711" in page and "editor@example.com" in page and "Acknowledged" in page
    with app.app_context():
        assert db.session.scalars(db.select(AuditEvent).filter_by(action="incident.acknowledged")).one()


def test_from_the_first_page_one_click_acknowledges(app: Flask, editor: FlaskClient) -> None:
    id = begun(app, "Llama")
    answer = editor.post(f"/incidents/{id}/acknowledge", data={"back": "now"})
    assert answer.headers["Location"] == "/now"
    assert "editor@example.com" in editor.get("/now").text


def test_one_that_is_over_is_not_acknowledged(app: Flask, editor: FlaskClient) -> None:
    id = open_incident(app, add(app), resolved=now())
    assert "It was over" in editor.post(f"/incidents/{id}/acknowledge", follow_redirects=True).text
    with app.app_context():
        assert db.session.get_one(Incident, id).acknowledged is None


def test_a_viewer_may_not_acknowledge(app: Flask, viewer: FlaskClient) -> None:
    id = open_incident(app, add(app))
    assert viewer.post(f"/incidents/{id}/acknowledge").status_code == 403
    assert "<textarea" not in viewer.get(f"/incidents/{id}").text


def test_what_each_look_saw_stands_there(app: Flask, viewer: FlaskClient) -> None:
    model = add(app)
    id = open_incident(app, model)
    with app.app_context():
        seen = {"model_pk": model, "kind": "proof", "result": "failed", "code": "timeout"}
        db.session.add(Look(at=now(), message="Nothing came within 10 s", latency_ms=10_000, **seen))
        db.session.add(Look(at=now() - timedelta(days=1), message="Long before it", **seen))
        db.session.commit()
    text = plain(viewer.get(f"/incidents/{id}").text)
    assert "Nothing came within 10 s" in text and "10.0 s" in text and "Long before it" not in text


def test_the_timeline_is_told_to_its_end(app: Flask, viewer: FlaskClient) -> None:
    id = begun(app, "Llama", "Mistral")
    with app.app_context():
        models = db.session.scalars(db.select(IncidentModel.model_pk)).all()
        incidents.acknowledge(id, SYSTEM, "On it", now())
        for model in models:
            incidents.leave([model], now())
        db.session.commit()
    text = plain(viewer.get(f"/incidents/{id}").text)
    assert text.index("It ended") < text.index("Acknowledged by Muster itself") < text.index("It began")
    assert "Resolved" in text


def test_who_was_told_stands_there_and_whether_it_got_there(
    app: Flask, viewer: FlaskClient, admin: FlaskClient
) -> None:
    with app.app_context():
        channel = Channel(name="Night shift", kind="apprise", host="Slack", url_ciphertext=b"-")
        db.session.add(channel)
        db.session.commit()
        place = f'href="/channels/{channel.id}"'
    id, other = begun(app, "Llama"), begun(app, "Qwen")
    with app.app_context():
        of_other = Delivery.body["data"]["id"].as_string() == other
        db.session.execute(update(Delivery).where(of_other).values(state="failed"))
        db.session.commit()
    page = admin.get(f"/incidents/{id}").text
    assert "Night shift : that it began" in plain(page) and "Waiting" in plain(page) and place in page
    assert "Failed" not in plain(page)
    assert "Failed" in plain(admin.get(f"/incidents/{other}").text)
    assert "Night shift: that it began" in plain(viewer.get(f"/incidents/{id}").text)


def test_that_nobody_was_told_is_said(app: Flask, viewer: FlaskClient) -> None:
    assert "no channel asks for this" in viewer.get(f"/incidents/{begun(app, 'Llama')}").text


def test_models_are_links_as_long_as_they_are_there(app: Flask, viewer: FlaskClient) -> None:
    id = begun(app, "Llama", "Mistral")
    with app.app_context():
        gone = db.session.scalars(db.select(RegisteredModel).filter_by(model_id="Mistral")).one()
        there = db.session.scalars(db.select(RegisteredModel.id).filter_by(model_id="Llama")).one()
        db.session.delete(gone)
        db.session.commit()
        absent = gone.id
    for path in ("/now", "/incidents", f"/incidents/{id}"):
        page = viewer.get(path).text
        assert f'href="/models/{there}"' in page and f"/models/{absent}" not in page and "Mistral" in page


def test_an_outage_of_everything_weighs_no_more_than_another_page(app: Flask, editor: FlaskClient) -> None:
    id = begun(app, *(f"Model number {number:03}" for number in range(300)))
    for path in ("/now", "/incidents", f"/incidents/{id}"):
        page = editor.get(path)
        assert len(page.data) < 60_000 and "Model number 000" in page.text
    assert "and 250 more" in plain(page.text) and "and 295 more" in plain(page.text)


def test_an_unknown_one_is_a_page_that_says_so(viewer: FlaskClient) -> None:
    assert viewer.get("/incidents/00000000-0000-7000-8000-000000000000").status_code == 404
