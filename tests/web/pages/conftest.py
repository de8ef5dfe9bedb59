"""A practice endpoint with a key of its own, and the form filled in well for it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.practice.api import Practice
from app.practice.server import PracticeServer
from app.store.base import db
from app.store.models import RegisteredModel

KEY = "sk-pages-4f9c2a7be01d"

Form = dict[str, str]


@contextmanager
def practising(key: str) -> Iterator[str]:
    """The base URL of a practice endpoint that wants this key."""
    server = PracticeServer(Practice(key=key).respond)
    server.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.stop()


@pytest.fixture
def practice_url() -> Iterator[str]:
    """The base URL of a practice endpoint that wants KEY."""
    with practising(KEY) as url:
        yield url


@pytest.fixture
def good(practice_url: str) -> Form:
    """A form that is registered as it is, with the proof alone."""
    return {
        "base_url": practice_url,
        "api_key": KEY,
        "model_id": "practice-chat",
        "model_type": "chat",
        "display_name": "Practice chat",
        "region": "europe",
        "depth": "proof",
    }


@pytest.fixture
def model_url(editor: FlaskClient, good: Form) -> str:
    """The page of a model that was registered with every check."""
    return register(editor, good | {"depth": ""})


def register(browser: FlaskClient, form: Form) -> str:
    """Send the form, expect that the model gets in, and give its page."""
    answer = browser.post("/models/new", data=form)
    assert answer.status_code == 303, problem(answer.text)
    return answer.headers["Location"].partition("?")[0]


def problem(page: str) -> str:
    """What stands in the summary above the form, as plain text."""
    found = re.search(r'id="problem".*?</div>', page, re.S)
    return plain(found[0].partition(">")[2]) if found else ""


def error_at(page: str, field: str) -> str:
    """The error that is tied to a field by aria-describedby, as plain text; "" where there is none."""
    control = re.search(rf'<(?:input|select|textarea)\b[^>]*\bid="{field}"[^>]*>', page)
    assert control, f"there is no field {field}"
    if f"{field}-error" not in control[0]:
        return ""
    assert 'aria-invalid="true"' in control[0]
    found = re.search(rf'<p class="error" id="{field}-error">(.*?)</p>', page, re.S)
    assert found, f"{field} points to an error that is not there"
    return plain(found[1])


def plain(markup: str) -> str:
    """Markup as text with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def hidden(page: str, name: str) -> str:
    """The value of a hidden field, "" where there is none."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return html.unescape(found[1]) if found else ""


def suggested(page: str) -> list[str]:
    """The values of the buttons that use a suggestion."""
    return [html.unescape(value) for value in re.findall(r'name="use" value="([^"]*)"', page)]


def rejected(browser: FlaskClient, form: Form) -> TestResponse:
    """Send the form and expect the form again."""
    answer = browser.post("/models/new", data=form)
    assert answer.status_code == 400
    return answer


def models(app: Flask) -> list[RegisteredModel]:
    """Every registered model."""
    with app.app_context():
        return list(db.session.scalars(db.select(RegisteredModel)))


def with_practice(app: Flask, base_url: str) -> None:
    """Let the application know that the practice endpoint runs at this base URL."""
    port = int(base_url.rsplit(":", 1)[1].split("/")[0])
    app.config["MUSTER"] = replace(app.config["MUSTER"], practice=True, practice_port=port)
