"""A registration with all its checks, at an endpoint that takes 200 ms a call, beside one plain call."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import requests
from flask.testing import FlaskClient

from app import access, create_app, database, vault
from app.models import db
from app.practice import PracticeServer
from app.practice_api import Practice
from app.practice_models import KEY
from app.practice_wire import Reply, Request
from tests.bench import Line

LATENCY_S = 0.2
ROUNDS = 5


def run() -> list[Line]:
    """Medians of five rounds, in turns, so that both see the same machine."""
    practice = Practice()

    def respond(request: Request) -> Reply:
        time.sleep(LATENCY_S)
        return practice.respond(request)

    server = PracticeServer(respond)
    server.start()
    base_url = f"http://127.0.0.1:{server.server_port}/v1"
    plain, registered = [], []
    with tempfile.TemporaryDirectory() as folder:
        client, header = _client(Path(folder))
        for number in range(ROUNDS):
            plain.append(_plain_call(base_url))
            registered.append(_registration(client, header, base_url, number))
        with client.application.app_context():
            db.engine.dispose()
    server.stop()
    once, all_checks = statistics.median(plain), statistics.median(registered)
    return [Line("a registration with all its checks", all_checks, "one plain call", once, 4)]


def _client(folder: Path) -> tuple[FlaskClient, dict[str, str]]:
    app = create_app(
        {"instance": folder, "database_url": f"sqlite:///{folder / 'bench.sqlite'}", "rate_limit": 0}
    )
    vault.ensure_ring(app.config["MUSTER"])
    with app.app_context():
        database.upgrade_database()
        _, token = access.create_token("bench", ["write"], "bench")
        db.session.commit()
    return app.test_client(), {"Authorization": f"Bearer {token}"}


def _plain_call(base_url: str) -> float:
    body = {"model": "practice-chat", "messages": [{"role": "user", "content": "Say OK."}]}
    began = time.perf_counter()
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = requests.post(f"{base_url}/chat/completions", json=body, headers=headers, timeout=30)
    answer.raise_for_status()
    return time.perf_counter() - began


def _registration(client: FlaskClient, header: dict[str, str], base_url: str, number: int) -> float:
    body = {
        "api_key": KEY,
        "base_url": base_url,
        "display_name": "Bench",
        "model_id": f"bench-{number}",
        "configuration": {"model_id": "practice-chat"},
        "model_type": "chat",
        "region": "eu",
    }
    began = time.perf_counter()
    answer = client.post("/v2/models/openai-like", json=body, headers=header)
    assert answer.status_code == 200, answer.text
    return time.perf_counter() - began
