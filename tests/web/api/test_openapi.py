"""/openapi.json and /docs: valid, complete, and made from what the code runs on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator

from app.config import ROOT
from app.error_codes import BY_CODE
from app.registry.form.openai_like import OpenAILikeForm, OpenAILikeUpdateForm
from app.registry.metadata import FIELDS
from app.web.api import blueprints
from app.web.api.describe import Operation
from app.web.api.exchange import MOST
from app.web.api.models import CHANGE, EXAMPLE
from app.web.api.openapi.examples import DEFINITIONS, REFERENCES
from app.web.api.openapi.reference import areas

CONTRACT = json.loads(
    (Path(__file__).parents[2] / "registry/model-document.schema.json").read_text(encoding="utf-8")
)


@pytest.fixture
def spec(client: FlaskClient) -> dict[str, Any]:
    """The document, read without a token."""
    answer = client.get("/openapi.json")
    assert answer.status_code == 200 and answer.mimetype == "application/json" and answer.json is not None
    return dict(answer.json)


def validator(spec: dict[str, Any], name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": spec["components"]})


def test_it_is_valid_openapi_3_1(spec: dict[str, Any]) -> None:
    assert spec["openapi"].startswith("3.1")
    # Imported when it is needed: it takes more than a second, of every process that collects the tests.
    import_module("openapi_spec_validator").validate(spec)


def test_every_route_describes_itself(app: Flask, spec: dict[str, Any]) -> None:
    names = {blueprint.name for blueprint in blueprints}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in names and not rule.rule.startswith("/docs"):
            view = app.view_functions[rule.endpoint]
            assert isinstance(view.__dict__.get("operation"), Operation), rule
            path = re.sub(r"<[^>]*>", "{id}", rule.rule)
            assert {method.lower() for method in rule.methods or ()} & set(spec["paths"][path]), rule


def test_names_of_operations_are_unique(spec: dict[str, Any]) -> None:
    names = [call["operationId"] for methods in spec["paths"].values() for call in methods.values()]
    assert len(set(names)) == len(names)


def test_scopes_stand_where_they_are_asked_for(spec: dict[str, Any]) -> None:
    scopes = {
        path: {method: call["security"] for method, call in methods.items()}
        for path, methods in spec["paths"].items()
    }
    assert scopes["/v2/models/openai-like"]["post"] == [{"token": ["write"]}]
    assert scopes["/v2/models/{id}"]["get"] == [{"token": ["read"]}]
    assert scopes["/v2/models/{id}/credentials"]["get"] == [{"token": ["credentials"]}]
    assert scopes["/healthz"]["get"] == scopes["/openapi.json"]["get"] == []


@pytest.mark.parametrize(
    ("name", "form"), [("ModelRequest", OpenAILikeForm), ("ModelChange", OpenAILikeUpdateForm)]
)
def test_request_fields_are_those_of_the_form(
    app: Flask, spec: dict[str, Any], name: str, form: type[OpenAILikeForm]
) -> None:
    schema = spec["components"]["schemas"][name]
    with app.test_request_context():
        fields = form(formdata=None).inputs()
    assert set(schema["properties"]) == {field.wire.partition(".")[0] for field in fields}
    assert set(schema["required"]) == {field.wire for field in fields if field.required}
    assert schema["additionalProperties"] is False


def test_the_examples_are_good_requests(app: Flask, spec: dict[str, Any]) -> None:
    for name, form, example in (
        ("ModelRequest", OpenAILikeForm, EXAMPLE),
        ("ModelChange", OpenAILikeUpdateForm, CHANGE),
    ):
        validator(spec, name).validate(example)
        with app.test_request_context():
            assert form.from_json(example).validate()


def bodies(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every JSON body that a call takes or answers, with the name of the call."""
    for path, methods in spec["paths"].items():
        for method, call in methods.items():
            for status, holder in ("body", call.get("requestBody", {})), *call["responses"].items():
                media = holder.get("content", {}).get("application/json")
                if media:
                    yield f"{method} {path} {status}", media


def test_every_body_has_examples_that_fit(spec: dict[str, Any]) -> None:
    for name, media in bodies(spec):
        schema = {**media["schema"], "components": spec["components"]}
        shown = media.get("examples", {})
        assert shown, name
        for example in shown.values():
            kept = (
                spec["components"]["examples"][example["$ref"].rpartition("/")[2]]
                if "$ref" in example
                else example
            )
            Draft202012Validator(schema).validate(kept["value"])


def test_the_codes_of_the_examples_are_in_the_reference_with_their_status(spec: dict[str, Any]) -> None:
    for name, media in bodies(spec):
        for example in media.get("examples", {}):
            status = name.rpartition(" ")[2]
            if status.isdigit() and int(status) >= 400:
                assert BY_CODE[example].status == int(status), name


def test_the_bodies_of_the_examples_are_taken(client: FlaskClient, auth: dict[str, str]) -> None:
    for body in DEFINITIONS.values():
        answer = client.post("/v2/models/litellm/import?dry_run=true", json=body, headers=auth)
        assert answer.json is not None and [step["action"] for step in answer.json] == ["create"]
        assert [step["ignored"] for step in answer.json] == [[]]
    for body in REFERENCES.values():
        answer = client.post("/v2/workspace-models", json=body, headers=auth)
        assert (
            answer.status_code == 404
            and answer.json is not None
            and answer.json["error"]["field"] == "model_id"
        )


def test_the_most_that_an_import_takes_is_told(spec: dict[str, Any]) -> None:
    media = spec["paths"]["/v2/models/litellm/import"]["post"]["requestBody"]["content"]["application/json"]
    assert media["schema"]["maxItems"] == MOST
    assert f"at most {MOST};" in (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [{"model_type": "video"}, {"temperature": 3}, {"input_cost": -1}, {"max_tokens": 1.5}, {"other": 1},
     {"region": "x" * 65}, {"base_url": "ftp://x"}, {"display_name": ""}, {"has_reasoning": "true"},
     {"model_id": "a\nb"}],
)  # fmt: skip
def test_schema_and_form_refuse_alike(app: Flask, spec: dict[str, Any], change: dict[str, Any]) -> None:
    assert not validator(spec, "ModelRequest").is_valid(EXAMPLE | change)
    with app.test_request_context():
        assert not OpenAILikeForm.from_json(EXAMPLE | change).validate()


def test_the_model_is_within_the_contract_and_has_all_metadata(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    assert set(schemas["Model"]["properties"]) <= set(CONTRACT["properties"])
    assert set(CONTRACT["required"]) <= set(schemas["Model"]["required"])
    assert set(schemas["ModelMetadata"]["properties"]) == {field.name for field in FIELDS}


def test_what_is_answered_fits(
    client: FlaskClient, auth: dict[str, str], good: dict[str, Any], spec: dict[str, Any]
) -> None:
    made = client.post("/v2/models/openai-like", json=good, headers=auth).json
    assert made is not None
    validator(spec, "Model").validate(made)
    for path, name in (
        (f"/v2/models/{made['id']}/probes", "Report"),
        ("/v2/models", "Model"),
        ("/v1/models", "OpenAIList"),
        ("/v2/models/nothing", "Error"),
        ("/healthz", "Health"),
    ):
        answer = client.get(path, headers=auth).json
        for each in answer if isinstance(answer, list) else [answer]:
            validator(spec, name).validate(each)
    rejected = client.post("/v2/models/openai-like", json=good | {"api_key": "sk-bad"}, headers=auth).json
    validator(spec, "Rejection").validate(rejected)


def test_the_reference_shows_every_call_and_needs_nothing_from_elsewhere(
    app: Flask, client: FlaskClient, spec: dict[str, Any]
) -> None:
    pages = {path: client.get(path).text for path in reference_pages(app)}
    shown = "".join(pages.values())
    calls = [f"{method.upper()} {path}" for path, ways in spec["paths"].items() for method in ways]
    assert [call for call in calls if f"<code>{call}</code></h2>" not in shown] == []
    told = [page for path, page in pages.items() if not path.startswith("/docs/schemas")]
    assert sum(len(page.encode()) for page in told) < 2_500 * len(calls)
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', shown)
    assert not re.findall(r"<script(?! type=\"module\" src=)|style=", shown)
    for page in pages.values():
        for link, place in re.findall(r'href="(/docs[^"#]*)#([^"]+)"', page):
            assert f'id="{place}"' in pages[link], (link, place)


def test_every_object_is_described_once(app: Flask, client: FlaskClient, spec: dict[str, Any]) -> None:
    shown = "".join(client.get(path).text for path in reference_pages(app))
    described = re.findall(r'<article id="schema-([^"]+)"', shown)
    assert sorted(described) == sorted(spec["components"]["schemas"])


def reference_pages(app: Flask) -> list[str]:
    """Every page of the reference."""
    with app.test_request_context():
        names = list(areas())
    return ["/docs", "/docs/schemas", *(f"/docs{part}/{name}" for part in ("", "/schemas") for name in names)]


def test_it_names_where_it_is_served(client: FlaskClient) -> None:
    assert client.get("/openapi.json", base_url="http://muster.example").json["servers"] == [  # type: ignore[index]
        {"url": "http://muster.example"}
    ]
    etag = client.get("/openapi.json").headers["ETag"]
    assert client.get("/openapi.json", headers={"If-None-Match": etag}).status_code == 304
