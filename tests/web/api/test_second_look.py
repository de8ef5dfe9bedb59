"""Models that others change or delete meanwhile, and what a second look at a model must not lose."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from app.access.actors import COMMAND_LINE
from app.errors import ApiError
from app.registry import changes, probing, registration, stored_documents
from app.registry.document import ref_id
from app.registry.probing import Probed
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel
from tests.rows import a_model

pytestmark = pytest.mark.both_databases

Headers = dict[str, str]
Body = dict[str, Any]


@pytest.fixture
def made(client: FlaskClient, auth: Headers, good: Body) -> Body:
    """A registered model's document."""
    answer = client.post("/v2/models/openai-like?depth=proof", json=good, headers=auth)
    assert answer.status_code == 200 and answer.json is not None
    return dict(answer.json)


def test_enabling_writes_no_document_of_an_old_look(app: Flask, made: Body) -> None:
    with app.app_context():
        assert RegisteredModel.by_id(made["id"])  # this session has seen the model before the change
        with db.engine.begin() as other:
            other.execute(text("UPDATE models SET display_name = 'Newer'"))
        changes.set_enabled(made["id"], COMMAND_LINE, enabled=False)
        kept = stored_documents.stored(made["id"])
        assert kept and json.loads(kept.body)["display_name"] == "Newer"


def test_a_model_is_deleted_once(app: Flask, made: Body) -> None:
    with app.app_context():
        changes.remove(made["id"], COMMAND_LINE)
        for act in (
            lambda: changes.remove(made["id"], COMMAND_LINE),
            lambda: changes.set_enabled(made["id"], COMMAND_LINE, enabled=False),
        ):
            with pytest.raises(ApiError) as caught:
                act()
            assert caught.value.status == 404
        deleted = select(func.count()).where(AuditEvent.action == "model.deleted")
        assert db.session.scalar(deleted) == 1


def test_enabling_honours_if_match(client: FlaskClient, auth: Headers, made: Body) -> None:
    url = f"/v2/workspace-models/{made['id']}"
    assert client.delete(url, headers=auth | {"If-Match": '"another"'}).status_code == 412
    etag = client.get(f"/v2/models/{made['id']}", headers=auth).headers["ETag"]
    assert client.delete(url, headers=auth | {"If-Match": etag}).status_code == 204


def test_what_a_probe_does_not_ask_stays_as_it_was_seen(app: Flask, good: Body) -> None:
    with app.app_context():
        end = registration.drain(registration.register(good, COMMAND_LINE))
        assert isinstance(end, probing.Registered)
        model = RegisteredModel.by_id(end.model_id)
        assert model is not None
        before, seen = dict(model.observed), dict(model.capabilities)
        assert before["supports_tool_calling"] is True
        again = registration.drain(registration.reprobe(model, COMMAND_LINE, depth="proof"))
        assert isinstance(again, Probed) and again.report["capabilities"]["tool_calling"]["observed"] is None
        db.session.refresh(model)
        assert model.observed == before and model.capabilities == seen


def test_another_endpoint_starts_with_nothing_seen(
    client: FlaskClient, app: Flask, auth: Headers, good: Body
) -> None:
    made = client.post("/v2/models/openai-like", json=good, headers=auth).json
    assert made is not None and made["metadata"]["supports_vision"] is True
    change = {name: good[name] for name in ("display_name", "region", "model_type")}
    answer = client.patch(
        f"/v2/models/openai-like/{made['id']}?depth=proof",
        json=change | {"model_id": "practice-chat-no-tools"},
        headers=auth,
    )
    assert answer.status_code == 200 and answer.json is not None
    assert "supports_vision" not in answer.json["metadata"] and answer.json["has_functions"] is False


@pytest.mark.parametrize("name", ["é😀", "a%2Fb", "./a/../b", "..", "a?b#c"])
def test_the_link_of_a_history_leads_on_whatever_the_id(
    client: FlaskClient, app: Flask, auth: Headers, made: Body, name: str
) -> None:
    url = f"/v2/models/{made['id']}/probes"
    assert client.post(f"{url}?depth=proof", headers=auth).status_code == 200
    with app.app_context():
        model = RegisteredModel.by_id(made["id"])
        assert model is not None
        model.model_id = name
        db.session.commit()
        whole = quote(ref_id(name), safe="")
    first = client.get(f"/v2/models/{whole}/probes?limit=1", headers=auth)
    if first.status_code != 200:  # no client can write ".." into an address
        first = client.get(f"{url}?limit=1", headers=auth)
    link = first.headers["Link"]
    assert link.isascii()
    second = client.get(link[1 : link.index(">")], headers=auth)
    assert second.json is not None and first.json is not None
    assert [len(first.json), len(second.json)] == [1, 1] and first.json != second.json


@pytest.mark.parametrize("tail", ["probes", "artefacts", "credentials"])
def test_an_id_that_ends_like_a_route_is_read_whole(
    client: FlaskClient, app: Flask, auth: Headers, made: Body, tail: str
) -> None:
    with app.app_context():
        model = RegisteredModel.by_id(made["id"])
        assert model is not None
        model.model_id = f"practice-chat/{tail}"
        db.session.commit()
    whole = quote(f"muster@openailike/practice-chat/{tail}", safe="")
    answer = client.get(f"/v2/models/{whole}", headers=auth)
    assert answer.status_code == 200 and answer.json is not None
    assert answer.json["id"] == made["id"]


def test_a_slash_that_is_sent_as_part_of_a_reference_belongs_to_it(
    client: FlaskClient, app: Flask, auth: Headers
) -> None:
    with app.app_context():
        tails = {rule.rule.partition("<path:ref>/")[2] for rule in app.url_map.iter_rules()} - {""}
        names = ["ours", *(f"ours/{tail}" for tail in tails)]
        db.session.add_all(a_model(model_id=name) for name in names)
        db.session.commit()
        urls = {name: f"/v2/models/{quote(ref_id(name), safe='')}" for name in names}
    assert {"probes", "identity", "health/history"} < tails
    for name, url in urls.items():
        answer = client.get(url, headers=auth)
        assert answer.json is not None and answer.json["model_id"] == name
        assert client.put(url, headers=auth, json={}).status_code == 405
        assert client.post(url, headers=auth, json={}).status_code == 405


def test_head_finds_what_get_finds(client: FlaskClient, auth: Headers, made: Body) -> None:
    for path in (f"/v2/models/{made['id']}", "/v2/models/no-such", f"/v2/models/{made['id']}?x=1"):
        assert client.head(path, headers=auth).status_code == client.get(path, headers=auth).status_code
    allowed = client.put(f"/v2/models/{made['id']}", headers=auth).headers["Allow"]
    assert "GET" in allowed and "HEAD" in allowed


def test_a_whole_url_finds_its_models(client: FlaskClient, auth: Headers, made: Body) -> None:
    base_url = made["configuration"]["base_url"]
    for q in (base_url, base_url.upper(), f" {base_url} ", base_url.removeprefix("http://")):
        found = client.get("/v2/models", query_string={"q": q}, headers=auth).json
        assert found is not None and [one["id"] for one in found] == [made["id"]], q
    assert client.get("/v2/models", query_string={"q": "https://elsewhere"}, headers=auth).json == []


def test_the_field_that_holds_the_refused_id_is_named(client: FlaskClient, auth: Headers, good: Body) -> None:
    sent = good | {"model_id": "ours", "configuration": {"model_id": "practice-chatt"}}
    answer = client.post("/v2/models/openai-like", json=sent, headers=auth)
    assert answer.status_code == 400 and answer.json is not None
    error = answer.json["error"]
    assert (error["code"], error["field"]) == ("model_not_found", "configuration.model_id")
    assert error["suggestions"]["configuration.model_id"][0] == "practice-chat"
    assert answer.json["probe"]["diagnosis"]["field"] == "model_id"
