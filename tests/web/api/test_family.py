"""The calls of the public clients that know every provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from orq_ai_sdk import Orq
from orq_ai_sdk.models import APIDefaultError

from app.practice.models import KEY
from tests.conftest import new_token, served
from tests.web.api.conftest import Endpoint, document_problems

Headers = dict[str, str]


@pytest.fixture
def creation(endpoint: Endpoint) -> dict[str, Any]:
    """A body of `POST /v2/models`."""
    return {
        "id": "theirs", "provider": "openailike",
        "display_name": "Practice chat", "model_id": "practice-chat",
        "model_type": "chat", "model_developer": "us", "model_family": "practice", "input_cost": 0.5,
        "output_cost": 1.5, "has_functions": True, "parameters": [],
        "metadata": {"is_private": True, "region": "on-prem"},
        "configuration": {"provider": "openailike", "base_url": endpoint.base_url, "api_key": KEY},
    }  # fmt: skip


def made(client: FlaskClient, auth: Headers, body: Any) -> Any:
    answer = client.post("/v2/models?depth=proof", json=body, headers=auth)
    assert answer.status_code == 200 and answer.json is not None, answer.json
    return answer.json


def problem(answer: Any) -> tuple[int, str, str | None]:
    error = answer.json["error"]
    return answer.status_code, error["code"], error.get("field")


def test_a_model_is_made_and_changed(client: FlaskClient, auth: Headers, creation: dict[str, Any]) -> None:
    document = made(client, auth, creation)
    assert document_problems(document) == []
    assert (document["metadata"]["region"], document["has_functions"]) == ("on-prem", True)
    assert (document["input_cost"], document["metadata"]["supports_tool_calling"]) == (0.5, True)
    path = f"/v2/models/{document['id']}"
    change = {"display_name": "Ours", "input_cost": 2.0, "metadata": document["metadata"] | {"region": "eu"}}
    change |= {"model_id": "practice-chat", "parameters": document["parameters"]}
    changed: Any = client.patch(path, json=change, headers=auth).json
    assert (changed["display_name"], changed["metadata"]["region"]) == ("Ours", "eu")
    assert (changed["input_cost"], changed["output_cost"]) == (2.0, 1.5)
    emptied: Any = client.patch(path, json={"input_cost": None}, headers=auth).json
    assert emptied["input_cost"] is None and emptied["display_name"] == "Ours"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"provider": "azure"}, "provider"),
        (
            {"configuration": {"base_url": "ftp://x", "api_key": ""}},
            "configuration.base_url",
        ),
        ({"configuration": {"api_key": "x"}}, "configuration.base_url"),
        ({"configuration": {"project_id": "x"}}, "configuration.project_id"),
        ({"metadata": {"is_private": True}}, "region"),
        ({"metadata": {"region": "eu", "supports_streaming": True}}, "metadata.supports_streaming"),
        ({"metadata": "eu"}, "metadata"),
        ({"has_functions": "yes"}, "has_functions"),
        ({"parameters": [{"id": "temperature"}]}, "parameters"),
        ({"api_key": KEY}, "api_key"),
    ],
)
def test_what_can_not_be_taken_is_named_where_it_stands(
    client: FlaskClient,
    auth: Headers,
    creation: dict[str, Any],
    endpoint: Endpoint,
    change: dict[str, Any],
    field: str,
) -> None:
    answer = client.post("/v2/models", json=creation | change, headers=auth)
    assert (answer.status_code, problem(answer)[2]) == (400, field)
    assert endpoint.calls == []


def test_a_rejected_probe_names_the_field_where_it_stands(
    client: FlaskClient, auth: Headers, creation: dict[str, Any]
) -> None:
    creation["configuration"]["api_key"] = "sk-wrong"
    answer = client.post("/v2/models", json=creation, headers=auth)
    assert problem(answer) == (400, "invalid_credentials", "configuration.api_key")


def test_the_own_id_of_a_model_stays(client: FlaskClient, auth: Headers, creation: dict[str, Any]) -> None:
    id = made(client, auth, creation)["id"]
    answer = client.patch(f"/v2/models/{id}", json={"model_id": "other"}, headers=auth)
    assert problem(answer)[2] == "model_id"


@pytest.fixture
def orq(app: Flask) -> Iterator[Orq]:
    """The published client, with nothing set but its server and token."""
    with served(app) as server, Orq(api_key=new_token(app, "write"), server_url=server.url) as client:
        yield client


def test_the_published_client_makes_them(orq: Orq, creation: dict[str, Any]) -> None:
    document = orq.models.create(**creation)
    assert document.model_id == "practice-chat" and document.metadata.region == "on-prem"
    changed = orq.models.update(id=document.id, display_name="Ours", has_functions=False)
    assert (changed.display_name, changed.has_functions) == ("Ours", False)
    configuration = creation["configuration"]
    orq.models.validate(
        api_key=KEY,
        provider="openailike",
        base_url=configuration["base_url"],
        deployment_name="practice-chat",
    )
    with pytest.raises(APIDefaultError) as refused:
        orq.models.validate(api_key=KEY, provider="azure", endpoint="https://x.example.com")
    assert refused.value.status_code == 400 and '"field":"provider"' in refused.value.body.replace(" ", "")
    with pytest.raises(APIDefaultError) as absent:
        orq.models.list_litellm()
    assert absent.value.status_code == 404 and "MUSTER_LITELLM_BASE_URL" in absent.value.body


def test_the_list_of_a_litellm_proxy_can_be_imported(
    app_with: Any, endpoint: Endpoint, monkeypatch: Any
) -> None:
    monkeypatch.setenv("MUSTER_KEY_LITELLM", KEY)
    app = app_with(litellm_base_url=endpoint.base_url, litellm_api_key="env://MUSTER_KEY_LITELLM")
    with served(app) as server, Orq(api_key=new_token(app, "write"), server_url=server.url) as client:
        listed = client.models.list_litellm()
        chosen: Any = [one for one in listed if one["model_name"] == "practice-chat"]
        made = client.models.import_litellm(request=chosen)
    assert [(document.model_id, document.model_type) for document in made] == [("practice-chat", "chat")]
