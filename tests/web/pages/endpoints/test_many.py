"""Registering many models: list, tick, probe at once; what failed stays ticked with its reason."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from app.registry.endpoints.catalog import EndpointModels, offer_of
from app.registry.endpoints.form import NewEndpointForm
from app.store.labels import Labels, labels_of_many
from app.web.pages.endpoints.choosing import Batch
from app.web.pages.live import NDJSON
from tests.web.pages.conftest import KEY, error_at, hidden, models, plain, problem, register

TWO = ["practice-chat", "practice-embedding"]


def ticked(page: str) -> list[str]:
    """The models whose box is ticked."""
    return re.findall(r'name="model" value="([^"]*)" checked', page)


def listed(editor: FlaskClient, practice_url: str) -> str:
    """The page with the endpoint's list."""
    answer = editor.post("/endpoints/new", data={"base_url": practice_url, "api_key": KEY, "do": "look"})
    assert answer.status_code == 200, problem(answer.text)
    return answer.text


def sent(practice_url: str, page: str, **changes: object) -> dict[str, object]:
    """What a browser sends from that page with two models ticked."""
    good: dict[str, object] = {"base_url": practice_url, "held_key": hidden(page, "held_key"), "model": TWO}
    return good | {"region": "europe", "prices": "yes", "depth": "proof", "do": "save"} | changes


def test_the_list_shows_type_context_and_price_and_never_the_key(
    editor: FlaskClient, practice_url: str
) -> None:
    page = listed(editor, practice_url)
    assert "practice-embedding" in page and KEY not in page
    kind = re.search(r'<select name="type:practice-embedding".*?</select>', page, re.S)
    assert kind and 'value="embedding" selected' in kind[0]
    assert "$0.50 / $1.50" in plain(page)
    assert ticked(page) == []


def test_everything_ticked_gets_in_with_one_paste_of_the_key(
    app: Flask, editor: FlaskClient, practice_url: str
) -> None:
    page = listed(editor, practice_url)
    answer = editor.post("/endpoints/new", data=sent(practice_url, page))
    assert answer.status_code == 303, problem(answer.text)
    found = {model.model_id: model for model in models(app)}
    assert sorted(found) == TWO and found["practice-embedding"].model_type == "embedding"
    assert found["practice-chat"].input_cost == 0.5 and found["practice-chat"].region == "europe"
    assert len({model.endpoint_id for model in found.values()}) == 1
    assert "2 models are registered" in plain(editor.get(answer.headers["Location"]).text)


def test_prices_are_not_stored_unasked(app: Flask, editor: FlaskClient, practice_url: str) -> None:
    page = listed(editor, practice_url)
    editor.post("/endpoints/new", data=sent(practice_url, page, model=["practice-chat"], prices=""))
    assert models(app)[0].input_cost is None


@pytest.mark.parametrize("asked", [True, False])
def test_list_prices_are_taken_only_where_they_are_asked_for(app: Flask, asked: bool) -> None:
    base_url = "https://api.openai.com/v1"
    offer = offer_of("gpt-4o", {"pricing": {"prompt": "0.000009"}}, base_url)
    with app.test_request_context():
        form = NewEndpointForm(formdata=MultiDict({"base_url": base_url}))
        batch = Batch(form, ticked={"gpt-4o"}, region="us", look=EndpointModels([offer]), list_prices=asked)
        (values,) = batch.models()
    listed = float(offer.values["output_cost"])
    assert (values["input_cost"], values["output_cost"]) == (9, listed if asked else None)


def test_owner_and_tags_are_given_once_for_all(app: Flask, editor: FlaskClient, practice_url: str) -> None:
    page = listed(editor, practice_url)
    labels = {"owner": "Platform", "contact": "p@example.com", "tags": "prod"}
    answer = editor.post("/endpoints/new", data=sent(practice_url, page) | labels | {"contact": "nobody"})
    assert "mail address" in error_at(answer.text, "contact") and 'href="#contact"' in answer.text
    assert models(app) == []
    assert editor.post("/endpoints/new", data=sent(practice_url, page) | labels).status_code == 303
    with app.app_context():
        found = labels_of_many([model.id for model in models(app)])
    assert list(found.values()) == [Labels("Platform", "p@example.com", ("prod",))] * 2


def test_one_of_many_is_cancelled_alone(app: Flask, editor: FlaskClient, practice_url: str) -> None:
    page = listed(editor, practice_url)
    name, two = hidden(page, "batch"), ["practice-chat", "practice-chat-slow"]
    for batch, place in (("another sending", "0"), (name, "1")):
        mark = {"batch": batch, "place": place}
        assert editor.post("/endpoints/models/stop", data=mark).status_code == 204
    answer = editor.post("/endpoints/new", data=sent(practice_url, page, model=two, batch=name))
    assert "1 of 2 registered" in problem(answer.text) and ticked(answer.text) == ["practice-chat-slow"]
    assert "Not begun." in plain(answer.text)
    assert [model.model_id for model in models(app)] == ["practice-chat"]


@pytest.mark.parametrize("mark", [{}, {"batch": "x"}, {"batch": "x", "place": "-1"}, {"place": "1"}])
def test_a_cancellation_says_of_what(editor: FlaskClient, mark: dict[str, str]) -> None:
    assert editor.post("/endpoints/models/stop", data=mark).status_code == 400


def test_what_failed_stays_ticked_with_its_reason(app: Flask, editor: FlaskClient, practice_url: str) -> None:
    page = listed(editor, practice_url)
    wrong = {"type:practice-embedding": "chat"}
    answer = editor.post("/endpoints/new", data=sent(practice_url, page) | wrong)
    assert answer.status_code == 400
    assert "1 of 2 registered" in problem(answer.text)
    assert ticked(answer.text) == ["practice-embedding"]
    why = re.search(r'value="practice-embedding" checked aria-describedby="([^"]+)"', answer.text)
    row = re.search(rf'id="{why[1] if why else "none"}".*?</tr>', answer.text, re.S)
    assert row and "Failed" in plain(row[0])
    assert [model.model_id for model in models(app)] == ["practice-chat"]
    again = sent(practice_url, answer.text, model=["practice-embedding"])
    assert editor.post("/endpoints/new", data=again).status_code == 303
    assert len(models(app)) == 2


def test_a_browser_that_watches_gets_a_line_for_each(
    app: Flask, editor: FlaskClient, practice_url: str
) -> None:
    page = listed(editor, practice_url)
    answer = editor.post("/endpoints/new", data=sent(practice_url, page), headers={"Accept": NDJSON})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["status"] for line in lines[:-1]] == ["running", "running", "passed", "passed"]
    assert lines[-1]["location"].startswith("/endpoints/") and "registered=2" in lines[-1]["location"]


def test_a_browser_may_watch_at_an_endpoint_that_is_there_too(
    app: Flask, editor: FlaskClient, good: dict[str, str]
) -> None:
    register(editor, good)
    path = f"/endpoints/{models(app)[0].endpoint_id}/models"
    added = {"model": ["practice-embedding"], "region": "us", "depth": "proof", "do": "save"}
    answer = editor.post(path, data=added, headers={"Accept": NDJSON})
    assert "registered=1" in json.loads(answer.text.splitlines()[-1])["location"]


def test_a_missing_region_is_told_at_its_field_and_nothing_is_probed(
    app: Flask, editor: FlaskClient, practice_url: str
) -> None:
    page = listed(editor, practice_url)
    answer = editor.post("/endpoints/new", data=sent(practice_url, page, region=""))
    assert answer.status_code == 400 and "Give the region" in error_at(answer.text, "region")
    assert sorted(ticked(answer.text)) == TWO
    assert models(app) == []


def test_nothing_ticked_is_told(editor: FlaskClient, practice_url: str) -> None:
    page = listed(editor, practice_url)
    answer = editor.post("/endpoints/new", data=sent(practice_url, page, model=[]))
    assert "Tick at least one model" in problem(answer.text)


def test_a_search_keeps_what_is_ticked(editor: FlaskClient, practice_url: str) -> None:
    page = listed(editor, practice_url)
    found = editor.post("/endpoints/new", data=sent(practice_url, page, do="look", filter="reason")).text
    assert sorted(ticked(found)) == TWO
    assert 'value="practice-reasoning"' in found and 'value="practice-rerank"' not in found


def test_all_are_ticked_without_scripts(editor: FlaskClient, practice_url: str) -> None:
    page = listed(editor, practice_url)
    found = editor.post("/endpoints/new", data=sent(practice_url, page, do="all", model=[])).text
    assert len(ticked(found)) == found.count('name="model"') > 5


def test_a_kept_key_goes_to_no_other_server(editor: FlaskClient, practice_url: str) -> None:
    page = listed(editor, practice_url)
    moved = sent("http://127.0.0.1:9/v1", page, do="look")
    answer = editor.post("/endpoints/new", data=moved)
    assert answer.status_code == 400 and "Type the key again" in error_at(answer.text, "api_key")


def test_an_endpoint_that_is_there_offers_what_is_new(
    app: Flask, editor: FlaskClient, good: dict[str, str]
) -> None:
    register(editor, good)
    path = f"/endpoints/{models(app)[0].endpoint_id}/models"
    page = editor.post(path, data={"do": "look"}).text
    assert 'value="practice-chat"' not in page and 'value="practice-embedding"' in page
    added = {"model": ["practice-embedding"], "region": "us", "depth": "proof", "do": "save"}
    assert editor.post(path, data=added).status_code == 303
    assert len({model.endpoint_id for model in models(app)}) == 1 and len(models(app)) == 2


def test_a_proxy_is_asked_for_only_where_the_settings_allow_one(editor: FlaskClient) -> None:
    assert 'name="proxy"' not in editor.get("/endpoints/new").text
