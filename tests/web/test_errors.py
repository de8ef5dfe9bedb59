"""One shape for every error of the JSON side, a page for the browser's, and nothing of the inside."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from app.errors import ApiError
from tests.conftest import LiveServer

INSIDE = "the inside of the program"
MEMBERS = (
    "code", "message", "type", "param", "field", "details", "suggestions", "doc_url", "request_id",
)  # fmt: skip
"""What an error may have, in this order."""


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """The application with routes that go wrong."""
    return app_with(add_routes, PROPAGATE_EXCEPTIONS=False)


def add_routes(app: Flask) -> None:
    """Routes that go wrong."""

    @app.post("/v2/wrong/json")
    def take_json() -> ResponseReturnValue:
        return jsonify(request.get_json())

    @app.get("/v2/wrong/broken")
    @app.get("/broken")
    def broken() -> ResponseReturnValue:
        raise RuntimeError(INSIDE)

    @app.get("/v2/wrong/said")
    def said() -> ResponseReturnValue:
        raise ApiError(
            "already_exists",
            "It is there already.",
            field="model_id",
            details=[{"field": "model_id", "code": "taken", "message": "Taken."}],
            suggestions={"model_id": ("other",)},
            headers={"X-More": "1"},
            extra={"probe": {"verdict": "rejected"}},
        )

    @app.get("/v2/wrong/teapot")
    def refused() -> ResponseReturnValue:
        raise BadRequest(INSIDE)


def error_of(answer: Any, status: int) -> dict[str, Any]:
    """The error of an answer in the one shape."""
    body = answer.json() if callable(answer.json) else answer.json
    assert answer.status_code == status
    error: dict[str, Any] = body["error"]
    assert {"code", "message", "doc_url", "request_id"} <= set(error) and error["message"]
    assert error["request_id"] == answer.headers["X-Request-Id"]
    assert error["doc_url"].endswith("#" + error["code"]) and error["doc_url"].startswith("http")
    assert answer.headers["Content-Type"] == "application/json"
    return error


@pytest.mark.parametrize("path", ["/v2/no", "/v1/no", "/v3/no", "/v2/no/../no", "/v2/%00"])
def test_unknown_addresses(client: FlaskClient, path: str) -> None:
    assert error_of(client.get(path), 404)["code"] == "not_found"


def test_another_method(client: FlaskClient) -> None:
    answer = client.delete("/v2/wrong/json")
    assert error_of(answer, 405)["code"] == "method_not_allowed"
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"{]"])
def test_a_body_that_is_no_json(client: FlaskClient, body: bytes) -> None:
    answer = client.post("/v2/wrong/json", data=body, content_type="application/json")
    assert error_of(answer, 400)["code"] == "bad_request"


def test_a_body_of_another_type(client: FlaskClient) -> None:
    answer = client.post("/v2/wrong/json", data="a=b", content_type="text/plain")
    assert error_of(answer, 415)["code"] == "unsupported_media_type"


def test_the_largest_body_passes(client: FlaskClient) -> None:
    body = b'"' + b"x" * (1024 * 1024 - 2) + b'"'
    assert client.post("/v2/wrong/json", data=body, content_type="application/json").status_code == 200
    answer = client.post("/v2/wrong/json", data=body + b" ", content_type="application/json")
    assert error_of(answer, 413)["code"] == "body_too_large"


def pieces() -> Iterator[bytes]:
    """Two MiB that don't say beforehand how long they are."""
    yield from [b"x" * 65536] * 32


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_too_much_sees_why(live_server: LiveServer, chunked: bool) -> None:
    """Closing while it still sends would reset the connection, and the client would see no answer."""
    body = pieces() if chunked else b"".join(pieces())
    answer = requests.post(
        f"{live_server.url}/v2/wrong/json",
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=20,
    )
    error_of(answer, 413)


def test_a_defect_shows_nothing_of_the_inside(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "muster"):
        answer = client.get("/v2/wrong/broken")
    assert error_of(answer, 500)["code"] == "internal_error"
    assert INSIDE not in answer.text and INSIDE in caplog.text


def test_a_framework_error_shows_our_words(client: FlaskClient) -> None:
    assert INSIDE not in client.get("/v2/wrong/teapot").text


def test_every_member_of_an_error(client: FlaskClient) -> None:
    answer = client.get("/v2/wrong/said")
    error = error_of(answer, 409)
    assert tuple(error) == MEMBERS
    assert error["suggestions"] == {"model_id": ["other"]}
    assert answer.json is not None and answer.json["probe"] == {"verdict": "rejected"}
    assert answer.headers["X-More"] == "1"


@pytest.mark.parametrize("path, status", [("/no-such-page", 404), ("/broken", 500)])
def test_the_browser_gets_a_page(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert answer.headers["X-Request-Id"] in answer.text and INSIDE not in answer.text


def test_a_program_on_the_browser_side_gets_json(client: FlaskClient) -> None:
    error_of(client.get("/no-such-page", headers={"Accept": "application/json"}), 404)


def test_every_answer_has_its_own_id_and_a_log_line(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "muster.access"):
        ids = {client.get("/healthz?key=sk-hush").headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3
    lines = [getattr(record, "facts") for record in caplog.records if hasattr(record, "facts")]  # noqa: B009
    assert {line["request_id"] for line in lines} == ids
    assert "sk-hush" not in str(lines)


@pytest.mark.parametrize("path", ["/healthz", "/no-such-page", "/v2/no"])
def test_every_answer_is_hardened(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
