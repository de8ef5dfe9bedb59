"""The practice endpoint, counting its calls, and a good request for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from app.practice.api import Practice
from app.practice.models import KEY
from app.practice.server import PracticeServer
from app.practice.wire import Reply, Request

_SCHEMA = Path(__file__).parents[2] / "registry/model-document.schema.json"
_VALIDATOR = Draft202012Validator(json.loads(_SCHEMA.read_text(encoding="utf-8")))


class Endpoint:
    """The practice endpoint in a thread. `calls` are (method, path, Authorization) in the order they came."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.before: threading.Event | None = None
        self.called = threading.Event()
        self.practice = Practice()
        self._server = PracticeServer(self._respond)
        self._server.start()

    @property
    def base_url(self) -> str:
        """Its base URL, `/v1` included."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def proofs(self, key: str = KEY) -> int:
        """How many calls came to the chat route with this key."""
        return sum(path.endswith("/chat/completions") and key in sent for _, path, sent in self.calls)

    def stop(self) -> None:
        """End it."""
        self._server.stop()

    def _respond(self, request: Request) -> Reply:
        self.calls.append((request.method, request.path, request.headers.get("authorization", "")))
        self.called.set()
        if self.before:
            self.before.wait(20)
        return self.practice.respond(request)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A practice endpoint of this test's own."""
    started = Endpoint()
    yield started
    started.stop()


@pytest.fixture
def good(endpoint: Endpoint) -> dict[str, Any]:
    """A request body that registers a model."""
    return {
        "api_key": KEY,
        "base_url": endpoint.base_url,
        "display_name": "Practice chat",
        "model_id": "practice-chat",
        "model_type": "chat",
        "region": "on-prem",
    }


def document_problems(document: dict[str, Any]) -> list[str]:
    """Where a document departs from its schema."""
    return [error.message for error in _VALIDATOR.iter_errors(document)]
