"""A browser, a served Muster with an editor, and a practice endpoint."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Dialog, Page

from app.practice.api import Practice
from app.practice.models import Model
from app.practice.server import PracticeServer
from app.practice.wire import Reply, Request
from app.store.accounts import User
from app.store.base import db
from tests.browser import chromium
from tests.conftest import LiveServer, browser_of
from tests.web.pages.conftest import hidden
from tests.web.pages.conftest import register as registered_by

KEY = "sk-browser-71d0e5c3a9"
EMAIL = "editor@example.com"


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """SQLite only: a browser sees no difference."""
    path = tmp_path / "muster.sqlite"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def app(app: Flask, password_hash: str) -> Flask:
    """The application with forgery tokens, as it is in use, and an editor."""
    app.config["WTF_CSRF_ENABLED"] = True
    with app.app_context():
        db.session.add(User(email=EMAIL, role="editor", password_hash=password_hash))
        db.session.commit()
    return app


@pytest.fixture
def admin(app: Flask, password_hash: str) -> str:
    """The address of an administrator."""
    with app.app_context():
        db.session.add(User(email="admin@example.com", role="admin", password_hash=password_hash))
        db.session.commit()
    return "admin@example.com"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; where there is none the tests are skipped, and say so."""
    path = chromium.executable()
    if path is None:
        pytest.skip("there is no Chromium on this machine: install chromium-headless-shell or chromium")
    with chromium.started(path) as started:
        yield started


@pytest.fixture(scope="session")
def shared_page(browser: Browser) -> Iterator[Page]:
    """A page, wide, for one test after the other: to open a window takes half a second of processor time."""
    window = chromium.window(browser)
    yield window.new_page()
    window.close()


@pytest.fixture
def stranger(shared_page: Page, live_server: LiveServer) -> Iterator[Page]:
    """A page that nobody is signed in with; at its end the browser must have had nothing to complain of."""
    with chromium.watched_console(shared_page) as heard:
        yield shared_page
    chromium.forget(shared_page, live_server)
    assert heard == []


@pytest.fixture
def dialogs(stranger: Page) -> Iterator[list[str]]:
    """The kinds of the questions that the browser itself asked; each is answered with yes."""
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    stranger.on("dialog", accept)
    yield asked
    stranger.remove_listener("dialog", accept)


@pytest.fixture
def page(stranger: Page, live_server: LiveServer) -> Page:
    """A page with the editor signed in."""
    chromium.let_in(stranger, live_server, EMAIL)
    return stranger


@pytest.fixture
def desk(stranger: Page, live_server: LiveServer, admin: str) -> Page:
    """A page with an administrator signed in."""
    chromium.let_in(stranger, live_server, admin)
    return stranger


class Endpoint:
    """A practice endpoint that wants KEY and remembers which paths were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._answers = threading.Event()
        self._answers.set()
        self._practice = Practice(key=KEY)
        self._server = PracticeServer(self._respond)
        self._server.start()
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def change_key(self, key: str) -> None:
        """Want another key from now on."""
        self._practice.key = key

    def serve(self, models: Sequence[Model]) -> None:
        """Serve other models from now on."""
        self._practice.models = {model.id: model for model in models}

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Let every call wait until the block ends."""
        self._answers.clear()
        yield
        self._answers.set()

    def stop(self) -> None:
        """End it."""
        self._answers.set()
        self._server.stop()

    def _respond(self, request: Request) -> Reply:
        self.asked.append(request.path)
        self._answers.wait()
        return self._practice.respond(request)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A practice endpoint of this test's own."""
    started = Endpoint()
    yield started
    started.stop()


def open_model(page: Page, server: LiveServer, endpoint: Endpoint) -> None:
    """Have the editor register a model without the browser, which takes a second more, and open its page."""
    editor = browser_of(server.app, EMAIL)
    good = {"base_url": endpoint.base_url, "api_key": KEY, "model_id": "practice-chat", "region": "europe"}
    forgery = {"csrf_token": hidden(editor.get("/models/new").text, "csrf_token")}
    page.goto(server.url + registered_by(editor, good | forgery | {"display_name": "Ours"}))
