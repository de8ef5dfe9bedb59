"""A whole Muster in processes of its own: where keys must not be found, and what a kill leaves behind."""

from __future__ import annotations

import base64
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import func, inspect, select, text

from app.access.tokens import create_token
from app.factory import create_app
from app.practice.api import Practice
from app.practice.server import PracticeServer
from app.practice.wire import Reply, Request
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.database import let_go
from app.store.models import RegisteredModel
from app.store.probes import Probe
from tests.cli.test_serve import Serving, serve

pytestmark = pytest.mark.both_databases

__all__ = ["serve"]

KEY = "sk-right-8c1f0b7d2a9e4c55"
WRONG_KEY = "sk-wrong-5d3e9a1c7b2f4e88"


class Endpoint:
    """The practice endpoint with KEY; while `held` is clear it answers to nothing."""

    def __init__(self) -> None:
        self.held = threading.Event()
        self.held.set()
        self.asked = threading.Event()
        self._practice = Practice(key=KEY)
        self.server = PracticeServer(self._respond)
        self.server.start()
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def _respond(self, request: Request) -> Reply:
        self.asked.set()
        self.held.wait(30)
        return self._practice.respond(request)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An endpoint of this test's own."""
    made = Endpoint()
    yield made
    made.held.set()
    made.server.stop()


@pytest.fixture
def database(tmp_path: Path, empty_database_url: str) -> Iterator[Flask]:
    """An application that looks into the same database from outside."""
    app = create_app({"instance": tmp_path / "instance", "database_url": empty_database_url})
    yield app
    with app.app_context():
        let_go()


def a_token(app: Flask) -> dict[str, str]:
    """The header of a new token."""
    with app.app_context():
        _, made = create_token("test", ["write"], "test")
        db.session.commit()
    return {"Authorization": f"Bearer {made}"}


def request_for(endpoint: Endpoint, **changes: Any) -> dict[str, Any]:
    """A good request for a model of the endpoint."""
    good = {
        "api_key": KEY,
        "base_url": endpoint.base_url,
        "display_name": "Practice",
        "model_id": "practice-chat",
        "model_type": "chat",
        "region": "eu",
    }
    return good | changes


def post(running: Serving, header: dict[str, str], body: dict[str, Any]) -> requests.Response:
    """Register."""
    return requests.post(f"{running.url}/v2/models/openai-like", json=body, headers=header, timeout=60)


def everything_stored(app: Flask) -> str:
    """Every row of every table as text; bytes are shown in a form that a plain key would be seen in."""
    with app.app_context(), db.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        rows = [tuple(row) for name in tables for row in connection.execute(text(f"SELECT * FROM {name}"))]
    return repr(rows)


def test_a_key_is_found_nowhere(
    serve: Callable[..., Serving], database: Flask, endpoint: Endpoint, tmp_path: Path
) -> None:
    running = serve(MUSTER_LOG_LEVEL="debug")
    running.await_ready()
    header = a_token(database)
    made = post(running, header, request_for(endpoint))
    assert made.status_code == 200, made.text
    refused = post(
        running, header, request_for(endpoint, api_key=WRONG_KEY, model_id="practice-chat-no-tools")
    )
    assert refused.status_code == 400
    unread = post(running, header, request_for(endpoint, region=7, api_key=WRONG_KEY))
    id = made.json()["id"]
    answers = [made.text, refused.text, unread.text]
    for path in ("/v2/models", f"/v2/models/{id}", f"/v2/models/{id}/probes"):
        answer = requests.get(running.url + path, headers=header, timeout=30)
        assert answer.status_code == 200
        answers.append(answer.text)
    printed, log = running.ctrl_c()
    assert "/v2/models/openai-like" in log
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode("latin-1")
    everywhere = "".join([*answers, printed, log, files, everything_stored(database)])
    assert "practice-chat" in everything_stored(database)
    for key in (KEY, WRONG_KEY):
        encoded = base64.b64encode(key.encode()).decode().rstrip("=")
        assert not any(form in everywhere for form in (key, key[8:], encoded, key.encode().hex()))


def count(app: Flask) -> dict[str, int]:
    """How many rows there are of what a registration writes."""
    with app.app_context():
        return {
            table.__tablename__: db.session.scalar(select(func.count()).select_from(table)) or 0
            for table in (RegisteredModel, Probe, AuditEvent)
        }


def test_a_kill_in_the_middle_of_a_registration_leaves_no_model(
    serve: Callable[..., Serving], database: Flask, endpoint: Endpoint
) -> None:
    running = serve()
    running.await_ready()
    header = a_token(database)
    before = count(database)
    endpoint.held.clear()
    caller = threading.Thread(target=_post_and_lose, args=(running, header, request_for(endpoint)))
    caller.start()
    assert endpoint.asked.wait(20)
    _assert_nothing_is_held(database)
    os.killpg(running.process.pid, signal.SIGKILL)
    running.process.communicate(timeout=20)
    caller.join(20)
    endpoint.held.set()
    assert count(database) == before

    again = serve()
    again.await_ready()
    assert post(again, header, request_for(endpoint)).status_code == 200
    again.ctrl_c()


def test_ctrl_c_in_the_middle_of_a_registration_is_a_clean_end(
    serve: Callable[..., Serving], database: Flask, endpoint: Endpoint
) -> None:
    running = serve()
    running.await_ready()
    header = a_token(database)
    before = count(database)
    endpoint.held.clear()
    caller = threading.Thread(target=_post_and_lose, args=(running, header, request_for(endpoint)))
    caller.start()
    assert endpoint.asked.wait(20)
    _, log = running.ctrl_c()
    caller.join(20)
    assert running.process.returncode == 0
    assert "Traceback" not in log and "SIGKILL" not in log
    assert count(database) == before


def _post_and_lose(running: Serving, header: dict[str, str], body: dict[str, Any]) -> None:
    with pytest.raises(requests.ConnectionError):
        post(running, header, body)


def _assert_nothing_is_held(app: Flask) -> None:
    """No transaction is open while the endpoint is asked: another one can write at once."""
    with app.app_context():
        if db.engine.dialect.name == "postgresql":
            idle = text("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
            assert db.session.scalar(idle) == 0
        began = time.monotonic()
        db.session.add(AuditEvent(actor="test", action="test"))
        db.session.flush()
        db.session.rollback()
        assert time.monotonic() - began < 2
