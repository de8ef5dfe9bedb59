"""GET /v2/models/{id}/credentials: who gets a key, and what stays of it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.practice.models import KEY
from app.store.audit_events import AuditEvent
from app.store.base import db, new_id
from tests.conftest import new_token

Headers = dict[str, str]


def bearer(app: Flask, *scopes: str) -> Headers:
    return {"Authorization": f"Bearer {new_token(app, *scopes)}"}


def made(client: FlaskClient, app: Flask, good: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A registered model's document."""
    headers = bearer(app, "admin")
    answer = client.post("/v2/models/openai-like?depth=proof", json=good | changes, headers=headers)
    assert answer.status_code == 200 and answer.json is not None
    return dict(answer.json)


def test_a_gateway_gets_the_key_and_it_is_on_record(
    client: FlaskClient, app: Flask, good: dict[str, Any]
) -> None:
    model = made(client, app, good, model_id="slug", configuration={"model_id": "practice-chat"})
    for ref in (model["id"], model["refId"]):
        answer = client.get(f"/v2/models/{ref}/credentials", headers=bearer(app, "credentials"))
        assert answer.status_code == 200
        assert answer.json == {
            "model": model["id"],
            "base_url": good["base_url"],
            "model_id": "practice-chat",
            "api_key": KEY,
        }
        assert answer.headers["Cache-Control"] == "no-store"
    with app.app_context():
        events = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "model.key_released")).all()
        assert [(event.actor, event.model_pk) for event in events] == [
            ("token:test credentials", model["id"])
        ] * 2
        assert KEY not in str([event.detail for event in events])


def test_asking_for_the_head_releases_nothing(client: FlaskClient, app: Flask, good: dict[str, Any]) -> None:
    model = made(client, app, good)
    url = f"/v2/models/{model['id']}/credentials"
    answer = client.head(url, headers=bearer(app, "credentials"))
    assert answer.status_code == 200 and "Content-Length" not in answer.headers
    assert client.head(url, headers=bearer(app, "admin")).status_code == 403
    assert (
        client.head(f"/v2/models/{new_id()}/credentials", headers=bearer(app, "credentials")).status_code
        == 404
    )
    with app.app_context():
        released = select(AuditEvent).where(AuditEvent.action == "model.key_released")
        assert db.session.scalars(released).all() == []


@pytest.mark.parametrize("scopes", [("read",), ("write",), ("admin",), ("read", "write", "admin")])
def test_no_other_scope_will_do(
    client: FlaskClient, app: Flask, good: dict[str, Any], scopes: tuple[str, ...]
) -> None:
    model = made(client, app, good)
    answer = client.get(f"/v2/models/{model['id']}/credentials", headers=bearer(app, *scopes))
    assert answer.status_code == 403 and KEY not in answer.get_data(as_text=True)
    with app.app_context():
        actions = set(db.session.scalars(select(AuditEvent.action)))
        assert actions == {"model.registered", "access.refused"}


def test_a_reference_is_resolved(
    client: FlaskClient, app: Flask, good: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_KEY_PRACTICE", KEY)
    model = made(client, app, good, api_key="env://MUSTER_KEY_PRACTICE")
    headers = bearer(app, "credentials")
    url = f"/v2/models/{model['id']}/credentials"
    assert client.get(url, headers=headers).json["api_key"] == KEY  # type: ignore[index]
    monkeypatch.delenv("MUSTER_KEY_PRACTICE")
    answer = client.get(url, headers=headers)
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"]["code"] == "api_key_unusable"


def test_what_is_not_there_has_no_key(client: FlaskClient, app: Flask) -> None:
    headers = bearer(app, "credentials")
    assert client.get(f"/v2/models/{new_id()}/credentials", headers=headers).status_code == 404
    assert client.get(f"/v2/models/{new_id()}/credentials").status_code == 401
