"""/v2/endpoints: one endpoint, many models; proven before anything is stored."""

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
from tests.rows import a_model, an_endpoint, opened
from tests.web.api.conftest import Endpoint, document_problems

Headers = dict[str, str]
Body = dict[str, Any]
URL = "/v2/endpoints?depth=proof"
CHAT = {"model_id": "practice-chat", "model_type": "chat"}
REASONING = {"model_id": "practice-reasoning", "model_type": "chat"}
ABSENT = {"model_id": "practice-nothing", "model_type": "chat"}


@pytest.fixture
def body(endpoint: Endpoint) -> Body:
    """A body that makes an endpoint with two models."""
    made = {"base_url": endpoint.base_url, "api_key": KEY, "region": "on-prem", "name": "Practice"}
    return made | {"models": [CHAT, REASONING | {"display_name": "Thinks"}]}


@pytest.fixture
def made(client: FlaskClient, auth: Headers, body: Body, endpoint: Endpoint) -> Body:
    """The answer to `body`; the endpoint has forgotten its calls."""
    answer = client.post(URL, json=body, headers=auth)
    assert answer.status_code == 200 and answer.json is not None, answer.json
    endpoint.calls.clear()
    return dict(answer.json)


def row(app: Flask, id: str) -> EndpointRow:
    return db.session.get_one(EndpointRow, id)


def test_an_endpoint_gets_in_with_its_models(made: Body, endpoint: Endpoint) -> None:
    shown = made["endpoint"]
    assert (shown["name"], shown["base_url"], shown["models"]) == ("Practice", endpoint.base_url, 2)
    assert (shown["has_key"], shown["api_key_env"], shown["health"]) == (True, None, "up")
    assert shown["auth"] == {"header": "Authorization", "scheme": "Bearer"} and shown["headers"] == []
    assert [result["outcome"] for result in made["results"]] == ["registered"] * 2
    for result, name in zip(made["results"], ("practice-chat", "Thinks"), strict=True):
        assert document_problems(result["model"]) == [] and result["model"]["display_name"] == name
        assert result["model"]["configuration"]["integration_id"] == shown["id"]
    assert KEY not in str(made)


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ("2030-01-31", "2030-01-31T00:00:00.000Z"),
        ("2030-01-31T12:00:00+02:00", "2030-01-31T10:00:00.000Z"),
    ],
)
def test_a_person_states_when_the_key_ends(
    client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint, stated: str, kept: str
) -> None:
    assert made["endpoint"]["key_ends"] is None
    told = change(client, auth, made, key_ends=stated)
    assert (told.status_code, (told.json or {})["key_ends"], endpoint.calls) == (200, kept, [])
    again = change(client, auth, made, name="Gateway")
    assert (again.json or {})["key_ends"] == kept
    gone = change(client, auth, made, key_ends=None)
    assert (gone.json or {})["key_ends"] is None


@pytest.mark.parametrize("wrong", ["soon", "2030-02-30", "2030-01-31T12:00:00", "1999-01-01", 7])
def test_what_is_no_time_is_no_end_of_a_key(
    client: FlaskClient, auth: Headers, made: Body, wrong: str | int
) -> None:
    told = change(client, auth, made, key_ends=wrong)
    assert (told.status_code, (told.json or {})["error"]["field"]) == (400, "key_ends")


def test_another_key_has_another_end(
    client: FlaskClient, app: Flask, auth: Headers, made: Body, endpoint: Endpoint
) -> None:
    change(client, auth, made, key_ends="2030-01-31")
    endpoint.practice.key = "another-key"
    told = change(client, auth, made, api_key="another-key")
    assert (told.status_code, (told.json or {})["key_ends"]) == (200, None)
    endpoint.practice.key = "a-third-key"
    told = change(client, auth, made, api_key="a-third-key", key_ends="2031-01-31")
    assert (told.json or {})["key_ends"] == "2031-01-31T00:00:00.000Z"
    with app.app_context():
        changed = select(AuditEvent).where(AuditEvent.action == "endpoint.updated").order_by(AuditEvent.id)
        ends = [(event.detail or {})["changes"]["key_ends"] for event in db.session.scalars(changed)]
    moments = [f"{year}-01-31T00:00:00.000Z" for year in (2030, 2031)]
    assert ends == [[None, moments[0]], [moments[0], None], [None, moments[1]]]


def test_what_fails_is_told_and_the_rest_gets_in(
    client: FlaskClient, auth: Headers, body: Body, endpoint: Endpoint
) -> None:
    answer = client.post(URL, json=body | {"models": [CHAT, ABSENT, CHAT]}, headers=auth)
    assert answer.status_code == 200 and answer.json is not None
    assert [result["outcome"] for result in answer.json["results"]] == ["registered", "rejected", "rejected"]
    codes = [result["error"] and result["error"]["code"] for result in answer.json["results"]]
    assert codes == [None, "model_not_found", "already_exists"] and answer.json["endpoint"]["models"] == 1
    again = client.post(f"/v2/endpoints/{answer.json['endpoint']['id']}/models?depth=proof",
                        json={"models": [CHAT], "region": "eu"}, headers=auth)  # fmt: skip
    assert again.status_code == 200 and again.json is not None
    assert again.json["results"][0]["outcome"] == "exists"


def test_without_one_that_works_nothing_is_kept(
    client: FlaskClient, app: Flask, auth: Headers, body: Body
) -> None:
    answer = client.post(URL, json=body | {"models": [ABSENT]}, headers=auth)
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"]["code"] == "model_not_found" and answer.json["endpoint"] is None
    assert answer.json["results"][0]["outcome"] == "rejected"
    assert client.get("/v2/endpoints", headers=auth).json == []


def test_the_same_url_and_key_are_the_same_endpoint(
    client: FlaskClient, auth: Headers, made: Body, good: Body
) -> None:
    embedding = good | {"model_id": "practice-embedding", "model_type": "embedding"}
    other = client.post("/v2/models/openai-like?depth=proof", json=embedding, headers=auth).json
    assert other is not None and other["configuration"]["integration_id"] == made["endpoint"]["id"]
    assert client.get(f"/v2/endpoints/{made['endpoint']['id']}", headers=auth).json["models"] == 3  # type: ignore[index]


def test_a_model_with_another_key_moves_and_the_others_stay(
    client: FlaskClient, app: Flask, made: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_KEY_P", KEY)
    chief = {"Authorization": f"Bearer {new_token(app, 'admin')}"}
    first, second = (result["model"] for result in made["results"])
    change = {"display_name": "M", "region": "r", "model_type": "chat", "api_key": "env://MUSTER_KEY_P"}
    answer = client.patch(f"/v2/models/openai-like/{first['id']}", json=change, headers=chief)
    assert answer.status_code == 200 and answer.json is not None
    assert answer.json["configuration"]["integration_id"] != made["endpoint"]["id"]
    stayed = client.get(f"/v2/models/{second['id']}", headers=chief).json
    assert stayed is not None and stayed["configuration"]["integration_id"] == made["endpoint"]["id"]


def change(client: FlaskClient, auth: Headers, made: Body, query: str = "", **changes: Any) -> Any:
    return client.patch(f"/v2/endpoints/{made['endpoint']['id']}{query}", json=changes, headers=auth)


def test_a_name_needs_no_probe(client: FlaskClient, auth: Headers, made: Body, endpoint: Endpoint) -> None:
    answer = change(client, auth, made, name="Gateway")
    assert answer.status_code == 200 and answer.json["name"] == "Gateway" and endpoint.calls == []


def test_a_key_that_does_not_work_changes_nothing(
    client: FlaskClient, app: Flask, auth: Headers, made: Body
) -> None:
    answer = change(client, auth, made, api_key="sk-wrong", name="New")
    assert answer.status_code == 400 and answer.json["error"]["code"] == "invalid_credentials"
    assert [result["outcome"] for result in answer.json["results"]] == ["rejected"] * 2
    assert client.get(f"/v2/endpoints/{made['endpoint']['id']}", headers=auth).json == made["endpoint"]
    with app.app_context():
        assert opened(row(app, made["endpoint"]["id"])) == KEY


def test_headers_go_along_and_never_come_back(
    client: FlaskClient, app: Flask, auth: Headers, made: Body
) -> None:
    answer = change(client, auth, made, headers={"X-Team": "team-secret", "X-Zone": "zone-secret"})
    assert answer.status_code == 200 and answer.json["headers"] == ["X-Team", "X-Zone"]
    answer = change(client, auth, made, headers={"X-Team": None})
    assert answer.status_code == 200 and answer.json["headers"] == ["X-Zone"]
    assert change(client, auth, made, headers=None).json["headers"] == []
    with app.app_context():
        events = str([event.detail for event in db.session.scalars(select(AuditEvent))])
    assert "secret" not in events


def test_the_use_of_stored_headers_is_on_record_where_there_is_no_key(
    client: FlaskClient, app: Flask, auth: Headers, made: Body
) -> None:
    """For some endpoints a header is what a key is for others."""
    headers = {"Authorization": f"Bearer {KEY}"}
    assert change(client, auth, made, api_key=None, headers=headers).status_code == 200
    model = made["results"][0]["model"]["id"]
    assert client.post(f"/v2/models/{model}/probes?depth=proof", headers=auth).status_code == 200
    with app.app_context():
        used = select(AuditEvent).where(AuditEvent.action == "key.used").order_by(AuditEvent.id.desc())
        detail = db.session.scalars(used).first().detail  # type: ignore[union-attr]
    assert (detail["use"], detail["key"]) == ("probe", "headers") and KEY not in str(detail)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "x"),
        ("Connection", "x"),
        ("X Y", "x"),
        ("X-A", "a\r\nb"),
        ("X-A", 1),
        ("Content-Length", "1"),
    ],
)
def test_headers_that_are_http_s_own_are_refused(
    client: FlaskClient, auth: Headers, made: Body, name: str, value: Any
) -> None:
    answer = change(client, auth, made, headers={name: value})
    assert answer.status_code == 400 and answer.json["error"]["field"] == f"headers.{name}"


def test_more_than_twenty_headers_are_refused(client: FlaskClient, auth: Headers, made: Body) -> None:
    answer = change(client, auth, made, headers={f"X-{at}": "x" for at in range(21)})
    assert answer.status_code == 400 and answer.json["error"]["field"] == "headers"


def test_null_takes_the_key_away(client: FlaskClient, auth: Headers, made: Body) -> None:
    answer = change(client, auth, made, "?partial=true", api_key=None)
    assert answer.status_code == 400 and "No key was filled in" in answer.text


def test_it_goes_only_when_it_is_empty(client: FlaskClient, auth: Headers, made: Body) -> None:
    url = f"/v2/endpoints/{made['endpoint']['id']}"
    answer = client.delete(url, headers=auth)
    assert answer.status_code == 409 and "2 models" in answer.json["error"]["message"]  # type: ignore[index]
    for result in made["results"]:
        client.delete(f"/v2/models/{result['model']['id']}", headers=auth)
    assert client.delete(url, headers=auth).status_code == 200
    assert client.get(url, headers=auth).status_code == 404


def test_its_catalog_says_what_is_registered(
    client: FlaskClient, app: Flask, auth: Headers, made: Body
) -> None:
    answer = client.get(f"/v2/endpoints/{made['endpoint']['id']}/catalog", headers=auth)
    assert answer.status_code == 200 and answer.json is not None and answer.json["problem"] is None
    registered = {model["id"]: model["registered"] for model in answer.json["models"]}
    assert registered["practice-chat"] == made["results"][0]["model"]["id"]
    assert registered["practice-embedding"] is None
    with app.app_context():
        last = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert last is not None and last.detail["use"] == "list_models"


def test_a_stored_key_stays_at_its_origin(client: FlaskClient, auth: Headers, made: Body) -> None:
    answer = change(client, auth, made, base_url="http://127.0.0.1:1/v1")
    assert answer.status_code == 400 and answer.json["error"]["code"] == "api_key_required"


def test_query_values_are_shown_to_writers_only(
    client: FlaskClient, app: Flask, auth: Headers, body: Body
) -> None:
    secret = body | {"base_url": body["base_url"] + "?key=hidden&v=1"}
    answer = client.post(URL, json=secret, headers=auth)
    assert answer.status_code == 200 and answer.json is not None
    url = f"/v2/endpoints/{answer.json['endpoint']['id']}"
    assert client.get(url, headers=auth).json["base_url"] == secret["base_url"]  # type: ignore[index]
    reader = {"Authorization": f"Bearer {new_token(app, 'read')}"}
    shown = client.get(url, headers=reader).json["base_url"]  # type: ignore[index]
    assert shown == body["base_url"] + "?key=…&v=…"


@pytest.mark.parametrize(
    ("models", "health"),
    [([], "unknown"), (["up", "up"], "up"), (["up", "down"], "degraded"), (["down"], "down"),
     (["up", "degraded"], "degraded"), (["up", "unknown"], "up"), (["up", "off"], "up")],
)  # fmt: skip
def test_the_health_of_an_endpoint_is_that_of_what_is_enabled(
    client: FlaskClient, app: Flask, auth: Headers, models: list[str], health: str
) -> None:
    with app.app_context():
        ours, other = an_endpoint(), an_endpoint("https://other.example.com/v1")
        for at, state in enumerate(models):
            row = a_model(
                model_id=str(at), health="down" if state == "off" else state, enabled=state != "off"
            )
            row.endpoint = ours
            db.session.add(row)
        theirs = a_model(model_id="theirs", health="down")
        theirs.endpoint = other
        db.session.add_all([ours, theirs])
        db.session.commit()
        id = ours.id
    shown = client.get(f"/v2/endpoints/{id}", headers=auth).json
    assert shown is not None and (shown["models"], shown["health"]) == (len(models), health)


def test_each_address_says_what_it_takes(client: FlaskClient) -> None:
    assert client.options("/v2/endpoints/catalog").allow.as_set() == {"options", "post"}
    assert "patch" in client.options("/v2/endpoints/catalogue").allow.as_set()
