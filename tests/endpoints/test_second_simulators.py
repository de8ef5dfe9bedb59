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
from tests.endpoints.second_every import SECOND, Report
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
