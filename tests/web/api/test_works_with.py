"""Which clients a model works with, asked by programs."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.base import db
from tests.rows import a_model

pytestmark = pytest.mark.both_databases
SEEN = {"observed": True, "declared": None, "evidence": ""}
RESPONSES = dict.fromkeys(("responses_api", "responses_streaming", "responses_tools"), SEEN)


def add(app: Flask, name: str, seen: dict[str, Any] | None = None, model_type: str = "chat") -> str:
    """A model of which this much was seen; gives its id."""
    with app.app_context():
        url = f"https://{name}.example.com/v1"
        row = a_model(model_id=name, base_url=url, model_type=model_type, capabilities=seen or {})
        db.session.add(row)
        db.session.commit()
        return row.id


def names(client: FlaskClient, auth: dict[str, str], query: str) -> list[str]:
    """The ids of the models in a list."""
    answer = client.get(f"/v2/models?{query}", headers=auth)
    assert answer.status_code == 200 and answer.json is not None, answer.text
    return [model["model_id"] for model in answer.json]


def test_each_client_is_told(app: Flask, client: FlaskClient, auth: dict[str, str]) -> None:
    id = add(app, "m1", RESPONSES | {"tool_calling": SEEN | {"observed": False}})
    told = client.get(f"/v2/models/{id}/works-with", headers=auth).json
    assert told is not None
    works = {one["client"]: (one["works"], one["decided_by"]) for one in told}
    assert works["codex-cli"] == ("yes", [])
    assert works["n8n"] == ("no", ["tool_calling"])
    assert works["open-webui"] == ("not_told", ["streaming"])


def test_another_model_type_has_an_empty_list(app: Flask, client: FlaskClient, auth: dict[str, str]) -> None:
    id = add(app, "e1", model_type="embedding")
    assert client.get(f"/v2/models/{id}/works-with", headers=auth).json == []


def test_a_model_whose_id_ends_like_the_route_is_found(
    app: Flask, client: FlaskClient, auth: dict[str, str]
) -> None:
    id = add(app, "our/works-with")
    found = client.get("/v2/models/muster@openailike/our/works-with", headers=auth).json
    assert found is not None and found["id"] == id


def test_the_list_is_filtered_by_client(app: Flask, client: FlaskClient, auth: dict[str, str]) -> None:
    add(app, "with-responses", RESPONSES)
    add(app, "without", {"streaming": SEEN})
    add(app, "embedding", model_type="embedding")
    assert names(client, auth, "works_with=codex-cli") == ["with-responses"]
    assert names(client, auth, "works_with=open-webui") == ["without"]
    assert sorted(names(client, auth, "works_with=aider")) == ["with-responses", "without"]
    assert names(client, auth, "works_with=aider&model_type=embedding") == []


def test_an_unknown_client_is_refused(client: FlaskClient, auth: dict[str, str]) -> None:
    answer = client.get("/v2/models?works_with=telepathy", headers=auth)
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"]["field"] == "works_with"
