"""A log line holds one request, whatever its caller put into the path."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.cli.serving.log_lines import JsonLines, PlainLines
from tests.web.pages.conftest import KEY, Form, good, practice_url, register

__all__ = ["good", "practice_url"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def facts_of(caplog: pytest.LogCaptureFixture, logger: str = "muster.access") -> list[dict[str, Any]]:
    """What the lines of a logger tell."""
    return [record.__dict__["facts"] for record in caplog.records if record.name == logger]


@pytest.mark.parametrize("sign", ["%0A", "%0D", "%1B[2J", "%C2%9B", "%E2%80%A8", "%FF"])
def test_a_path_stays_on_one_line(client: FlaskClient, caplog: pytest.LogCaptureFixture, sign: str) -> None:
    with caplog.at_level(logging.INFO, "muster.access"):
        client.get(f"/models{sign}200 OK")
    (facts,) = facts_of(caplog)
    path = facts["path"]
    assert path.startswith("/models") and path.endswith("200 OK") and path.isprintable()


def test_a_line_tells_who_asked_what(viewer: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "muster.access"):
        viewer.get("/catalogue?q=hush")
    (facts,) = facts_of(caplog)
    assert (facts["address"], facts["actor"]) == ("127.0.0.1", "user:viewer@example.com")
    assert facts["status"] == 200 and facts["duration_ms"] > 0 and "hush" not in str(facts)


def test_static_files_are_not_in_the_log(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "muster.access"):
        with client.get(f"{app.static_url_path}/app.css") as answer:
            assert answer.status_code == 200
    assert facts_of(caplog) == []


@pytest.mark.parametrize("sent", ["deploy-7f3a", "01900000-0000-7000-8000-000000000001", "a" * 128])
def test_a_request_id_is_kept(client: FlaskClient, sent: str) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent


@pytest.mark.parametrize(
    "sent", ["", "short", "a" * 129, "with space in it", '"};{"level":"x"', "ünïcödé-id"]
)
def test_a_request_id_that_is_none_is_replaced(client: FlaskClient, sent: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": sent})
    assert len(answer.headers["X-Request-Id"]) == 36


def test_a_trace_leads_to_the_line(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "muster.access"):
        client.get("/healthz", headers={"traceparent": PARENT})
        client.get("/healthz", headers={"traceparent": PARENT, "X-Request-Id": "deploy-7f3a"})
    first, second = facts_of(caplog)
    assert (first["request_id"], first["trace_id"]) == (TRACE, TRACE)
    assert (second["request_id"], second["trace_id"]) == ("deploy-7f3a", TRACE)


@pytest.mark.parametrize(
    "parent",
    [PARENT.replace("00-", "ff-", 1), PARENT.upper(), PARENT[:-1], PARENT.replace(TRACE, "0" * 32), "x"],
)
def test_a_trace_that_is_none_is_replaced(client: FlaskClient, parent: str) -> None:
    assert len(client.get("/healthz", headers={"traceparent": parent}).headers["X-Request-Id"]) == 36


def test_a_probe_has_a_line(editor: FlaskClient, good: Form, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "muster"):
        register(editor, good)
        editor.post("/models/new", data=good | {"model_id": "no-such-model"})
    first, second = facts_of(caplog, "muster.probe")
    assert (first["host"], first["model"], first["verdict"]) == ("127.0.0.1", "practice-chat", "accepted")
    assert (second["verdict"], second["code"]) == ("rejected", "model_not_found")
    assert first["actor"] == "user:editor@example.com" and KEY not in str((first, second))


def test_what_is_logged_within_a_request_has_its_id(app: Flask) -> None:
    record = logging.LogRecord("muster.probe", logging.INFO, "", 0, "probe", None, None)
    with app.test_request_context("/", headers={"X-Request-Id": "deploy-7f3a"}):
        app.preprocess_request()
        assert json.loads(JsonLines().format(record))["request_id"] == "deploy-7f3a"
    assert "request_id" not in json.loads(JsonLines().format(record))


def test_a_line_for_people_is_short() -> None:
    record = logging.LogRecord("muster.access", logging.INFO, "", 0, "request", None, None)
    record.__dict__["facts"] = {
        "request_id": "r", "trace_id": "t", "address": "192.0.2.1", "method": "GET", "path": "/models",
        "status": 200, "duration_ms": 1.5, "actor": None,
    }  # fmt: skip
    assert PlainLines().format(record).partition("info")[2].strip() == "GET /models 200 1.5"
