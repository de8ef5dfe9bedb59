"""Bad input of every kind: the one error shape, the right status, never a 500."""

from __future__ import annotations

import gzip
import json
import socket
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidChunkSize
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.store.base import new_id
from tests.conftest import LiveServer, new_token
from tests.web.test_errors import MEMBERS

pytestmark = pytest.mark.both_databases

Headers = dict[str, str]
CREATE = "/v2/models/openai-like"
JSON = {"Content-Type": "application/json"}
GOOD: dict[str, Any] = {
    "api_key": "",
    "base_url": "http://127.0.0.1:9/v1",
    "display_name": "M",
    "model_id": "m",
    "model_type": "chat",
    "region": "eu",
}


def check_shape(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/json"
    error: dict[str, Any] = answer.json["error"]
    assert {"code", "message", "type", "param", "doc_url", "request_id"} <= error.keys()
    assert error["param"] == error.get("field")
    assert set(error) <= set(MEMBERS)
    assert error["code"] == code and error["message"].endswith((".", "?")) and error["request_id"]
    for detail in error.get("details", ()):
        assert set(detail) == {"field", "code", "message"}
    return error


BODIES: list[tuple[bytes, int, str]] = [
    (b"", 400, "invalid_json"),
    (b"   ", 400, "invalid_json"),
    (b"not json", 400, "invalid_json"),
    (b"{", 400, "invalid_json"),
    (b"\xff\xfe", 400, "invalid_json"),
    (b"[" * 50_000, 400, "invalid_json"),
    (b'{"a":' * 50_000, 400, "invalid_json"),
    (b"[]", 400, "invalid_request"),
    (b"null", 400, "invalid_request"),
    (b'"text"', 400, "invalid_request"),
    (b"{}", 400, "invalid_request"),
    (b'{"api_key": NaN}', 400, "invalid_request"),
    (b'{"max_tokens": ' + b"9" * 5000 + b"}", 400, "invalid_request"),
    (b"x" * (2 * 1024 * 1024), 413, "body_too_large"),
]
ROUTES = [
    ("POST", CREATE),
    ("POST", CREATE + "/validate"),
    ("POST", "/v2/workspace-models"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_bodies(client: FlaskClient, auth: Headers, method: str, path: str) -> None:
    for body, status, code in BODIES:
        check_shape(client.open(path, method=method, data=body, headers=auth | JSON), status, code)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_content_types(client: FlaskClient, auth: Headers, method: str, path: str) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        headers = auth | {"Content-Type": content_type}
        answer = client.open(path, method=method, data=json.dumps(GOOD), headers=headers)
        check_shape(answer, 415, "unsupported_media_type")


FIELDS: list[tuple[str, Any, str]] = [
    ("api_key", 1, "wrong_type"),
    ("api_key", "x" * 8193, "too_long"),
    ("api_key", "\u20ac", "invalid_characters"),
    ("base_url", "gopher://x", "invalid_url"),
    ("base_url", "x" * 3000, "too_long"),
    ("base_url", "http://u:p@h/", "invalid_url"),
    ("base_url", ["x"], "wrong_type"),
    ("display_name", "", "too_short"),
    ("display_name", "x" * 129, "too_long"),
    ("display_name", {"a": 1}, "wrong_type"),
    ("model_id", "x" * 257, "too_long"),
    ("model_id", False, "wrong_type"),
    ("model_type", "video", "invalid_choice"),
    ("model_type", 7, "wrong_type"),
    ("region", "x" * 65, "too_long"),
    ("region", None, "required"),
    ("cost_per_image", "1", "wrong_type"),
    ("cost_per_image", -1, "out_of_range"),
    ("description", 1, "wrong_type"),
    ("description", "x" * 2049, "too_long"),
    ("has_reasoning", "true", "wrong_type"),
    ("has_reasoning", 1, "wrong_type"),
    ("input_cost", True, "wrong_type"),
    ("input_cost", float("nan"), "wrong_type"),
    ("output_cost", float("inf"), "wrong_type"),
    ("cache_read_cost", "free", "wrong_type"),
    ("cache_write_cost", -0.1, "out_of_range"),
    ("max_tokens", 1.5, "wrong_type"),
    ("max_tokens", 0, "out_of_range"),
    ("max_tokens", 10**30, "out_of_range"),
    ("temperature", 2.1, "out_of_range"),
    ("temperature", "1", "wrong_type"),
    ("supports_image_edit", "no", "wrong_type"),
    ("supports_strict_tool", [], "wrong_type"),
    ("supports_tool_calling", {}, "wrong_type"),
    ("supports_vision", 0, "wrong_type"),
    ("configuration", "m", "wrong_type"),
    ("configuration.model_id", 1, "wrong_type"),
    ("configuration.other", 1, "unknown_field"),
    ("benchmark_model", 1, "wrong_type"),
    ("benchmark_model", "x" * 257, "too_long"),
    ("provider", "openai", "unknown_field"),
]


def test_fields(client: FlaskClient, auth: Headers) -> None:
    for name, value, code in FIELDS:
        outer, _, inner = name.partition(".")
        body = json.dumps(GOOD | {outer: {inner: value} if inner else value})
        error = check_shape(client.post(CREATE, data=body, headers=auth | JSON), 400, "invalid_request")
        assert error["field"] == name
        assert [(detail["field"], detail["code"]) for detail in error["details"]] == [(name, code)]


def test_all_that_is_wrong_is_said_at_once(client: FlaskClient, auth: Headers) -> None:
    answer = client.post(CREATE, json={"model_type": "chatt", "temperature": 3, "x": 1}, headers=auth)
    error = check_shape(answer, 400, "invalid_request")
    assert error["field"] == "base_url" and len(error["details"]) == 8


ADDRESSES = [
    ("PUT", CREATE, 405, "method_not_allowed"),
    ("PATCH", "/v2/models", 405, "method_not_allowed"),
    ("DELETE", "/v2/models", 405, "method_not_allowed"),
    ("POST", "/v2/models/x", 405, "method_not_allowed"),
    ("PUT", "/v2/workspace-models", 405, "method_not_allowed"),
    ("GET", "/v2/nothing", 404, "not_found"),
    ("GET", f"/v2/models/{new_id()}", 404, "not_found"),
    ("GET", "/v2/models/openai-like", 405, "method_not_allowed"),
    ("DELETE", "/v2/models/openai-like/validate", 405, "method_not_allowed"),
    ("PATCH", "/v2/models/openai-like/validate", 405, "method_not_allowed"),
    ("GET", f"/v2/models/openai-like/{new_id()}", 405, "method_not_allowed"),
    ("DELETE", f"/v2/models/{new_id()}/probes", 405, "method_not_allowed"),
    ("PATCH", f"/v2/models/openai-like/{new_id()}", 404, "not_found"),
    ("DELETE", f"/v2/models/{new_id()}", 404, "not_found"),
    ("GET", f"/v2/models/{new_id()}/probes", 404, "not_found"),
    ("POST", f"/v2/models/{new_id()}/probes", 404, "not_found"),
    ("DELETE", f"/v2/workspace-models/{new_id()}", 404, "not_found"),
    ("POST", CREATE + "?strict=yes", 400, "invalid_request"),
    ("POST", CREATE + "?depth=deepest", 400, "invalid_request"),
]


def test_addresses_and_methods(client: FlaskClient, auth: Headers) -> None:
    for method, path, status, code in ADDRESSES:
        body = None if method == "GET" else json.dumps(GOOD)
        answer = client.open(path, method=method, data=body, headers=auth | JSON)
        check_shape(answer, status, code)
        if status == 405:
            assert answer.headers["Allow"]


HEADERS = [
    ("", "authentication_required"),
    ("Basic eDp5", "authentication_required"),
    ("Bearer", "authentication_required"),
    ("Bearer mst_nothing", "invalid_api_key"),
    ("Bearer \u00e4\u00f6", "invalid_api_key"),
    ("bearer " + "x" * 5000, "invalid_api_key"),
]


@pytest.mark.parametrize("path", [CREATE, CREATE + "/validate", "/v2/workspace-models"])
def test_tokens(client: FlaskClient, path: str) -> None:
    for header, code in HEADERS:
        answer = client.post(path, data=b"{", headers={"Authorization": header} if header else {})
        check_shape(answer, 401, code)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_refused_key_stays_out_of_the_answer_and_the_log(
    client: FlaskClient, auth: Headers, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "sk-very-secret-\u043a\u043b\u044e\u0447"
    answer = client.post(CREATE, json=GOOD | {"api_key": secret, "temperature": 9}, headers=auth)
    assert answer.status_code == 400
    assert "very-secret" not in answer.get_data(as_text=True) + caplog.text


def test_a_body_in_chunks_has_the_same_limit(live_server: LiveServer) -> None:
    token = new_token(live_server.app, "write")
    parts = urlsplit(live_server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        head = f"POST {CREATE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        piece = b" " * 65536
        for _ in range(20):
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")
        status = connection.makefile("rb").readline()
    assert b" 413 " in status


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
_NAMES = st.sampled_from(
    [*GOOD, "input_cost", "max_tokens", "temperature", "has_reasoning", "configuration", "x"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(_NAMES, _VALUES, max_size=4), query=st.text(max_size=12))
def test_anything_at_all_gets_an_answer_that_is_no_500(
    app: Flask, auth: Headers, changes: dict[str, Any], query: str
) -> None:
    # The address is one that nothing listens at: what gets through the form is rejected by the probe.
    body = json.dumps(GOOD | changes | {"base_url": changes.get("base_url", 1)})
    answer = app.test_client().post(CREATE, data=body, headers=auth | JSON)
    assert answer.status_code == 400 and answer.json is not None and answer.json["error"]["code"]
    listed = app.test_client().get("/v2/models", query_string={"q": query, "region": query}, headers=auth)
    assert listed.status_code in (200, 400)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60))
def test_any_bytes_get_an_answer_that_is_no_500(app: Flask, auth: Headers, body: bytes) -> None:
    answer = app.test_client().post(CREATE, data=body, headers=auth | JSON)
    assert answer.status_code == 400


def test_a_parameter_that_is_given_twice_is_refused(client: FlaskClient, auth: Headers) -> None:
    answer = client.get("/v2/models?limit=1&limit=2", headers=auth)
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"]["field"] == "limit" and "2 times" in answer.json["error"]["message"]


def test_a_call_without_a_body_says_where_its_options_go(
    client: FlaskClient, auth: Headers, good: dict[str, Any]
) -> None:
    made = client.post("/v2/models/openai-like?depth=proof", json=good, headers=auth).json
    assert made is not None
    url = f"/v2/models/{made['id']}/probes?depth=proof"
    refused = client.post(url, json={"depth": "proof"}, headers=auth)
    assert refused.status_code == 400 and "?depth=proof" in refused.text
    assert client.post(url, json={}, headers=auth).status_code == 200


def test_a_workspace_model_that_is_not_there_is_named_by_its_field(
    client: FlaskClient, auth: Headers
) -> None:
    answer = client.post("/v2/workspace-models", json={"model_id": "nope"}, headers=auth)
    assert answer.status_code == 404 and answer.json is not None
    assert answer.json["error"]["field"] == "model_id"


@pytest.mark.parametrize("number", [2**63, 10**50, 10**399])
def test_a_whole_number_of_any_length_is_a_whole_number(
    client: FlaskClient, auth: Headers, good: dict[str, Any], number: int
) -> None:
    answer = client.post("/v2/models/openai-like", json=good | {"max_tokens": number}, headers=auth)
    assert answer.status_code == 400 and answer.json is not None
    (detail,) = answer.json["error"]["details"]
    assert (detail["code"], detail["field"]) == ("out_of_range", "max_tokens")


def test_so_many_problems_are_told_as_a_person_reads(client: FlaskClient, auth: Headers) -> None:
    sent = {f"no_such_{number}": 1 for number in range(500)}
    answer = client.post("/v2/models/openai-like", json=sent, headers=auth)
    assert answer.status_code == 400 and answer.json is not None
    assert 50 <= len(answer.json["error"]["details"]) < 60, "fifty, and what is missing"


def test_a_body_that_nobody_asked_for_is_read(client: FlaskClient) -> None:
    body = BytesIO(b"x" * 500_000)
    answer = client.post(
        "/v2/models/openai-like",
        input_stream=body,
        headers={"Content-Length": "500000", "Content-Type": "application/json"},
    )
    assert answer.status_code == 401 and body.tell() == 500_000


class Broken(BytesIO):
    """A chunked body whose framing is wrong, as the web server finds out while it is read."""

    def read(self, _size: int | None = -1) -> bytes:
        raise InvalidChunkSize(b"zz")

    readinto = readline = read  # type: ignore[assignment]


def test_a_body_whose_framing_is_broken_is_a_bad_request(client: FlaskClient, auth: Headers) -> None:
    answer = client.post(
        "/v2/models/openai-like",
        input_stream=Broken(),
        headers=auth | {"Transfer-Encoding": "chunked", "Content-Type": "application/json"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"]["code"] == "bad_request"


def test_a_compressed_body_is_named(client: FlaskClient, auth: Headers) -> None:
    headers = auth | JSON | {"Content-Encoding": "gzip"}
    answer = client.post(CREATE, data=gzip.compress(json.dumps(GOOD).encode()), headers=headers)
    assert answer.status_code == 415 and answer.json is not None
    assert answer.json["error"]["field"] == "Content-Encoding" and "`gzip`" in answer.json["error"]["message"]
