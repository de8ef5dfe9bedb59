"""The values of a base URL's query may be keys: who may not write sees them nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.store.audit_events import AuditEvent
from app.store.base import db
from tests.conftest import new_token

SECRET = "hidden-in-the-query"


@pytest.fixture
def made(client: FlaskClient, auth: dict[str, str], good: dict[str, Any]) -> dict[str, Any]:
    """A model whose base URL has a query."""
    body = good | {"base_url": f"{good['base_url']}?key={SECRET}&v=1"}
    answer = client.post("/v2/models/openai-like?depth=proof", json=body, headers=auth)
    assert answer.status_code == 200 and answer.json is not None
    return dict(answer.json)


PATHS = ("/v2/models", "/v2/models/{id}", "/v2/models/{id}/artefacts", "/v2/models/{id}/artefacts?kind=curl",
         "/v2/models/export", "/v2/models/export?format=csv", "/v2/models/export?format=json",
         "/v2/endpoints", "/v2/models/{id}/probes")  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_the_api_shows_readers_none(client: FlaskClient, app: Flask, made: dict[str, Any], path: str) -> None:
    reader = {"Authorization": f"Bearer {new_token(app, 'read')}"}
    answer = client.get(path.format(id=made["id"]), headers=reader)
    assert answer.status_code == 200 and SECRET not in answer.text


def test_writers_see_what_they_wrote(client: FlaskClient, auth: dict[str, str], made: dict[str, Any]) -> None:
    shown = client.get(f"/v2/models/{made['id']}", headers=auth).json
    assert shown == made and SECRET in made["configuration"]["base_url"]


@pytest.mark.parametrize("path", ["/models", "/models/{id}", "/catalogue", "/catalogue/{id}"])
def test_pages_show_viewers_none(viewer: FlaskClient, made: dict[str, Any], path: str) -> None:
    answer = viewer.get(path.format(id=made["id"]))
    assert answer.status_code == 200 and SECRET not in answer.text


def test_the_audit_log_has_none(
    client: FlaskClient, app: Flask, auth: dict[str, str], made: dict[str, Any]
) -> None:
    client.delete(f"/v2/models/{made['id']}", headers=auth)
    with app.app_context():
        events = list(db.session.scalars(select(AuditEvent)))
    assert len(events) >= 2 and SECRET not in str([event.detail for event in events])
