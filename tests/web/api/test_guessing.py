"""Nobody who may write finds a stored secret by trying: dry runs are on record and limited."""

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
LIMIT = 20
"""The default of MUSTER_SIGNIN_FAILURES."""


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


def compared(app: Flask) -> list[JSON]:
    """What the audit log has of secrets that were compared."""
    asked = select(AuditEvent.detail).where(AuditEvent.action == "secrets.compared")
    with app.app_context():
        return list(db.session.scalars(asked))


@pytest.mark.parametrize(
    "guess",
    [{"headers": {"X-Team": WRONG}}, {"api_key": "practice-kez"}],
    ids=["a header", "a key"],
)
def test_guessing_by_dry_runs_is_on_record_and_ends(
    client: FlaskClient, auth: Headers, app: Flask, body: JSON, made: JSON, endpoint: Endpoint, guess: JSON
) -> None:
    def dry(entry: JSON, headers: Headers = auth) -> Any:
        return client.post("/v2/apply", json={"endpoints": [entry], "dry_run": True}, headers=headers)

    told = [dry(body | guess) for _ in range(LIMIT + 1)]
    assert [answer.status_code for answer in told] == [200] * LIMIT + [429]
    assert told[-1].json["error"]["code"] == "rate_limited" and int(told[-1].headers["Retry-After"]) > 0
    assert compared(app) == [{"endpoints": [made["id"]]}] * LIMIT and endpoint.calls == []
    assert dry(body).status_code == 429, "else the right one is known by its answer"
    once = [dry(body, auth | {"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.headers.get("Idempotency-Replayed") for answer in once] == [None, None]
    plain = {name: body[name] for name in ("name", "base_url", "region", "models")}
    assert dry(plain).json["counts"]["same"] == 2
    chief = {"Authorization": f"Bearer {new_token(app, 'admin')}"}
    assert dry(body | guess, chief).status_code == 200 and len(compared(app)) == LIMIT


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_file_with_many_keys_for_one_endpoint_counts_each(
    client: FlaskClient, auth: Headers, app: Flask, body: JSON, made: JSON, dry_run: bool
) -> None:
    """Without a name an endpoint is found by its key, and what is rejected was never seen by an endpoint."""
    models = [{"model_id": "x", "model_type": "none such"}]
    some = [
        {"base_url": body["base_url"], "api_key": f"sk-{at}", "models": models} for at in range(LIMIT + 1)
    ]
    answer = client.post("/v2/apply", json={"endpoints": some, "dry_run": dry_run}, headers=auth)
    assert answer.status_code == (429 if dry_run else 200)
    answer = client.post("/v2/apply", json={"endpoints": some[:1], "dry_run": True}, headers=auth)
    assert answer.status_code == 429


def test_what_is_rejected_for_something_else_tells_of_no_secret_unseen(
    client: FlaskClient, auth: Headers, app: Flask, body: JSON, made: JSON, endpoint: Endpoint
) -> None:
    """The stored key goes to no other server, and the plan says all the same what would change."""
    entry = {"name": "Gateway", "base_url": "http://127.0.0.1:1/v1", "headers": {"X-Team": WRONG}}
    answer = client.post("/v2/apply", json={"endpoints": [entry]}, headers=auth)
    assert answer.get_json()["counts"]["rejected"] == 1 and endpoint.calls == []
    assert compared(app) == [{"endpoints": [made["id"]]}]


def test_a_file_without_other_secrets_is_not_counted(
    client: FlaskClient, auth: Headers, app: Flask, body: JSON, made: JSON
) -> None:
    plain = {name: body[name] for name in ("name", "base_url", "models")} | {"region": "us"}
    answer = client.post("/v2/apply", json={"endpoints": [plain], "dry_run": True}, headers=auth)
    assert answer.get_json()["counts"]["change"] == 1 and compared(app) == []


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
