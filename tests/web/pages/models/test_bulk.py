"""One thing done to many models."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.probes import Probe
from tests.web.pages.conftest import Form, models, register
from tests.web.pages.watch.test_now import open_incident


@pytest.fixture
def ids(app: Flask, editor: FlaskClient, good: Form) -> list[str]:
    """Three registered models, one of which has gone from its endpoint since."""
    for model_id in ("practice-chat", "practice-chat-no-tools", "practice-reasoning"):
        register(editor, good | {"model_id": model_id, "display_name": model_id})
    with app.app_context():
        gone = db.session.scalars(
            db.select(RegisteredModel).where(RegisteredModel.model_id == "practice-reasoning")
        ).one()
        gone.remote_model_id = "gone"
        db.session.commit()
    return sorted(model.id for model in models(app))


@pytest.mark.parametrize(("do", "left"), [("enable", [True] * 3), ("disable", [False, False, True])])
def test_the_ticked_ones_are_switched(
    app: Flask, editor: FlaskClient, ids: list[str], do: str, left: list[bool]
) -> None:
    assert editor.post("/models/bulk", data={"do": do, "id": ids[:2]}).status_code == 303
    assert [model.enabled for model in sorted(models(app), key=lambda model: model.id)] == left


def test_deleting_asks_first(app: Flask, editor: FlaskClient, ids: list[str]) -> None:
    page = editor.post("/models/bulk", data={"do": "delete", "id": ids[:2]}).text
    assert "Delete 2 models?" in page and "practice-chat-no-tools" in page
    assert len(models(app)) == 3
    editor.post("/models/bulk", data={"do": "delete", "sure": "yes", "id": ids[:2]})
    assert [model.id for model in models(app)] == ids[2:]
    with app.app_context():
        deleted = db.select(AuditEvent).where(AuditEvent.action == "model.deleted")
        assert len(db.session.scalars(deleted).all()) == 2


def test_probing_many_says_how_it_went(app: Flask, editor: FlaskClient, ids: list[str]) -> None:
    answer = editor.post("/models/bulk", data={"do": "probe", "id": ids})
    assert answer.status_code == 303
    assert "2 of 3 probes accepted" in editor.get("/models").text
    with app.app_context():
        again = db.select(Probe.model_pk).where(Probe.trigger == "manual")
        assert sorted(db.session.scalars(again)) == ids


def test_probing_many_is_watched(editor: FlaskClient, ids: list[str]) -> None:
    answer = editor.post(
        "/models/bulk", data={"do": "probe", "id": ids}, headers={"Accept": "application/x-ndjson"}
    )
    lines = [json.loads(line) for line in answer.text.splitlines()]
    ended = {line["name"]: line["status"] for line in lines if line["event"] == "check"}
    assert sorted(ended) == ids and sorted(ended.values()) == ["failed", "passed", "passed"]
    assert lines[-1]["summary"] == "2 of 3 probes accepted."


def test_from_an_incident_its_models_are_probed_and_it_leads_back(
    app: Flask, editor: FlaskClient, ids: list[str]
) -> None:
    incident = open_incident(app, ids[0])
    assert "Probe it again" in editor.get(f"/incidents/{incident}").text
    answer = editor.post("/models/bulk", data={"do": "probe", "incident": incident})
    assert answer.headers["Location"] == f"/incidents/{incident}"
    assert "1 of 1 probes accepted" in editor.get(answer.headers["Location"]).text


@pytest.mark.parametrize(("format", "begins"), [("json", "["), ("csv", ""), ("litellm", "# For LiteLLM")])
def test_the_ticked_ones_are_exported(
    app: Flask, editor: FlaskClient, ids: list[str], format: str, begins: str
) -> None:
    answer = editor.post("/models/bulk", data={"do": "export", "format": format, "id": ids[:1]})
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.text.startswith(begins) and "practice-chat" in answer.text
    assert "practice-reasoning" not in answer.text
    with app.app_context():
        exported = db.select(AuditEvent).where(AuditEvent.action == "model.exported")
        assert db.session.scalars(exported).one().detail["count"] == 1


def test_a_format_that_there_is_not_is_said(editor: FlaskClient, ids: list[str]) -> None:
    answer = editor.post("/models/bulk", data={"do": "export", "format": "xml", "id": ids[:1]})
    assert answer.status_code == 400 and "litellm, muster, csv, terraform, openai, json" in answer.text


@pytest.mark.parametrize(
    "form", [{"do": "delete"}, {"do": "enable", "id": ["nothing"]}], ids=["none", "unknown"]
)
def test_nothing_ticked_is_said(
    app: Flask, editor: FlaskClient, ids: list[str], form: dict[str, object]
) -> None:
    assert editor.post("/models/bulk", data=form).status_code == 303
    assert "Select at least one model" in editor.get("/models").text
    assert len(models(app)) == 3


def test_an_unknown_action_is_refused(editor: FlaskClient, ids: list[str]) -> None:
    assert editor.post("/models/bulk", data={"do": "explode", "id": ids}).status_code == 400


def test_a_viewer_ticks_nothing(viewer: FlaskClient, ids: list[str]) -> None:
    assert viewer.post("/models/bulk", data={"do": "disable", "id": ids}).status_code == 403
    assert 'class="tick-cell"' not in viewer.get("/models").text


@pytest.mark.parametrize("do", ["enable", "disable", "probe", "delete"])
def test_the_filters_survive(editor: FlaskClient, ids: list[str], do: str) -> None:
    sent = {"do": do, "sure": "yes", "id": ids[:1], "back": "q=practice&sort=name&turned=yes&nonsense=1"}
    answer = editor.post("/models/bulk", data=sent)
    assert answer.headers["Location"] == "/models?q=practice&turned=yes&sort=name"


def test_keeping_what_was_to_be_deleted_leads_back_to_the_search(editor: FlaskClient, ids: list[str]) -> None:
    page = editor.get("/models?q=practice").text
    assert 'name="back" value="q=practice"' in page
    page = editor.post("/models/bulk", data={"do": "delete", "id": ids, "back": "q=practice"}).text
    assert 'href="/models?q=practice">Keep them' in page and 'name="back" value="q=practice"' in page


def test_the_address_of_an_action_opens_the_list(editor: FlaskClient) -> None:
    assert editor.get("/models/bulk").headers["Location"] == "/models"
