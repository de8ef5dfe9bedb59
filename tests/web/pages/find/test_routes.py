"""The search of the header: what is found, by whom, and in which order."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from app.access import audit
from app.access.actors import COMMAND_LINE
from app.store.audit_events import AuditEvent
from app.store.base import db, new_id, now
from app.store.models import RegisteredModel
from app.watch import incidents as events
from app.web.pages.audit import LATELY
from tests.rows import a_model
from tests.web.pages.conftest import plain


@pytest.fixture(autouse=True)
def ids(app: Flask) -> list[str]:
    """Three models at endpoints of their own, the oldest first."""
    with app.app_context():
        models = []
        for number, host in enumerate(("gpu-1", "gpu-2", "relay")):
            url = f"https://{host}.example.com/v1?key=hidden-{number}"
            models.append(a_model(model_id=f"qwen-{number}", display_name=f"Qwen {number}", base_url=url))
            models[-1].endpoint.name = f"Rack {host}"
            db.session.add(models[-1])
            db.session.flush()
            audit.record(COMMAND_LINE, "model.registered", models[-1])
        audit.record(COMMAND_LINE, "user.created", subject="qwen@example.com")
        db.session.commit()
        return [model.id for model in models]


def found(browser: FlaskClient, q: str = "") -> dict[str, list[str]]:
    """The texts of what is found, by the label of its kind."""
    page = browser.get("/search", query_string={"q": q}).text
    groups = re.findall(r'<section class="hits" aria-label="([^"]*)">(.*?)</section>', page, re.S)
    return {
        label: [plain(hit) for hit in re.findall(r"<li>(.*?)</li>", body, re.S)] for label, body in groups
    }


def test_models_endpoints_and_events_are_found(viewer: FlaskClient) -> None:
    assert found(viewer, "QWEN qwen-1")["Models"] == ["Qwen 1 qwen-1 Unknown"]
    assert found(viewer, "rack GPU")["Endpoints"] == [
        "Rack gpu-2 gpu-2.example.com",
        "Rack gpu-1 gpu-1.example.com",
    ]
    assert found(viewer, "https://relay.example.com/v1")["Endpoints"] == ["Rack relay relay.example.com"]
    assert found(viewer, "Qwen 2")["Audit log"] == ["Registered a model Qwen 2 just now"]


def test_only_administrators_find_people_and_what_happened_to_them(
    viewer: FlaskClient, admin: FlaskClient
) -> None:
    assert found(viewer, "example.com").keys() == {"Models", "Endpoints"}
    assert found(admin, "viewer@")["People"] == ["viewer@example.com viewer"]
    assert "Added a person qwen@example.com just now" in found(admin, "qwen")["Audit log"]
    assert not any("Added" in event for event in found(viewer, "qwen")["Audit log"])


def test_incidents_are_found_by_endpoint_reason_and_model(
    app: Flask, viewer: FlaskClient, ids: list[str]
) -> None:
    with app.app_context():
        for id, code, message in ((ids[0], "server_error", "Out of memory."), (ids[1], "timeout", "Silent.")):
            model = db.session.get_one(RegisteredModel, id)
            events.join([model], code, message, now())
        db.session.commit()
    assert len(found(viewer, "rack gpu")["Incidents"]) == 2
    for q in ("rack MEMORY", "gpu-1 qwen", "gpu-1 error"):
        assert found(viewer, q)["Incidents"] == ["Server error Rack gpu-1, just now Open"]
    assert "Incidents" not in found(viewer, "gpu-2 memory")


def test_only_the_newest_events_are_looked_through_but_in_the_log(app: Flask, viewer: FlaskClient) -> None:
    with app.app_context():
        row = {"at": now(), "actor": "cli", "action": "model.probed", "subject": "Other", "detail": {}}
        db.session.execute(insert(AuditEvent), [row | {"id": new_id()} for _ in range(LATELY)])
        db.session.commit()
    assert "Audit log" not in found(viewer, "Qwen 2")
    assert "Registered a model" in plain(viewer.get("/audit?q=Qwen+2").text)


def test_what_was_opened_last_comes_first(viewer: FlaskClient, ids: list[str]) -> None:
    assert [hit[:6] for hit in found(viewer, "qwen")["Models"]] == ["Qwen 2", "Qwen 1", "Qwen 0"]
    assert found(viewer) == {}
    for id in (ids[1], ids[0]):
        assert viewer.get(f"/models/{id}").status_code == 200
    assert [hit[:6] for hit in found(viewer, "qwen")["Models"]] == ["Qwen 0", "Qwen 1", "Qwen 2"]
    assert [hit[:6] for hit in found(viewer)["Models"]] == ["Qwen 0", "Qwen 1"]


def test_every_hit_leads_to_a_page_that_is_there(admin: FlaskClient) -> None:
    page = admin.get("/search?q=qwen").text
    links = re.findall(r'href="([^"]*)"', page.partition('id="found"')[2].partition("</main>")[0])
    assert len(links) > 6
    assert {admin.get(html.unescape(link)).status_code for link in links} == {200}


@pytest.mark.parametrize("q", ["nothing like it", "%", "_", "\0", "x" * 500, "hidden-1"])
def test_what_is_not_there_or_secret_is_not_found(viewer: FlaskClient, q: str) -> None:
    assert not found(viewer, q)


def test_words_are_never_markup(viewer: FlaskClient) -> None:
    page = viewer.get("/search", query_string={"q": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in page and "Nothing is found" in page
