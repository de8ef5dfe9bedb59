"""A new key for many models: stored for all of them at once, or not at all."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.practice.api import Practice
from app.practice.server import PracticeServer
from app.practice.wire import Reply, Request
from app.store import vault
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel
from app.store.probes import Probe
from tests import quick_start
from tests.rows import a_model, opened

pytestmark = pytest.mark.both_databases

OLD, NEW, MODELS = "sk-old-4f9c2a7be01d", "sk-new-88aa63d2c410", 10
ROTATE = """
import sys
from pathlib import Path
from app.access.actors import SYSTEM
from app.factory import create_app
from app.registry.endpoints.changes import Change, change
from app.registry.probing import ProbeOrder
instance, url, id, key = sys.argv[1:]
app = create_app({"instance": Path(instance), "database_url": url})
with app.app_context():
    change(id, Change(api_key=key), ProbeOrder(SYSTEM, depth="proof"), partial=False, move_key=False)
"""


class Slow:
    """Takes either key; from the call number `holds_from` with the new one on it answers nobody."""

    def __init__(self) -> None:
        self.holds_from, self.calls = 4, 0
        self.held, self.go = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.server = PracticeServer(self.respond)
        self.server.start()
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def respond(self, request: Request) -> Reply:
        """The practice endpoint's answer, in the end."""
        with self.lock:
            self.calls += request.key == NEW
            is_held = self.calls >= self.holds_from
        if is_held:
            self.held.set()
            self.go.wait(60)
        return Practice(key=request.key).respond(request)


@pytest.fixture
def slow() -> Iterator[Slow]:
    """An endpoint of this test's own."""
    made = Slow()
    yield made
    made.go.set()
    made.server.stop()


@pytest.fixture
def endpoint_id(app: Flask, slow: Slow) -> str:
    """An endpoint with its models, all of them up."""
    with app.app_context():
        first = a_model(model_id="practice-chat", base_url=slow.base_url, health="up")
        home = first.endpoint
        home.key_ciphertext = vault.seal(OLD, home.place_of("key"))
        others = [
            a_model(model_id="practice-chat", display_name=f"{n}", health="up") for n in range(1, MODELS)
        ]
        for number, model in enumerate(others):
            model.remote_model_id, model.model_id = "practice-chat", f"practice-{number}"
            model.endpoint, model.endpoint_id = home, home.id
        db.session.add_all([first, *others])
        db.session.commit()
        return home.id


def rotation(app: Flask, tmp_path: Path, database_url: str, id: str) -> subprocess.Popen[bytes]:
    """A process that stores the new key."""
    return quick_start.Python([sys.executable, "-c", ROTATE, str(tmp_path), database_url, id, NEW])


def test_one_that_is_killed_in_the_middle_has_changed_nothing(
    app: Flask, tmp_path: Path, database_url: str, slow: Slow, endpoint_id: str
) -> None:
    before = state(app, endpoint_id)
    process = rotation(app, tmp_path, database_url, endpoint_id)
    assert slow.held.wait(30), "some models have answered to the new key, and others have not yet"
    process.kill()
    process.wait()
    slow.go.set()
    assert state(app, endpoint_id) == before and before[0] == OLD
    again = rotation(app, tmp_path, database_url, endpoint_id)
    assert again.wait(60) == 0 and state(app, endpoint_id)[0] == NEW


def state(app: Flask, id: str) -> tuple[str, list[str], int, int]:
    """The key, the health of each model, how many probes and how many changes of endpoints there were."""
    with app.app_context():
        key = opened(db.session.get_one(Endpoint, id))
        health = list(db.session.scalars(select(RegisteredModel.health)))
        probes = db.session.scalar(select(func.count()).select_from(Probe)) or 0
        told = select(func.count()).where(AuditEvent.action == "endpoint.updated")
        return key, health, probes, db.session.scalar(told) or 0
