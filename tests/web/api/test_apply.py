"""A whole wanted state in one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.practice.models import KEY
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.endpoints import Endpoint as Row
from app.store.labels import Labels, labels_of
from app.store.models import RegisteredModel
from tests.conftest import new_token
from tests.rows import opened
from tests.web.api.conftest import Endpoint

Headers = dict[str, str]
JSON = Any


@pytest.fixture
def wanted(endpoint: Endpoint) -> Iterator[dict[str, JSON]]:
    """A file with two models of one endpoint."""
    chat = {"model_id": "practice-chat", "model_type": "chat", "display_name": "Chat", "input_cost": 1.5}
    vectors = {"model_id": "practice-embedding", "model_type": "embedding", "enabled": False}
    yield {
        "name": "Gateway", "base_url": endpoint.base_url, "api_key": KEY, "region": "eu",
        "labels": {"owner": "Team", "tags": ["prod"]}, "models": [chat, vectors],
    }  # fmt: skip


def applied(client: FlaskClient, auth: Headers, *endpoints: JSON, **options: JSON) -> dict[str, JSON]:
    """What applying answers: the outcome of each entry by its name."""
    body = {"endpoints": list(endpoints)} | options
    answer = client.post("/v2/apply?depth=proof", json=body, headers=auth)
    assert answer.status_code == 200 and answer.json is not None, answer.text
    assert KEY not in answer.text
    return {entry["name"]: entry for entry in answer.json["entries"]}


def outcomes(entries: dict[str, JSON]) -> dict[str, str]:
    return {name: entry["outcome"] for name, entry in entries.items()}


ALL_NEW = {"Gateway": "create", "practice-chat": "create", "practice-embedding": "create"}
ALL_SAME = dict.fromkeys(ALL_NEW, "same")


def count(app: Flask, table: type = RegisteredModel) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_it_is_made_once_and_is_the_same_then(
    client: FlaskClient, auth: Headers, app: Flask, wanted: JSON, endpoint: Endpoint
) -> None:
    assert outcomes(applied(client, auth, wanted)) == ALL_NEW
    with app.app_context():
        chat, vectors = db.session.scalars(select(RegisteredModel).order_by(RegisteredModel.model_id))
        assert (chat.display_name, chat.region, chat.input_cost, chat.enabled) == ("Chat", "eu", 1.5, True)
        assert vectors.enabled is False and chat.endpoint.name == "Gateway"
        assert labels_of(chat.id) == labels_of(vectors.id) == Labels("Team", None, ("prod",))
    calls, events = len(endpoint.calls), count(app, AuditEvent)
    assert outcomes(applied(client, auth, wanted)) == ALL_SAME
    assert (len(endpoint.calls), count(app, AuditEvent)) == (calls, events)


def test_a_dry_run_contacts_and_writes_nothing(
    client: FlaskClient, auth: Headers, app: Flask, wanted: JSON, endpoint: Endpoint
) -> None:
    assert outcomes(applied(client, auth, wanted, dry_run=True)) == ALL_NEW
    assert endpoint.calls == [] and count(app) == count(app, Row) == count(app, AuditEvent) == 0


def test_what_differs_is_told_and_changed(
    client: FlaskClient, auth: Headers, wanted: JSON, endpoint: Endpoint
) -> None:
    applied(client, auth, wanted)
    calls = len(endpoint.calls)
    wanted["models"][0] |= {"input_cost": None, "region": "us"}
    wanted["models"][1] |= {"enabled": True, "labels": {"owner": "Search"}}
    entries = applied(client, auth, wanted)
    assert outcomes(entries) == ALL_SAME | {"practice-chat": "change", "practice-embedding": "change"}
    assert entries["practice-chat"]["changes"] == {"input_cost": [1.5, None], "region": ["eu", "us"]}
    assert set(entries["practice-embedding"]["changes"]) == {"enabled", "labels"}
    assert outcomes(applied(client, auth, wanted)) == ALL_SAME
    assert len(endpoint.calls) == calls


def test_what_the_file_does_not_say_stays(client: FlaskClient, auth: Headers, wanted: JSON) -> None:
    applied(client, auth, wanted)
    for name in ("api_key", "labels"):
        del wanted[name]
    for name in ("display_name", "input_cost"):
        del wanted["models"][0][name]
    assert outcomes(applied(client, auth, wanted)) == ALL_SAME


def test_a_new_name_keeps_the_endpoint(client: FlaskClient, auth: Headers, app: Flask, wanted: JSON) -> None:
    applied(client, auth, wanted)
    entries = applied(client, auth, wanted | {"name": "Renamed"})
    assert entries["Renamed"]["changes"] == {"name": ["Gateway", "Renamed"]}
    assert count(app, Row) == 1


@pytest.mark.both_databases
def test_headers_are_all_of_them(client: FlaskClient, auth: Headers, wanted: JSON) -> None:
    wanted["headers"] = {"X-Team": "blue", "X-Trace": "on"}
    assert outcomes(applied(client, auth, wanted)) == ALL_NEW
    again = applied(client, auth, wanted)
    assert again["Gateway"]["changes"] == {} and outcomes(again) == ALL_SAME
    wanted["headers"] = {"X-Team": "red"}
    entries = applied(client, auth, wanted)
    assert entries["Gateway"]["changes"] == {"headers": [["X-Team", "X-Trace"], ["X-Team"]]}
    assert outcomes(applied(client, auth, wanted)) == ALL_SAME


def test_a_key_that_does_not_work_changes_nothing(
    client: FlaskClient, auth: Headers, app: Flask, wanted: JSON
) -> None:
    applied(client, auth, wanted)
    entries = applied(client, auth, wanted | {"api_key": "wrong"})
    assert set(outcomes(entries).values()) == {"rejected"}
    assert entries["Gateway"]["error"]["message"].startswith("Nothing was changed")
    with app.app_context():
        assert opened(db.session.scalars(select(Row)).one()) == KEY


def test_one_that_does_not_work_stops_no_other(client: FlaskClient, auth: Headers, wanted: JSON) -> None:
    wanted["models"].append({"model_id": "no-such-model", "model_type": "chat"})
    wanted["models"].append({"model_id": "x", "model_type": "video"})
    entries = applied(client, auth, wanted)
    assert outcomes(entries) == ALL_NEW | {"no-such-model": "rejected", "x": "rejected"}
    assert entries["no-such-model"]["error"]["code"] == "model_not_found"
    assert entries["x"]["error"]["field"] == "model_type"


def test_without_prune_nothing_goes(client: FlaskClient, auth: Headers, app: Flask, wanted: JSON) -> None:
    applied(client, auth, wanted)
    wanted["models"].pop()
    assert set(outcomes(applied(client, auth, wanted))) == {"Gateway", "practice-chat"}
    assert count(app) == 2
    assert applied(client, auth) == {} and count(app) == 2


def test_prune_deletes_what_is_not_in_the_file(
    client: FlaskClient, auth: Headers, app: Flask, wanted: JSON
) -> None:
    applied(client, auth, wanted)
    gone = wanted["models"].pop()["model_id"]
    planned = applied(client, auth, wanted, prune=True, dry_run=True)
    assert planned[gone]["outcome"] == "delete" and count(app) == 2
    assert outcomes(applied(client, auth, wanted, prune=True))[gone] == "delete"
    assert count(app) == 1
    assert set(outcomes(applied(client, auth, prune=True)).values()) == {"delete"}
    assert count(app) == count(app, Row) == 0


def test_prune_waits_where_an_entry_can_not_be_read(
    client: FlaskClient, auth: Headers, app: Flask, wanted: JSON
) -> None:
    applied(client, auth, wanted)
    wanted["models"] = [{"model_id": "practice-chat", "model_type": "chatt"}]
    assert outcomes(applied(client, auth, wanted, prune=True))["practice-chat"] == "rejected"
    assert count(app) == 2


def test_a_stored_key_does_not_go_elsewhere(client: FlaskClient, auth: Headers, wanted: JSON) -> None:
    applied(client, auth, wanted)
    del wanted["api_key"]
    entries = applied(client, auth, wanted | {"base_url": "http://127.0.0.1:9/v1"}, dry_run=True)
    assert entries["Gateway"]["error"]["code"] == "api_key_required"


def test_the_same_twice_in_a_file_is_refused(client: FlaskClient, auth: Headers, wanted: JSON) -> None:
    wanted["models"].append(wanted["models"][0])
    answer = client.post("/v2/apply", json={"endpoints": [wanted], "dry_run": True}, headers=auth)
    assert [entry["outcome"] for entry in answer.json["entries"]] == [*["create"] * 3, "rejected"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], None), ({}, "endpoints"), ({"endpoints": {}}, "endpoints"), ({"endpoint": []}, "endpoint"),
        ({"endpoints": [], "prune": "yes"}, "prune"), ({"endpoints": [3]}, "endpoints[0]"),
    ],
)  # fmt: skip
def test_what_is_no_file_is_400(client: FlaskClient, auth: Headers, body: JSON, field: str | None) -> None:
    answer = client.post("/v2/apply", json=body, headers=auth)
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"].get("field") == field


def test_only_administrators_name_variables(
    client: FlaskClient, auth: Headers, app: Flask, wanted: JSON, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_KEY_GATEWAY", KEY)
    wanted["api_key"] = "env://MUSTER_KEY_GATEWAY"
    answer = client.post("/v2/apply", json={"endpoints": [wanted]}, headers=auth)
    assert answer.status_code == 403 and count(app) == 0
    admin = {"Authorization": f"Bearer {new_token(app, 'admin')}"}
    assert outcomes(applied(client, admin, wanted)) == ALL_NEW
    assert outcomes(applied(client, admin, wanted)) == ALL_SAME


def test_prune_spares_a_model_of_the_file_that_another_endpoint_has(
    client: FlaskClient, auth: Headers, app: Flask, wanted: JSON
) -> None:
    applied(client, auth, wanted)
    other = wanted | {"name": "Second", "headers": {"X-Team": "blue"}, "api_key": "another-key"}
    entries = applied(client, auth, other, prune=True)
    assert entries["Second"]["outcome"] == "rejected" and count(app) == 2
