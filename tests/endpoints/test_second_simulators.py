"""The endpoints of the second round themselves: a plain client gets what their sources tell."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from app.practice.media import silent_wav
from tests.endpoints.base import KEY, Simulator
from tests.endpoints.second import SHOWN
from tests.endpoints.second_every import SECOND, SECOND_REPORTS, Report
from tests.endpoints.test_simulators import SAY_OK, Answer, ask

JSON = Any
PLAIN: dict[str, tuple[str, dict[str, JSON]]] = {
    "chat": ("/chat/completions", {"messages": SAY_OK, "stream": False}),
    "completion": ("/completions", {"prompt": "Say OK"}),
    "embedding": ("/embeddings", {"input": ["red", "a long walk home"]}),
    "rerank": ("/rerank", {"query": "red", "documents": ["red", "blue"]}),
    "tts": ("/audio/speech", {"input": "Hello", "voice": "alloy"}),
    "image": ("/images/generations", {"prompt": "A red square"}),
    "moderation": ("/moderations", {"input": "Hello"}),
}
BY_PLAIN_HTTP = [report for report in SECOND if report.model_type != "realtime"]


TOOLS = {"tools": [{"type": "function", "function": {"name": "get_weather"}}]}
QUOTED: dict[str, tuple[dict[str, JSON], int, str]] = {
    "tools-need-effort-none": (TOOLS, 400, "set reasoning_effort to 'none'"),
    "responses-completed-without-output": (
        {"path": "/responses", "input": "Say OK", "messages": None},
        200,
        '"output": []',
    ),
    "channel-thought-in-content": ({}, 200, "<channel|>OK"),
    "vision-answers-in-chinese": ({}, 200, "OK"),
    "transcription-refuses-wav": ({}, 400, "Unsupported MIME type"),
    "stream-deltas-are-cumulative": (
        {"stream": True, "messages": [{"role": "user", "content": "Count from 1 to 3"}]},
        200,
        '"content": "1, 2, 3"',
    ),
    "model-is-not-embedding": ({}, 404, "Error: Model is not embedding."),
    "500-quotes-a-hub-401": ({}, 500, "Invalid username or password."),
    "v1-typed-api-at-v3": ({}, 400, '{"error": "Invalid request URL"}'),
    "embedding-model-not-in-catalog": ({"model": "none-such"}, 200, '"model": "none-such"'),
    "transcription-ndjson-default": ({}, 200, '"is_final": true'),
    "errno-13-is-the-servers-own": ({}, 500, "[Errno 13] Permission denied"),
    "finish-reason-safety": ({}, 200, '"finish_reason": "SAFETY"'),
    "tool-use-failed-once": (TOOLS, 400, "tool_use_failed"),
    "wrong-region-host": ({}, 401, "us.api.openai.com"),
    "not-on-this-route": ({}, 400, "isn't supported on this route"),
    "must-be-the-routes-model": ({}, 400, "must be: gpt-4o"),
    "use-case-form-missing": ({}, 400, "required use-case form"),
    "quota-limit-zero": ({}, 429, "limit: 0, model: gemini-3.1-pro"),
    "bot-filter-now-and-then": ({}, 403, "cf-error-details"),
}


@pytest.mark.parametrize("report", SECOND_REPORTS, ids=[report.id for report in SECOND_REPORTS])
def test_a_plain_client_gets_what_the_report_quotes(report: Report) -> None:
    changes, status, words = QUOTED[report.id]
    with report.endpoint() as endpoint:
        answer = plainly(report, endpoint, changes)
    assert (answer.status, words in answer.body.decode()) == (status, True), answer.body


def plainly(report: Report, endpoint: Simulator, changes: JSON) -> Answer:
    """What a plain client gets; `path` in the changes is another route."""
    query = report.path.partition("?")[2]
    suffix = f"?{query}" if query else ""
    base = report.path.partition("?")[0].rstrip("/")
    if report.model_type == "stt":
        return upload(base + "/audio/transcriptions" + suffix, report, endpoint, changes)
    path, body = PLAIN[report.model_type]
    body = {"model": report.model_id} | body | changes
    path = base + body.pop("path", path) + suffix
    return ask(endpoint, path, body, key=endpoint.api_key)


def upload(path: str, report: Report, endpoint: Simulator, changes: JSON) -> Answer:
    """A WAV as a form."""
    fields = {"model": report.model_id.encode(), "file": silent_wav()} | changes
    head = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    body = b"".join(head % (name.encode(), value) for name, value in fields.items()) + b"--x--\r\n"
    return ask(endpoint, path, body, key=endpoint.api_key, Content_Type="multipart/form-data; boundary=x")


@pytest.mark.parametrize("report", BY_PLAIN_HTTP, ids=[report.id for report in BY_PLAIN_HTTP])
def test_a_plain_client_gets_what_the_source_tells(report: Report) -> None:
    """The words that are shown; where none are, a good answer."""
    shown = SHOWN.get(report.id, "")
    changes, words = ({}, shown) if isinstance(shown, str) else shown
    with report.endpoint() as endpoint:
        answer = plainly(report, endpoint, changes)
    if not words:
        assert report.verdict == "accepted", "a rejection shows what it is rejected for"
        assert answer.status == 200, answer.body
    told = answer.body.decode("utf-8", "replace")
    named = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    escaped = json.dumps(words)[1:-1]
    assert words in told + named or escaped in told, (answer.status, told)


def opened(report: Report) -> str:
    """The first event of a realtime session, or the status of the refused upgrade."""
    with report.endpoint() as endpoint:
        url = endpoint.origin.replace("http", "ws") + f"{report.path}/realtime?model={report.model_id}"
        try:
            with connect(url, additional_headers={"Authorization": f"Bearer {KEY}"}, proxy=None) as session:
                return str(session.recv(5))
        except InvalidStatus as refused:
            body = refused.response.body or b""
            return f"{refused.response.status_code} {bytes(body).decode()}".strip()


SOCKETS = [report for report in SECOND if report.model_type == "realtime"]


@pytest.mark.parametrize("report", SOCKETS, ids=[report.id for report in SOCKETS])
def test_a_socket_gets_what_the_source_tells(report: Report) -> None:
    shown = SHOWN[report.id]
    assert isinstance(shown, str) and shown in opened(report)
