"""Endpoints: what the list and a page say, what viewers do not see, rotation, changes, deletion."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.practice.api import Practice
from app.practice.server import PracticeServer
from app.store.audit_events import AuditEvent
from app.store.base import db, now
from app.store.endpoints import Endpoint
from app.store.models import RegisteredModel
from app.store.watch.health import EndpointWatch
from app.web.pages.live import NDJSON
from tests.rows import an_endpoint, opened
from tests.web.pages.conftest import Form, error_at, hidden, plain, problem, register

KEY, NEW_KEY = "sk-endpoints-0c1d2e", "sk-endpoints-new-9a8b7c"


class Keyed:
    """A practice endpoint whose key a test changes."""

    def __init__(self) -> None:
        self.practice = Practice(key=KEY)
        self.server = PracticeServer(self.practice.respond)
        self.server.start()
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"

    @property
    def form(self) -> Form:
        """A model of it, as the form for one model is sent."""
        return {"base_url": self.base_url, "api_key": KEY, "model_id": "practice-chat", "model_type": "chat",
                "display_name": "Practice chat", "region": "europe", "depth": "proof"}  # fmt: skip


@pytest.fixture
def keyed() -> Iterator[Keyed]:
    """A practice endpoint of this test's own."""
    made = Keyed()
    yield made
    made.server.stop()


@pytest.fixture
def page(app: Flask, editor: FlaskClient, keyed: Keyed) -> str:
    """The page of an endpoint with two models that are up."""
    register(editor, keyed.form)
    register(editor, keyed.form | {"model_id": "practice-reasoning", "display_name": "Reasoner"})
    return f"/endpoints/{stored(app).id}"


def stored(app: Flask) -> Endpoint:
    """The one endpoint."""
    with app.app_context():
        endpoint: Endpoint = db.session.scalars(db.select(Endpoint)).one()
        assert endpoint.headers is not None
        return endpoint


def test_the_list_and_the_page_name_its_models(editor: FlaskClient, keyed: Keyed, page: str) -> None:
    text = plain(editor.get("/endpoints").text)
    assert keyed.base_url in text and "Up 2" in text
    text = plain(editor.get(page).text)
    assert "Practice chat" in text and "Reasoner" in text and "Last rotation never" in text
    assert KEY not in text


def test_a_viewer_sees_neither_query_values_nor_buttons(app: Flask, viewer: FlaskClient) -> None:
    with app.app_context():
        endpoint = an_endpoint("https://llm.example.com/v1?key=hush-hush")
        db.session.add(endpoint)
        db.session.commit()
        path = f"/endpoints/{endpoint.id}"
    for shown in ("/endpoints", path):
        text = viewer.get(shown).text
        assert "key=…" in text and "hush-hush" not in text
        assert "Rotate" not in text and "Register many" not in text
    assert viewer.get(f"{path}/rotate").status_code == 403
    assert viewer.post(f"{path}/models", data={"do": "look"}).status_code == 403


def test_a_key_is_rotated_for_all_once_it_works(
    app: Flask, editor: FlaskClient, keyed: Keyed, page: str
) -> None:
    keyed.practice.key = NEW_KEY
    answer = editor.post(f"{page}/rotate", data={"api_key": NEW_KEY}, follow_redirects=True)
    assert "The new key is stored, for 2 models." in plain(answer.text)
    with app.app_context():
        assert opened(db.session.scalars(db.select(Endpoint)).one()) == NEW_KEY


def test_a_key_that_does_not_work_changes_nothing_and_need_not_be_typed_again(
    app: Flask, editor: FlaskClient, keyed: Keyed, page: str
) -> None:
    answer = editor.post(f"{page}/rotate", data={"api_key": NEW_KEY})
    assert answer.status_code == 400
    assert "2 of 2 models did not work with it" in problem(answer.text)
    assert NEW_KEY not in answer.text
    with app.app_context():
        assert opened(db.session.scalars(db.select(Endpoint)).one()) == KEY
    keyed.practice.key = NEW_KEY
    held = hidden(answer.text, "held_key")
    assert editor.post(f"{page}/rotate", data={"held_key": held}).status_code == 303
    with app.app_context():
        assert opened(db.session.scalars(db.select(Endpoint)).one()) == NEW_KEY


def test_a_rotation_shows_each_model_as_it_answers(
    app: Flask, editor: FlaskClient, keyed: Keyed, page: str
) -> None:
    def lines(key: str) -> list[dict[str, str]]:
        answer = editor.post(f"{page}/rotate", data={"api_key": key}, headers={"Accept": NDJSON})
        assert key not in answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    *shown, end = lines("sk-not-right")
    assert [line["status"] for line in shown] == ["running"] * 2 + ["failed"] * 2
    assert "401" in shown[-1]["html"] and "2 of 2 models did not work" in problem(end["html"])
    keyed.practice.key = NEW_KEY
    *shown, end = lines(NEW_KEY)
    assert [line["status"] for line in shown] == ["running"] * 2 + ["passed"] * 2
    assert end["location"].endswith("done=rotated")
    with app.app_context():
        assert opened(db.session.scalars(db.select(Endpoint)).one()) == NEW_KEY


def test_no_key_is_asked_for_at_its_field(editor: FlaskClient, page: str) -> None:
    answer = editor.post(f"{page}/rotate", data={})
    assert answer.status_code == 400 and "Type the new key" in error_at(answer.text, "api_key")


def test_name_and_headers_are_changed_and_values_never_shown(
    app: Flask, editor: FlaskClient, page: str
) -> None:
    same = {"base_url": stored(app).base_url, "auth_header": "Authorization", "auth_scheme": "Bearer"}
    sent = same | {"name": "Our gateway", "headers": "X-Team: blue-secret"}
    assert editor.post(f"{page}/edit", data=sent).status_code == 303
    for shown in (page, f"{page}/edit"):
        text = editor.get(shown).text
        assert "X-Team" in text and "blue-secret" not in text and "Our gateway" in text
    assert editor.post(f"{page}/edit", data=same | {"name": "Ours", "drop": "X-Team"}).status_code == 303
    assert "X-Team" not in editor.get(page).text


def test_a_change_of_nothing_says_so(app: Flask, editor: FlaskClient, page: str) -> None:
    endpoint = stored(app)
    same = {"name": endpoint.name, "base_url": endpoint.base_url, "auth_header": "Authorization"}
    answer = editor.post(f"{page}/edit", data=same | {"auth_scheme": "Bearer"}, follow_redirects=True)
    assert "Nothing was changed" in plain(answer.text)
    with app.app_context():
        assert "endpoint.updated" not in db.session.scalars(db.select(AuditEvent.action)).all()


@pytest.mark.parametrize(
    ("change", "field", "wrong"),
    [({"headers": "no colon here"}, "headers", "a line of its own"),
     ({"headers": "Host: elsewhere"}, "headers", "belongs to HTTP itself"),
     ({"ca_pem": "no certificate"}, "ca_pem", "holds no certificate"),
     ({"base_url": "not a url"}, "base_url", "holds a space")],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field(
    app: Flask, editor: FlaskClient, page: str, change: Form, field: str, wrong: str
) -> None:
    good = {"name": "Ours", "base_url": stored(app).base_url, "auth_header": "Authorization"}
    answer = editor.post(f"{page}/edit", data=good | {"auth_scheme": "Bearer"} | change)
    assert answer.status_code == 400 and wrong in error_at(answer.text, field)
    assert stored(app).name != "Ours"


def test_the_stored_key_goes_to_no_other_server(app: Flask, editor: FlaskClient, page: str) -> None:
    sent = {"name": "Ours", "base_url": "http://127.0.0.1:1/v1", "auth_header": "Authorization"}
    answer = editor.post(f"{page}/edit", data=sent | {"auth_scheme": "Bearer"})
    assert answer.status_code == 400 and "does not go to another origin" in problem(answer.text)


def test_only_one_without_models_is_deleted(app: Flask, editor: FlaskClient, page: str) -> None:
    assert "2 models are served there" in plain(editor.get(f"{page}/delete").text)
    assert editor.post(f"{page}/delete").status_code == 409
    with app.app_context():
        for model in db.session.scalars(db.select(RegisteredModel)):
            db.session.delete(model)
        empty = an_endpoint(name="Left behind")
        db.session.add(empty)
        db.session.commit()
        path = f"/endpoints/{empty.id}"
    assert "Left behind" in plain(editor.get(f"{path}/delete").text)
    assert editor.post(f"{path}/delete").status_code == 303
    assert editor.get(path).status_code == 404


def test_the_end_of_a_key_is_stated_shown_and_taken_back(app: Flask, editor: FlaskClient) -> None:
    with app.app_context():
        endpoint = an_endpoint(name="Gateway", key_ciphertext=b"-")
        db.session.add(endpoint)
        db.session.commit()
        path = f"/endpoints/{endpoint.id}"
        form = {name: getattr(endpoint, name) for name in ("name", "base_url", "auth_header", "auth_scheme")}
    assert editor.post(f"{path}/edit", data=form | {"key_ends": "2020-01-31"}).status_code == 303
    assert "as somebody stated Has ended" in plain(editor.get(path).text)
    assert re.search(r'name="key_ends"[^>]* value="2020-01-31"', editor.get(f"{path}/edit").text)
    wrong = editor.post(f"{path}/edit", data=form | {"key_ends": "soon"})
    assert wrong.status_code == 400 and 'id="key_ends-error"' in wrong.text
    assert editor.post(f"{path}/edit", data=form | {"key_ends": ""}).status_code == 303
    assert "Key ends not known" in plain(editor.get(path).text)


def test_the_end_that_stands_beside_a_new_key_is_its_end(
    app: Flask, editor: FlaskClient, keyed: Keyed, page: str
) -> None:
    endpoint = stored(app)
    form = {name: getattr(endpoint, name) for name in ("name", "base_url", "auth_header", "auth_scheme")}
    dated = form | {"key_ends": "2030-01-31"}
    assert editor.post(f"{page}/edit", data=dated).status_code == 303
    keyed.practice.key = NEW_KEY
    assert editor.post(f"{page}/edit", data=dated | {"api_key": NEW_KEY}).status_code == 303
    with app.app_context():
        assert opened(stored(app)) == NEW_KEY
    assert str(stored(app).key_ends) == "2030-01-31 00:00:00+00:00"


@pytest.mark.parametrize(("days", "words"), [(90, "ends"), (9, "Ends soon"), (-1, "Has ended")])
def test_what_looks_saw_end_is_on_its_page(app: Flask, viewer: FlaskClient, days: int, words: str) -> None:
    with app.app_context():
        endpoint = an_endpoint()
        life = [None, (now() + timedelta(days=days)).isoformat()]
        watched = EndpointWatch(
            endpoint_id=endpoint.id, host="llm.example.com", endings={"certificate": life}
        )
        db.session.add_all([endpoint, watched])
        db.session.commit()
        id = endpoint.id
    text = plain(viewer.get(f"/endpoints/{id}").text)
    assert "The server’s own" in text and words in text
    assert ("Ends soon" in text, "Has ended" in text) == (days == 9, days < 0)
