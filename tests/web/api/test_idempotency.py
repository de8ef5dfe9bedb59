"""Idempotency-Key on a POST that creates."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update

from app.practice.models import KEY
from app.store.base import db, now
from app.store.leases import IdempotentAnswer
from app.store.models import RegisteredModel
from tests.conftest import new_token
from tests.web.api.conftest import Endpoint

pytestmark = pytest.mark.both_databases

Headers = dict[str, str]
Body = dict[str, Any]
URL = "/v2/models/openai-like?depth=proof"


def models(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(RegisteredModel)) or 0


@pytest.fixture
def once(auth: Headers) -> Headers:
    """The headers of a call with a key."""
    return auth | {"Idempotency-Key": "2f9c6c1e"}


def test_the_same_call_again_gets_the_first_answer(
    client: FlaskClient, once: Headers, good: Body, endpoint: Endpoint, app: Flask
) -> None:
    first = client.post(URL, json=good, headers=once)
    asked = len(endpoint.calls)
    again = client.post(URL, json=dict(reversed(good.items())), headers=once)
    assert (first.status_code, again.status_code, again.data) == (200, 200, first.data)
    assert again.headers["ETag"] == first.headers["ETag"] and again.mimetype == "application/json"
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"
    assert len(endpoint.calls) == asked and models(app) == 1


def test_another_body_or_query_is_409(client: FlaskClient, once: Headers, good: Body, app: Flask) -> None:
    client.post(URL, json=good, headers=once)
    for url, body in ((URL, good | {"region": "us"}), (URL + "&strict=true", good)):
        answer = client.post(url, json=body, headers=once)
        assert answer.status_code == 409 and answer.json is not None
        assert answer.json["error"]["code"] == "idempotency_key_reused"
    assert models(app) == 1


def test_twenty_at_once_make_one_model_and_probe_once(
    app: Flask, once: Headers, good: Body, endpoint: Endpoint
) -> None:
    answers: list[tuple[int, bytes]] = []
    start = threading.Barrier(20)

    def post() -> None:
        start.wait()
        answer = app.test_client().post(URL, json=good, headers=once)
        answers.append((answer.status_code, answer.data))

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20 and len(set(answers)) == 1 and answers[0][0] == 200
    assert models(app) == 1 and endpoint.proofs() == 1


def test_a_rejection_is_an_answer_too(
    client: FlaskClient, once: Headers, good: Body, endpoint: Endpoint
) -> None:
    wrong = good | {"api_key": "sk-wrong"}
    first = client.post(URL, json=wrong, headers=once)
    asked = len(endpoint.calls)
    again = client.post(URL, json=wrong, headers=once)
    assert first.status_code == again.status_code == 400 and first.data == again.data
    assert len(endpoint.calls) == asked


def test_a_key_is_of_one_caller(client: FlaskClient, once: Headers, good: Body, app: Flask) -> None:
    client.post(URL, json=good, headers=once)
    other = once | {"Authorization": f"Bearer {new_token(app, 'write')}"}
    assert client.post(URL, json=good, headers=other).status_code == 409
    assert client.post(URL, json=good | {"model_id": "practice-reasoning"}, headers=other).status_code == 409
    fresh = other | {"Idempotency-Key": "another"}
    assert client.post(URL, json=good | {"model_id": "practice-reasoning"}, headers=fresh).status_code == 200


def test_after_a_day_a_key_is_new(client: FlaskClient, once: Headers, good: Body, app: Flask) -> None:
    client.post(URL, json=good, headers=once)
    with app.app_context():
        db.session.execute(text("UPDATE idempotent_answers SET created = '2020-01-01 00:00:00'"))
        db.session.commit()
    answer = client.post(URL, json=good, headers=once)
    assert answer.status_code == 409 and answer.json is not None
    assert answer.json["error"]["code"] == "already_exists"


def test_who_died_at_work_holds_the_key_no_longer_than_its_lease(
    client: FlaskClient, once: Headers, good: Body, app: Flask
) -> None:
    client.post(URL, json=good, headers=once)
    with app.app_context():
        db.session.execute(text("DELETE FROM models"))
        past = text("'2020-01-01 00:00:00'")
        db.session.execute(update(IdempotentAnswer).values(status=None, body=None, leased=past))
        db.session.commit()
    assert client.post(URL, json=good, headers=once).status_code == 200
    assert models(app) == 1


def test_the_lease_is_short_and_lasts_as_long_as_the_work(
    app: Flask, once: Headers, good: Body, endpoint: Endpoint
) -> None:
    endpoint.before = threading.Event()
    thread = threading.Thread(target=lambda: app.test_client().post(URL, json=good, headers=once))
    thread.start()
    leases = []
    for _ in range(40):
        time.sleep(0.1)
        with app.app_context():
            leased = db.session.scalar(select(IdempotentAnswer.leased))
            if leased is not None:
                leases.append(leased - now())
    endpoint.before.set()
    thread.join()
    assert leases and max(leases) < timedelta(seconds=11), "a restart must not hold the key for long"
    assert min(leases) > timedelta(seconds=6), "work that takes longer must not lose it"


def test_a_fault_of_the_server_is_no_answer_to_keep(app: Flask, once: Headers, good: Body) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        db.session.execute(text("ALTER TABLE audit_events RENAME TO hidden"))
        db.session.commit()
    assert app.test_client().post(URL, json=good, headers=once).status_code == 500
    with app.app_context():
        db.session.execute(text("ALTER TABLE hidden RENAME TO audit_events"))
        db.session.commit()
    assert app.test_client().post(URL, json=good, headers=once).status_code == 200


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b", "\u00e4"])
def test_keys_are_short_visible_ascii(client: FlaskClient, auth: Headers, good: Body, key: str) -> None:
    answer = client.post(URL, json=good, headers=auth | {"Idempotency-Key": key})
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"]["field"] == "Idempotency-Key"


def test_nothing_of_the_body_is_kept_in_clear(
    client: FlaskClient, once: Headers, good: Body, app: Flask
) -> None:
    client.post(URL, json=good, headers=once)
    with app.app_context():
        (row,) = db.session.execute(select(IdempotentAnswer.__table__)).all()
    assert KEY not in str(row) and KEY.encode() not in row.body


def test_a_body_that_says_a_thing_twice_is_another_body(
    client: FlaskClient, once: Headers, good: Body
) -> None:
    client.post(URL, json=good, headers=once)
    twice = json.dumps(good).replace("{", '{"region": "on-prem", ', 1)
    headers = once | {"Content-Type": "application/json"}
    assert client.post(URL, data=twice, headers=headers).status_code == 409
