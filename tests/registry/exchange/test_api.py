"""The routes: import, export, artefacts."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.access.actors import COMMAND_LINE
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel
from tests.conftest import new_token
from tests.endpoints.base import Simulator
from tests.endpoints.changes import KEY
from tests.registry.exchange.rows import row

Headers = dict[str, str]
IMPORT = "/v2/models/litellm/import"


def definition(simulator: Simulator, name: str = "ours", **params: Any) -> dict[str, Any]:
    """A good definition of what a simulator serves."""
    good = {"model": f"openai/{simulator.model_id}", "api_base": simulator.base_url, "api_key": KEY}
    return {"model_name": name, "litellm_params": good | params, "model_info": {"mode": "chat"}}


def count(app: Flask, table: type = RegisteredModel) -> int:
    """How many rows there are."""
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def error_of(answer: Any, status: int = 400) -> dict[str, Any]:
    """The error of an answer."""
    assert answer.status_code == status, answer.json
    found: dict[str, Any] = answer.json["error"]
    return found


@pytest.mark.both_databases
def test_all_get_in(client: FlaskClient, auth: Headers, app: Flask) -> None:
    with Simulator() as simulator:
        sent = [definition(simulator, name) for name in ("one", "two", "three")]
        answer = client.post(IMPORT, json=sent, headers=auth)
    assert answer.status_code == 200 and answer.json is not None
    assert [document["model_id"] for document in answer.json] == ["one", "two", "three"]
    assert answer.json[0]["configuration"]["model_id"] == "good-model"
    assert count(app) == 3 and KEY not in answer.text


def test_an_empty_list(client: FlaskClient, auth: Headers) -> None:
    answer = client.post(IMPORT, json=[], headers=auth)
    assert (answer.status_code, answer.json) == (200, [])


@pytest.mark.both_databases
def test_one_rejected_probe_and_nothing_is_saved(client: FlaskClient, auth: Headers, app: Flask) -> None:
    with Simulator() as simulator:
        sent = [definition(simulator), definition(simulator, "bad", api_key="sk-wrong-key-000")]
        answer = client.post(IMPORT, json=sent, headers=auth)
    error = error_of(answer)
    assert (error["code"], error["field"]) == ("invalid_credentials", "[1].litellm_params.api_key")
    assert [detail["field"] for detail in error["details"]] == ["[1].litellm_params.api_key"]
    assert "Entry 2 (bad)" in error["message"] and "Nothing was imported." in error["message"]
    assert answer.json is not None and answer.json["probe"]["verdict"] == "rejected"
    assert count(app) == 0 and "sk-wrong-key-000" not in answer.text


def test_everything_wrong_is_told_at_once_and_nothing_contacted(
    client: FlaskClient, auth: Headers, app: Flask
) -> None:
    with Simulator() as simulator:
        sent = [
            definition(simulator),
            definition(simulator, model="anthropic/claude"),
            definition(simulator, "two", api_base="ftp://x", temperature=3),
            definition(simulator),
            "text",
        ]
        error = error_of(client.post(IMPORT, json=sent, headers=auth))
        assert simulator.seen == []
    assert [(detail["field"], detail["code"]) for detail in error["details"]] == [
        ("[1].litellm_params.model", "unsupported_kind"),
        ("[2].litellm_params.api_base", "invalid_url"),
        ("[2].litellm_params.temperature", "out_of_range"),
        ("[3].model_name", "already_exists"),
        ("[4]", "wrong_type"),
    ]
    assert "`litellm_params.api_base`" in error["details"][1]["message"]
    assert count(app) == 0


def test_what_is_there_already(client: FlaskClient, auth: Headers, app: Flask) -> None:
    with Simulator() as simulator:
        first = client.post(IMPORT, json=[definition(simulator)], headers=auth).json
        error = error_of(client.post(IMPORT, json=[definition(simulator)], headers=auth), 409)
    assert first and error["code"] == "already_exists" and first[0]["id"] in error["message"]
    assert count(app) == 1


def test_a_dry_run_says_what_would_be_done(client: FlaskClient, auth: Headers, app: Flask) -> None:
    with Simulator() as simulator:
        client.post(IMPORT, json=[definition(simulator, "old")], headers=auth)
        before = len(simulator.seen), count(app, AuditEvent)
        sent = [
            definition(simulator, "old"),
            definition(simulator, "new", rpm=3),
            definition(simulator, model="anthropic/claude"),
            definition(simulator, api_key="os.environ/HOME"),
        ]
        answer = client.post(f"{IMPORT}?dry_run=true&region=eu", json=sent, headers=auth)
        assert (len(simulator.seen), count(app, AuditEvent)) == before
    assert answer.status_code == 200 and answer.json is not None
    assert [step["action"] for step in answer.json] == ["exists", "create", "skip", "refuse"]
    assert [bool(step["existing"]) for step in answer.json] == [True, False, False, False]
    assert answer.json[1]["ignored"] == ["litellm_params.rpm"]
    assert answer.json[1]["request"]["region"] == "eu" and KEY not in answer.text


def test_deployments_of_one_name_are_told_what_tells_models_apart(client: FlaskClient, auth: Headers) -> None:
    with Simulator() as simulator:
        client.post(IMPORT, json=[definition(simulator, "old")], headers=auth)
        sent = [definition(simulator), definition(simulator, model="openai/other"), definition(simulator)]
        sent.append(definition(simulator, "old", model="openai/other"))
        steps = client.post(f"{IMPORT}?dry_run=true", json=sent, headers=auth).json
    assert steps is not None
    told = [problem["message"] for step in steps for problem in step["problems"]]
    assert [step["action"] for step in steps] == ["create", "refuse", "refuse", "exists"]
    assert "the model_name, address and type of entry 1" in told[0] and "model_name of its own" in told[0]
    assert told[1] == "It is the same model at the same endpoint as entry 1."
    assert "registered already" in told[2] and "told apart by model_id, base_url and model_type" in told[2]


@pytest.mark.parametrize(
    ("body", "code"), [({}, "wrong_type"), ([{}] * 201, "too_long"), ("x", "wrong_type")]
)
def test_what_is_no_list(client: FlaskClient, auth: Headers, body: Any, code: str) -> None:
    error = error_of(client.post(IMPORT, json=body, headers=auth))
    assert error["code"] == "invalid_request" and error.get("details", []) == []
    assert code == "too_long" or "array" in error["message"]


def test_reading_is_not_enough_to_import(client: FlaskClient, app: Flask) -> None:
    header = {"Authorization": f"Bearer {new_token(app, 'read')}"}
    assert error_of(client.post(IMPORT, json=[], headers=header), 403)["code"] == "insufficient_scope"


@pytest.mark.both_databases
def test_the_same_import_twice_is_one(client: FlaskClient, auth: Headers, app: Flask) -> None:
    headers = auth | {"Idempotency-Key": "import-1"}
    with Simulator() as simulator:
        answers = [client.post(IMPORT, json=[definition(simulator)], headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200] and answers[0].data == answers[1].data
    assert count(app) == 1


def add(app: Flask, **changes: Any) -> str:
    """A row in the database; gives its id."""
    with app.app_context():
        model = row(created_by=COMMAND_LINE.label, **changes)
        db.session.add(model)
        db.session.commit()
        return model.id


@pytest.mark.parametrize(
    ("form", "content_type", "starts"),
    [
        ("litellm", "application/yaml; charset=utf-8", "# For LiteLLM"),
        ("csv", "text/csv; charset=utf-8", '"id","refId"'),
        ("openai", "application/json", '{\n  "object": "list"'),
        ("json", "application/json", "[\n  {"),
    ],
)
def test_export(
    client: FlaskClient, auth: Headers, app: Flask, form: str, content_type: str, starts: str
) -> None:
    add(app)
    answer = client.get(f"/v2/models/export?format={form}", headers=auth)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.text.startswith(starts) and "good-model" in answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")


def test_an_export_is_on_record(client: FlaskClient, auth: Headers, app: Flask) -> None:
    add(app)
    assert client.get("/v2/models/export?format=csv", headers=auth).status_code == 200
    with app.app_context():
        (event,) = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "model.exported"))
        assert event.actor.startswith("token:") and event.detail == {"format": "models.csv"}


def test_export_is_litellms_unless_said_otherwise(client: FlaskClient, auth: Headers, app: Flask) -> None:
    add(app)
    answer = client.get("/v2/models/export", headers=auth)
    assert len(yaml.safe_load(answer.text)["model_list"]) == 1


def test_the_openai_list_has_what_the_catalog_has(client: FlaskClient, auth: Headers, app: Flask) -> None:
    for changes in ({}, {"model_id": "twin"}, {"model_id": "twin"}, {"model_id": "off", "enabled": False}):
        add(app, base_url=f"http://h/{len(str(changes))}/{count(app)}", **changes)
    exported = client.get("/v2/models/export?format=openai", headers=auth)
    assert exported.json == client.get("/v1/models", headers=auth).json


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("", ["down", "up"]),
        ("&healthy=false", ["down", "up"]),
        ("&healthy=true", ["up"]),
        ("&healthy=true&disabled=true", ["off", "up"]),
    ],
)
def test_what_is_down_may_be_left_out(
    client: FlaskClient, auth: Headers, app: Flask, query: str, there: list[str]
) -> None:
    add(app, base_url="http://h/1", model_id="up", health="up")
    add(app, base_url="http://h/2", model_id="down", health="down")
    add(app, base_url="http://h/3", model_id="off", health="degraded", enabled=False)
    for form in ("litellm", "json"):
        text = client.get(f"/v2/models/export?format={form}{query}", headers=auth).text
        listed = yaml.safe_load(text)
        rows = listed["model_list"] if form == "litellm" else listed
        assert sorted(row["model_name" if form == "litellm" else "model_id"] for row in rows) == there
    whole = client.get(f"/v2/models/export?format=muster{query}", headers=auth).text
    assert "down" in whole and "off" in whole


def test_an_unknown_format(client: FlaskClient, auth: Headers) -> None:
    error = error_of(client.get("/v2/models/export?format=xml", headers=auth))
    assert (error["code"], error["field"]) == ("invalid_request", "format")


@pytest.mark.parametrize("path", ["/v2/models/export", "/v2/models/x/artefacts"])
def test_without_a_token(client: FlaskClient, path: str) -> None:
    assert error_of(client.get(path), 401)["code"] == "authentication_required"


def test_artefacts_of_a_model(client: FlaskClient, auth: Headers, app: Flask) -> None:
    id = add(app)
    for ref in (id, "muster@openailike/good-model"):
        answer = client.get(f"/v2/models/{ref}/artefacts", headers=auth)
        assert answer.json is not None
        assert list(answer.json) == ["curl", "python", "node", "litellm", "terraform"]
        one = client.get(f"/v2/models/{ref}/artefacts?kind=curl", headers=auth)
        assert one.text == answer.json["curl"] and one.mimetype == "text/plain"


def test_a_model_whose_id_ends_like_the_route(client: FlaskClient, auth: Headers, app: Flask) -> None:
    id = add(app, model_id="x/artefacts")
    answer = client.get("/v2/models/muster@openailike/x/artefacts", headers=auth)
    assert answer.status_code == 200 and answer.json is not None and answer.json["id"] == id


def test_artefacts_of_nothing(client: FlaskClient, auth: Headers, app: Flask) -> None:
    assert error_of(client.get("/v2/models/nothing/artefacts", headers=auth), 404)["code"] == "not_found"
    error = error_of(client.get(f"/v2/models/{add(app)}/artefacts?kind=perl", headers=auth))
    assert (error["code"], error["field"]) == ("invalid_request", "kind")


@pytest.mark.parametrize(
    "text",
    [
        '"litellm_params": {"model": "openai/m", "api_base": "http://h/v1", "temperature": NaN}',
        '"litellm_params": {"model": "openai/m", "api_base": "http://h/v1", "temperature": 1e999}',
        '"litellm_params": {"model": "openai/m", "api_base": NaN}',
        '"litellm_params": {"model": "openai/m", "api_base": "http://h"}, "model_info": {"description": NaN}',
    ],
)
def test_a_dry_run_tells_of_what_is_no_json(client: FlaskClient, auth: Headers, text: str) -> None:
    body = f'[{{"model_name": "m", {text}}}]'
    headers = auth | {"Content-Type": "application/json"}
    answer = client.post(f"{IMPORT}?dry_run=true", data=body, headers=headers)
    assert answer.status_code == 200 and answer.json is not None
    (step,) = answer.json
    assert (step["action"], step["request"]) == ("refuse", None) and step["problems"]


def test_what_is_misspelt_or_doubled_is_not_lost_in_silence(client: FlaskClient, auth: Headers) -> None:
    good = {"model_name": "m", "litellm_params": {"model": "openai/m", "api_base": "http://127.0.0.1:9/v1"}}
    misspelt = {"model_name": "m", "litellm_params": good["litellm_params"], "modelinfo": {"mode": "rerank"}}
    error = error_of(client.post(IMPORT, json=[misspelt], headers=auth))
    assert error["field"] == "[0].modelinfo" and "model_info" in error["message"]
    doubled = json.dumps([good]).replace('{"model"', '{"model": "openai/other", "model"', 1)
    headers = auth | {"Content-Type": "application/json"}
    error = error_of(client.post(IMPORT, data=doubled, headers=headers))
    assert (error["details"][0]["code"], error["field"]) == ("duplicate_field", "[0].litellm_params.model")
    answer = client.post(f"{IMPORT}?dry_run=true", json=[good | {"tpm": 5}], headers=auth)
    assert answer.json is not None and answer.json[0]["ignored"] == ["tpm"]


def test_a_refused_id_is_told_at_the_place_it_stood(client: FlaskClient, auth: Headers) -> None:
    with Simulator() as simulator:
        sent = [definition(simulator), definition(simulator, "two", model="openai/nope")]
        error = error_of(client.post(IMPORT, json=sent, headers=auth))
    assert error["field"] == "[1].litellm_params.model"
