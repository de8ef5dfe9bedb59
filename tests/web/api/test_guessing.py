"""Who may write, and is no administrator, is never told whether a secret that they give is the stored one."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.practice.models import KEY
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.endpoints import Endpoint as EndpointRow
from tests.conftest import new_token
from tests.web.api.conftest import Endpoint

Headers = dict[str, str]
JSON = Any
SECRET, WRONG = "blue-team-1", "red-team-2"
_TIMES = {"updated", "key_changed"}


@pytest.fixture
def body(endpoint: Endpoint) -> dict[str, JSON]:
    """An endpoint with a header that nobody but the endpoint should know; it does not look at it."""
    models = [{"model_id": "practice-chat", "model_type": "chat"}]
    made = {"base_url": endpoint.base_url, "api_key": KEY, "name": "Gateway", "region": "eu"}
    return made | {"headers": {"X-Team": SECRET}, "models": models}


@pytest.fixture
def made(client: FlaskClient, auth: Headers, body: JSON, endpoint: Endpoint) -> dict[str, JSON]:
    """The endpoint as the API gives it, after it has forgotten its calls."""
    answer = client.post("/v2/endpoints?depth=proof", json=body, headers=auth)
    assert answer.status_code == 200, answer.text
    endpoint.calls.clear()
    return dict(answer.get_json()["endpoint"])


def planned(client: FlaskClient, auth: Headers, entry: JSON) -> JSON:
    answer = client.post("/v2/apply", json={"endpoints": [entry], "dry_run": True}, headers=auth)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


GUESSES: dict[str, tuple[JSON, JSON]] = {
    "a header": ({"headers": {"X-Team": SECRET}}, {"headers": {"X-Team": WRONG}}),
    "a key": ({"api_key": KEY}, {"api_key": "practice-kez"}),
    "a key of another name": ({"api_key": KEY, "name": "New"}, {"api_key": "practice-kez", "name": "New"}),
    "a key of no name": ({"api_key": KEY, "name": None}, {"api_key": "practice-kez", "name": None}),
}


@pytest.mark.parametrize("guess", GUESSES)
def test_a_plan_is_the_same_for_a_right_guess_and_a_wrong_one(
    client: FlaskClient, auth: Headers, app: Flask, body: JSON, made: JSON, endpoint: Endpoint, guess: str
) -> None:
    plain = {name: body[name] for name in ("name", "base_url", "region", "models")}
    right, wrong = (
        planned(client, auth, {k: v for k, v in (plain | one).items() if v is not None})
        for one in GUESSES[guess]
    )
    assert right == wrong and right["entries"][0]["outcome"] != "same"
    assert endpoint.calls == []
    chief = {"Authorization": f"Bearer {new_token(app, 'admin')}"}
    told = planned(client, chief, {k: v for k, v in (plain | GUESSES[guess][0]).items() if v is not None})
    assert told["counts"]["rejected"] == 0  # who sees everything is told what the file does


def test_a_file_without_secrets_is_the_same_for_everybody(
    client: FlaskClient, auth: Headers, body: JSON, made: JSON
) -> None:
    plain = {name: body[name] for name in ("name", "base_url", "region", "models")}
    assert planned(client, auth, plain)["counts"]["same"] == 2


@pytest.mark.parametrize("value", [SECRET, WRONG])
def test_a_changed_header_is_proven_and_on_record_whatever_was_stored(
    client: FlaskClient, auth: Headers, app: Flask, made: JSON, endpoint: Endpoint, value: str
) -> None:
    answer = client.patch(f"/v2/endpoints/{made['id']}", json={"headers": {"X-Team": value}}, headers=auth)
    assert answer.status_code == 200 and endpoint.proofs() > 0
    shown = answer.get_json()
    assert {name for name in made if made[name] != shown[name]} == {"updated"}
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "endpoint.updated")).one()
        assert event.detail["changes"] == {"headers": ["(not shown)", "(changed)"]}


def test_the_stored_key_again_has_all_the_marks_of_a_new_one(
    client: FlaskClient, auth: Headers, app: Flask, made: JSON, endpoint: Endpoint
) -> None:
    client.patch(f"/v2/endpoints/{made['id']}", json={"key_ends": "2099-01-31"}, headers=auth)
    answer = client.patch(f"/v2/endpoints/{made['id']}", json={"api_key": KEY}, headers=auth)
    assert answer.status_code == 200 and endpoint.proofs() > 0
    shown = answer.get_json()
    assert {name for name in made if made[name] != shown[name]} == _TIMES
    assert shown["key_ends"] is None


def test_models_that_are_there_tell_nothing_of_the_key(
    client: FlaskClient, auth: Headers, app: Flask, body: JSON, made: JSON, endpoint: Endpoint
) -> None:
    bodies = [body, body | {"api_key": "practice-kez"}, body | {"headers": {"X-Team": WRONG}}]
    answers = [client.post("/v2/endpoints", json=one, headers=auth) for one in bodies]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json == answers[1].json == answers[2].json
    assert endpoint.calls == []
    with app.app_context():
        assert db.session.query(EndpointRow).count() == 1
