"""The page of a model's labels, and the list's filters."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from app.store.labels import Labels, labels_of
from tests.web.api.test_models import add


def test_they_are_typed_shown_and_filtered_by(app: Flask, editor: FlaskClient) -> None:
    ours, other = add(app, display_name="Ours"), add(app, display_name="Theirs", model_id="n")
    typed = {"owner": " Team ", "contact": "https://team.example.com", "tags": "prod, eu  eu"}
    assert editor.post(f"/models/{ours}/labels", data=typed).status_code == 303
    with app.app_context():
        assert labels_of(ours) == Labels("Team", "https://team.example.com", ("eu", "prod"))
    page = editor.get(f"/models/{ours}").text
    assert "Team" in page and "?tag=eu" in page
    for query in ("tag=eu", "owner=Team"):
        listed = editor.get(f"/models?{query}").text
        assert f"/models/{ours}" in listed and f"/models/{other}" not in listed
    assert 'value="eu prod"' in editor.get(f"/models/{ours}/labels").text


def test_what_is_wrong_stays_typed(app: Flask, editor: FlaskClient) -> None:
    id = add(app)
    answer = editor.post(f"/models/{id}/labels", data={"owner": "Team", "contact": "nobody"})
    assert answer.status_code == 400 and 'value="Team"' in answer.text
    assert "must be a mail address" in answer.text and 'id="contact-error"' in answer.text
    with app.app_context():
        assert labels_of(id) == Labels()


def test_viewers_read_only(app: Flask, viewer: FlaskClient) -> None:
    id = add(app)
    assert viewer.post(f"/models/{id}/labels", data={"owner": "Me"}).status_code == 403
    assert "/labels" not in viewer.get(f"/models/{id}").text
