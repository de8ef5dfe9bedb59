"""POST /v2/models/openai-like."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.practice.models import KEY
from app.practice.server import PracticeServer
from app.practice.wire import error
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.leases import KeyControl
from app.store.models import RegisteredModel
from app.store.probes import Probe
from tests.conftest import new_token
from tests.web.api.conftest import Endpoint, document_problems

pytestmark = pytest.mark.both_databases

URL = "/v2/models/openai-like"
Headers = dict[str, str]
Body = dict[str, Any]


def count(app: Flask, table: type[Any]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_a_model_that_works_gets_in(client: FlaskClient, auth: Headers, good: Body, app: Flask) -> None:
    answer = client.post(URL, json=good, headers=auth)
    assert answer.status_code == 200, answer.json
    made = answer.json
    assert made is not None and document_problems(made) == []
    assert made["model_id"] == "practice-chat" and made["configuration"]["base_url"] == good["base_url"]
    assert made["metadata"]["supports_streaming"] is True and made["has_functions"] is True
    with app.app_context():
        model = RegisteredModel.by_id(made["id"])
        assert model is not None and model.last_probe_id is not None
        assert (model.health, model.created_by) == ("up", "token:test write")
        report = Probe.by_id(model.last_probe_id)
        assert (
            report is not None and report.report["model"] == made["id"] and report.trigger == "registration"
        )
        (event,) = db.session.scalars(select(AuditEvent).where(AuditEvent.model_pk == made["id"]))
        assert event.action == "model.registered"


def test_every_field_comes_back(client: FlaskClient, auth: Headers, good: Body) -> None:
    sent = good | {
        "description": "For tests", "max_tokens": 1024, "temperature": 0.2,
        "input_cost": 0.5, "output_cost": 1.5,
        "cache_read_cost": 0.1, "cache_write_cost": 0.7, "cost_per_image": 0.04, "has_reasoning": False,
        "supports_image_edit": False, "supports_strict_tool": True, "supports_tool_calling": True,
        "supports_vision": False, "benchmark_model": "gpt-4o", "model_id": "our/chat",
        "configuration": {"model_id": "practice-chat"},
    }  # fmt: skip
    made = client.post(URL, json=sent, headers=auth).json
    assert made is not None and document_problems(made) == []
    assert made["refId"] == "muster@openailike/our/chat"
    assert made["configuration"]["model_id"] == "practice-chat"
    assert (made["input_cost"], made["output_cost"], made["description"]) == (0.5, 1.5, "For tests")
    metadata = made["metadata"]
    assert [metadata[name] for name in ("supports_vision", "supports_image_edit", "supports_reasoning")] == [
        False
    ] * 3
    assert metadata["supports_strict_tool"] is True and metadata["cost_per_image"] == 0.04


def test_a_rejected_probe_is_400_with_the_report_and_leaves_an_audit_event_only(
    client: FlaskClient, auth: Headers, good: Body, app: Flask
) -> None:
    answer = client.post(URL, json=good | {"model_id": "practice-chatt"}, headers=auth)
    body = answer.json
    assert answer.status_code == 400 and body is not None
    assert (body["error"]["code"], body["error"]["field"]) == ("model_not_found", "model_id")
    assert "practice-chat" in body["error"]["suggestions"]["model_id"]
    assert body["probe"]["verdict"] == "rejected" and body["probe"]["model"] is None
    assert body["probe"]["diagnosis"]["code"] == "model_not_found"
    assert (count(app, RegisteredModel), count(app, Probe), count(app, AuditEvent)) == (0, 0, 1)


def test_a_wrong_key_is_named(client: FlaskClient, auth: Headers, good: Body) -> None:
    body = client.post(URL, json=good | {"api_key": "sk-wrong-and-secret"}, headers=auth).get_data(
        as_text=True
    )
    assert json.loads(body)["error"]["code"] == "invalid_credentials"
    assert json.loads(body)["error"]["field"] == "api_key" and "sk-wrong-and-secret" not in body


def test_a_limited_endpoint_is_a_rejection_like_any_other(
    client: FlaskClient, auth: Headers, good: Body
) -> None:
    refusal = replace(error(429, "Rate limit reached."), headers={"Retry-After": "86400"})
    limited = PracticeServer(lambda _request: refusal)
    limited.start()
    sent = good | {"base_url": f"http://127.0.0.1:{limited.server_port}/v1"}
    answer = client.post(URL, json=sent, headers=auth)
    limited.stop()
    assert answer.json is not None and answer.json["error"]["code"] == "rate_limited"
    assert answer.status_code == 400, "429 is Muster's own limit"


def test_strictness_makes_a_contradiction_a_rejection(client: FlaskClient, auth: Headers, good: Body) -> None:
    sent = good | {"model_id": "practice-chat-no-tools", "supports_tool_calling": True}
    answer = client.post(URL + "?strict=true", json=sent, headers=auth)
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"]["code"] == "capability_contradicted"
    assert answer.json["error"]["field"] == "supports_tool_calling"
    lenient = client.post(URL, json=sent, headers=auth).json
    assert lenient is not None and lenient["metadata"]["supports_tool_calling"] is True


def test_the_same_three_are_409_before_anything_is_contacted(
    client: FlaskClient, auth: Headers, good: Body, endpoint: Endpoint
) -> None:
    first = client.post(URL, json=good, headers=auth).json
    assert first is not None
    endpoint.calls.clear()
    answer = client.post(URL, json=good | {"display_name": "Another name"}, headers=auth)
    assert answer.status_code == 409 and answer.json is not None
    error = answer.json["error"]
    assert (
        error["code"] == "already_exists"
        and first["id"] in error["message"]
        and "Practice chat" in error["message"]
    )
    assert endpoint.calls == []
    other = client.post(URL, json=good | {"base_url": good["base_url"] + "/"}, headers=auth)
    assert other.status_code == 200, "another base URL is another deployment"


def test_of_two_at_once_one_gets_in(app: Flask, auth: Headers, good: Body, endpoint: Endpoint) -> None:
    endpoint.before = threading.Event()
    answers: list[int] = []

    def post() -> None:
        answers.append(app.test_client().post(URL, json=good, headers=auth).status_code)

    threads = [threading.Thread(target=post) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(endpoint.calls) < 3:
        threading.Event().wait(0.01)
    endpoint.before.set()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409, 409]
    assert count(app, RegisteredModel) == count(app, Probe) == 1


def test_the_key_is_nowhere(client: FlaskClient, auth: Headers, good: Body, app: Flask) -> None:
    answer = client.post(URL, json=good, headers=auth)
    assert answer.json is not None
    id = answer.json["id"]
    texts = [answer.get_data(as_text=True)]
    for path in (f"/v2/models/{id}", "/v2/models", f"/v2/models/{id}/probes"):
        texts.append(client.get(path, headers=auth).get_data(as_text=True))
    with app.app_context():
        for table in db.metadata.sorted_tables:
            texts += [str(row) for row in db.session.execute(select(table))]
    assert not [text for text in texts if KEY in text]


def test_a_key_of_the_environment_is_resolved_and_shown_by_name(
    client: FlaskClient, app: Flask, good: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_KEY_PRACTICE", KEY)
    auth = {"Authorization": f"Bearer {new_token(app, 'admin')}"}
    made = client.post(URL, json=good | {"api_key": "env://MUSTER_KEY_PRACTICE"}, headers=auth).json
    assert made is not None and made["configuration"]["api_key_env"] == "MUSTER_KEY_PRACTICE"


def wrong_keys(endpoint: Endpoint) -> int:
    return sum(bool(sent) and KEY not in sent for _, _, sent in endpoint.calls)


def test_a_wrong_key_is_tried_once_an_hour_per_origin(
    client: FlaskClient, auth: Headers, good: Body, endpoint: Endpoint, app: Flask
) -> None:
    client.post(URL, json=good | {"model_id": "nothing-of-the-kind"}, headers=auth)
    assert wrong_keys(endpoint) == 0 and count(app, KeyControl) == 0, "a rejected proof uses nothing up"
    client.post(URL, json=good, headers=auth)
    assert wrong_keys(endpoint) == 1
    client.post(URL, json=good | {"model_id": "practice-reasoning"}, headers=auth)
    assert wrong_keys(endpoint) == 1
    with app.app_context():
        db.session.execute(db.text("UPDATE key_controls SET at = '2020-01-01 00:00:00'"))
        db.session.commit()
    client.post(URL, json=good | {"model_id": "practice-chat-no-tools"}, headers=auth)
    assert wrong_keys(endpoint) == 2


def test_reading_is_not_enough(client: FlaskClient, good: Body, app: Flask, endpoint: Endpoint) -> None:
    reader = {"Authorization": f"Bearer {new_token(app, 'read')}"}
    answer = client.post(URL, json=good, headers=reader)
    assert answer.status_code == 403 and answer.json is not None
    assert answer.json["error"]["code"] == "insufficient_scope" and endpoint.calls == []


def test_validate_probes_and_stores_nothing(
    client: FlaskClient, auth: Headers, good: Body, app: Flask
) -> None:
    good_answer = client.post(URL + "/validate", json=good, headers=auth)
    bad_answer = client.post(URL + "/validate", json=good | {"api_key": "sk-bad"}, headers=auth)
    assert [good_answer.status_code, bad_answer.status_code] == [200, 200]
    assert good_answer.json is not None and bad_answer.json is not None
    assert [good_answer.json["verdict"], bad_answer.json["verdict"]] == ["accepted", "rejected"]
    assert good_answer.json["model"] is None
    assert count(app, RegisteredModel) == count(app, Probe) == 0


def test_no_connection_is_held_while_the_probe_runs(
    app: Flask, auth: Headers, good: Body, endpoint: Endpoint
) -> None:
    endpoint.before = threading.Event()
    thread = threading.Thread(target=lambda: app.test_client().post(URL, json=good, headers=auth))
    thread.start()
    while not endpoint.calls:
        threading.Event().wait(0.01)
    with app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    endpoint.before.set()
    thread.join()
