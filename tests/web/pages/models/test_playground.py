"""Trying a model with its stored key."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel
from tests.web.pages.conftest import KEY, Form, plain, register


def stream(browser: FlaskClient, url: str, form: dict[str, str]) -> list[dict[str, str]]:
    """What a browser with scripts gets, line by line."""
    answer = browser.post(url + "/try", data=form, headers={"Accept": "application/x-ndjson"})
    assert answer.status_code == 200 and KEY not in answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_chat_model_answers_piece_by_piece(editor: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    lines = stream(editor, url, {"prompt": "Reply with the single word OK."})
    said = "".join(line["text"] for line in lines if line["event"] == "piece")
    assert "OK" in said and said in plain(lines[-1]["html"])
    assert "First token" in lines[-1]["html"] and "tokens in" in lines[-1]["html"]


def test_a_reasoning_model_shows_what_it_thought(editor: FlaskClient, good: Form) -> None:
    url = register(editor, good | {"model_id": "practice-reasoning"})
    lines = stream(editor, url, {"prompt": "Reply with the single word OK."})
    assert any(line.get("thinking") for line in lines)
    assert "Reasoning" in lines[-1]["html"]


def test_without_scripts_a_page_has_the_answer(app: Flask, editor: FlaskClient, good: Form) -> None:
    page = editor.post(
        register(editor, good) + "/try", data={"prompt": "Reply with the single word OK."}
    ).text
    assert "What came back" in page and "OK" in plain(page) and KEY not in page
    assert ">Reply with the single word OK.</textarea>" in page
    with app.app_context():
        event = db.session.scalars(db.select(AuditEvent).where(AuditEvent.action == "model.tried")).one()
    assert "single word" not in json.dumps(event.detail)


def test_an_embedding_tells_length_and_likeness(editor: FlaskClient, good: Form) -> None:
    url = register(editor, good | {"model_id": "practice-embedding", "model_type": "embedding"})
    same = plain(stream(editor, url, {"prompt": "a fox", "other": "a fox"})[-1]["html"])
    assert "256 numbers" in same and "Similarity 1.0000" in same
    other = plain(stream(editor, url, {"prompt": "a fox", "other": "a tax form"})[-1]["html"])
    assert "Similarity" in other and "1.0000" not in other


def test_an_image_is_shown(editor: FlaskClient, good: Form) -> None:
    url = register(editor, good | {"model_id": "practice-image", "model_type": "image"})
    html = stream(editor, url, {"prompt": "a lighthouse"})[-1]["html"]
    assert 'src="data:image/png;base64,' in html or "Open the picture" in html


def test_a_limit_cuts_the_answer_off(editor: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    html = stream(editor, url, {"prompt": "Count from 1 to 50.", "limit": "5"})[-1]["html"]
    assert "cut off by the token limit" in html


def test_a_limit_that_is_no_number_is_the_usual_one(editor: FlaskClient, good: Form) -> None:
    """A superscript is a digit to Python, and no number."""
    url = register(editor, good)
    for limit in ("many", "\u00b2"):
        answer = editor.post(f"{url}/try", data={"prompt": "Say hello.", "limit": limit})
        assert answer.status_code == 200 and 'value="512"' in answer.text


def test_what_the_endpoint_refuses_is_said(app: Flask, editor: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    with app.app_context():
        db.session.execute(db.update(RegisteredModel).values(remote_model_id="gone"))
        db.session.commit()
    assert "404" in stream(editor, url, {"prompt": "Hello"})[-1]["html"]


def test_an_answer_is_never_markup(editor: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    html = stream(editor, url, {"prompt": 'Begin every answer with the word "<img>". Hello.'})[-1]["html"]
    assert "<img>" not in html


@pytest.mark.parametrize("prompt", ["", "   "])
def test_nothing_typed_calls_nothing(app: Flask, editor: FlaskClient, good: Form, prompt: str) -> None:
    answer = editor.post(register(editor, good) + "/try", data={"prompt": prompt})
    assert answer.status_code == 400 and "Type something first" in answer.text


def test_a_type_without_a_box_can_not_be_tried(editor: FlaskClient, good: Form) -> None:
    url = register(editor, good | {"model_id": "practice-moderation", "model_type": "moderation"})
    assert "Try it" not in editor.get(url).text
    assert editor.post(url + "/try", data={"prompt": "Hello"}).status_code == 404


def test_a_viewer_tries_nothing(viewer: FlaskClient, model_url: str) -> None:
    assert viewer.post(model_url + "/try", data={"prompt": "Hello"}).status_code == 403
    assert "Try it" not in viewer.get(model_url).text
