"""Changing a model with the same form, copying it, and looking at what an endpoint lists."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.practice.api import Practice
from app.practice.models import MODELS
from app.practice.server import PracticeServer
from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.probes import Probe
from tests.web.pages.conftest import KEY, Form, error_at, hidden, models, plain, problem, register, suggested


def opened(editor: FlaskClient, url: str) -> Form:
    """The form of a model as a browser would send it back untouched."""
    page = editor.get(url + "/edit").text
    inputs = re.findall(r'<input id="(\w+)" name="\w+" type="text" value="([^"]*)"', page)
    form = {name: html.unescape(value) for name, value in inputs}
    form |= dict(re.findall(r'type="radio" name="(\w+)" value="(\w*)" checked', page))
    form |= {"model_type": "chat", "seen": hidden(page, "seen"), "api_key": "", "depth": "proof"}
    return form


def probes(app: Flask) -> int:
    """How many probes are kept."""
    with app.app_context():
        return db.session.scalar(db.select(db.func.count()).select_from(Probe)) or 0


def test_the_form_holds_what_the_model_has_but_the_key(editor: FlaskClient, good: Form) -> None:
    url = register(editor, good | {"supports_vision": "true", "input_cost": "0.5", "description": "Ours."})
    page = editor.get(url + "/edit").text
    form = opened(editor, url)
    assert (form["display_name"], form["base_url"]) == (good["display_name"], good["base_url"])
    assert (form["input_cost"], form["supports_vision"], form["supports_tool_calling"]) == ("0.5", "true", "")
    assert ">Ours.</textarea>" in page
    assert KEY not in page


def test_a_label_is_changed_without_a_probe(app: Flask, editor: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    answer = editor.post(url + "/edit", data=opened(editor, url) | {"region": "us"})
    assert answer.headers["Location"] == url + "?done=changed"
    assert (models(app)[0].region, probes(app)) == ("us", 1)
    with app.app_context():
        event = db.session.scalars(db.select(AuditEvent).where(AuditEvent.action == "model.updated")).one()
    assert event.detail == {"changes": {"region": ["europe", "us"]}}


def test_a_change_of_nothing_says_so_and_writes_nothing(app: Flask, editor: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    answer = editor.post(url + "/edit", data=opened(editor, url), follow_redirects=True)
    assert "Nothing was changed" in answer.text
    with app.app_context():
        changed = db.select(AuditEvent).where(AuditEvent.action == "model.updated")
        assert db.session.scalars(changed).all() == []


def test_what_an_empty_key_means_is_said_once(editor: FlaskClient, good: Form) -> None:
    page = editor.get(register(editor, good) + "/edit").text
    assert plain(page).count("Empty: it stays.") == 1 and "needs none." not in plain(page)


def test_another_model_id_is_probed_first_with_the_stored_key(
    app: Flask, editor: FlaskClient, good: Form
) -> None:
    url = register(editor, good)
    editor.post(url + "/edit", data=opened(editor, url) | {"model_id": "practice-chat-no-tools"})
    assert (models(app)[0].model_id, probes(app)) == ("practice-chat-no-tools", 2)


def test_a_change_that_does_not_work_changes_nothing(app: Flask, editor: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    answer = editor.post(url + "/edit", data=opened(editor, url) | {"model_id": "practice-chatt"})
    assert answer.status_code == 400
    assert "Not changed" in problem(answer.text) and "model_id=practice-chat" in suggested(answer.text)
    assert models(app)[0].model_id == "practice-chat"


def test_a_wrong_new_key_leaves_the_old_one(app: Flask, editor: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    before = models(app)[0].endpoint.key_ciphertext
    answer = editor.post(url + "/edit", data=opened(editor, url) | {"api_key": "sk-not-right"})
    assert "401" in error_at(answer.text, "api_key") and "sk-not-right" not in answer.text
    assert models(app)[0].endpoint.key_ciphertext == before


def test_a_key_is_rotated(app: Flask, editor: FlaskClient, good: Form) -> None:
    practice = Practice(key=KEY)
    server = PracticeServer(practice.respond)
    server.start()
    url = register(editor, good | {"base_url": f"http://127.0.0.1:{server.server_port}/v1"})
    practice.key = "sk-the-new-one"
    answer = editor.post(url + "/edit", data=opened(editor, url) | {"api_key": "sk-the-new-one"})
    server.stop()
    assert answer.status_code == 303 and probes(app) == 2


def test_an_editor_takes_the_stored_key_to_no_other_server(
    app: Flask, editor: FlaskClient, good: Form
) -> None:
    url = register(editor, good)
    answer = editor.post(url + "/edit", data=opened(editor, url) | {"base_url": "http://localhost:9/v1"})
    assert answer.status_code == 400
    assert "stored key" in error_at(answer.text, "api_key")
    assert models(app)[0].base_url == good["base_url"]


def test_an_administrator_moves_the_stored_key_by_a_box_that_names_both_origins(
    app: Flask, admin: FlaskClient, good: Form
) -> None:
    url, elsewhere = register(admin, good), good["base_url"].replace("127.0.0.1", "localhost")
    sent = opened(admin, url) | {"base_url": elsewhere}
    assert 'name="move_key"' not in admin.get(url + "/edit").text
    page = html.unescape(admin.post(url + "/edit", data=sent).text)
    before, after = (one.removesuffix("/v1") for one in (good["base_url"], elsewhere))
    assert f"which belongs to {before}, to {after}" in page and 'name="move_key"' in page
    assert models(app)[0].base_url == good["base_url"]
    assert admin.post(url + "/edit", data=sent | {"move_key": "yes"}).status_code == 303
    assert models(app)[0].base_url == elsewhere


def test_a_stored_key_is_forgotten_only_where_none_is_needed(
    app: Flask, editor: FlaskClient, good: Form
) -> None:
    url = register(editor, good)
    answer = editor.post(url + "/edit", data=opened(editor, url) | {"no_key": "yes"})
    assert "401" in error_at(answer.text, "api_key")
    assert models(app)[0].endpoint.key_ciphertext is not None


def test_a_page_that_is_too_old_overwrites_nobody(app: Flask, editor: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    mine, theirs = opened(editor, url), opened(editor, url)
    editor.post(url + "/edit", data=theirs | {"region": "us"})
    answer = editor.post(url + "/edit", data=mine | {"display_name": "Mine"})
    assert answer.status_code == 409
    assert "Someone changed this model" in problem(answer.text)
    assert (models(app)[0].region, models(app)[0].display_name) == ("us", good["display_name"])


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_viewer_changes_nothing(viewer: FlaskClient, model_url: str, method: str) -> None:
    assert getattr(viewer, method)(model_url + "/edit").status_code == 403


def test_a_copy_begins_with_everything_but_the_key(editor: FlaskClient, model_url: str) -> None:
    page = editor.get("/models/new?copy=" + model_url.rsplit("/", 1)[1]).text
    assert 'value="practice-chat"' in page and "The key is not copied" in page
    assert KEY not in page and hidden(page, "held_key") == ""


def test_a_copy_is_registered_beside_the_first(app: Flask, editor: FlaskClient, good: Form) -> None:
    register(editor, good)
    register(editor, good | {"model_id": "second", "configuration_model_id": "practice-chat"})
    assert len(models(app)) == 2


def look(editor: FlaskClient, form: Form) -> str:
    """The page after a look at the endpoint's list."""
    answer = editor.post("/models/new", data=form | {"do": "look"})
    assert answer.status_code == 200
    return answer.text


def test_a_look_offers_the_models_with_what_is_said_of_them(editor: FlaskClient, good: Form) -> None:
    page = look(editor, good | {"model_id": ""})
    assert f"The endpoint lists {len(MODELS)} models" in page and KEY not in page
    assert re.search(r'<option value="practice-chat">32,768 tokens of context; \$0.50 in, \$1.50 out', page)


def test_what_the_list_says_fills_empty_fields_only(editor: FlaskClient, good: Form) -> None:
    page = look(editor, good | {"input_cost": "9", "output_cost": ""})
    assert 'name="input_cost" type="text" value="9"' in page
    assert 'name="output_cost" type="text" value="1.5"' in page
    assert 'data-adopted="output_cost">From the endpoint' in page
    assert 'data-adopted="input_cost" hidden>' in page


@pytest.mark.parametrize(
    ("change", "words"),
    [({"api_key": "sk-wrong"}, "401"), ({"base_url": "http://127.0.0.1:9/v1"}, "127.0.0.1:9")],
    ids=["key", "server"],
)
def test_a_look_that_sees_nothing_says_why(
    editor: FlaskClient, good: Form, change: dict[str, str], words: str
) -> None:
    page = look(editor, good | change)
    note = re.search(r'id="look-note"[^>]*>([^<]*)<', page)
    assert note and words in note[1]


def test_a_look_at_a_wrong_url_contacts_nothing(editor: FlaskClient, good: Form) -> None:
    page = look(editor, good | {"base_url": "ftp://x"})
    assert "must begin with http" in error_at(page, "base_url")


def test_a_look_as_json(editor: FlaskClient, good: Form) -> None:
    answer = editor.post("/models/new", data=good | {"do": "look"}, headers={"Accept": "application/json"})
    assert answer.json is not None
    first = answer.json["offers"][0]
    assert (first["id"], first["values"]["input_cost"]) == ("practice-chat", "0.5")
    assert KEY not in answer.text


def test_prices_say_what_a_request_costs(editor: FlaskClient, good: Form) -> None:
    page = look(editor, good | {"input_cost": "0.5", "output_cost": "1.5"})
    assert "A request with 1,000 tokens in and 500 out costs $0.00125." in page
