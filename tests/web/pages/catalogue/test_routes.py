"""The catalogue: what consumers see, and who may see it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.store.base import db, new_id
from app.store.models import RegisteredModel
from app.web.pages.catalogue.paging import PAGE
from tests.conftest import new_token
from tests.rows import a_model
from tests.watched_days import add_watched_days
from tests.web.pages.conftest import KEY, Form, plain, register

pytestmark = pytest.mark.both_databases

SEEN = {
    "streaming": {"declared": None, "observed": True, "evidence": ""},
    "vision": {"declared": True, "observed": False, "evidence": ""},
    "reasoning": {"declared": None, "observed": None, "evidence": ""},
}


def add(app: Flask, count: int = 1, **columns: object) -> list[str]:
    """Models, numbered in the order of their age; their ids."""
    usual = {
        "model_type": "chat",
        "base_url": "https://llm.example.com/v1",
        "region": "europe",
        "health": "up",
        "last_probe_id": new_id(),  # a moment ago, so that its state is not stale
        "capabilities": SEEN,
        "observed": {"context_window": 131072},
    }
    with app.app_context():
        models = []
        for number in range(count):
            named = {"model_id": f"model-{number:03}", "display_name": f"Model {number:03}"}
            models.append(a_model(**(usual | named | columns)))
            db.session.add(models[-1])
            db.session.flush()
        ids = [model.id for model in models]
        db.session.commit()
    return ids


def names(page: str) -> list[str]:
    """The names in the list, from the top."""
    return re.findall(r'class="name-cell"><a [^>]*>([^<]*)</a>', page)


def test_a_row_tells_what_consumers_choose_by(app: Flask, viewer: FlaskClient) -> None:
    add(app, input_cost=0.15, output_cost=0.6)
    text = plain(viewer.get("/catalogue").text.partition("<tbody")[2])
    for word in (
        "Model 000",
        "muster@openailike/model-000",
        "Chat",
        "europe",
        "131,072",
        "$0.15",
        "$0.60",
        "Up",
    ):
        assert word in text
    assert "stream" in text and "vision" not in text


def test_what_is_disabled_is_not_there(app: Flask, viewer: FlaskClient) -> None:
    (id,) = add(app, enabled=False)
    assert "No models yet" in viewer.get("/catalogue").text
    assert viewer.get(f"/catalogue/{id}").status_code == 404


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("q=MODEL-001", True),
        ("q=nothing", False),
        ("q=%00", True),
        ("type=chat", True),
        ("type=embedding", False),
        ("type=nonsense", True),
        ("region=europe", True),
        ("can=streaming", True),
        ("can=vision", False),
        ("can=reasoning", False),
        ("can=streaming&type=chat&region=europe&q=model", True),
    ],
)
def test_search_and_filters_stand_in_the_url(app: Flask, viewer: FlaskClient, query: str, kept: bool) -> None:
    add(app, 2)
    answer = viewer.get(f"/catalogue?{query}")
    assert answer.status_code == 200
    assert ("Model 001" in names(answer.text)) is kept
    assert ("No matching models" in answer.text) is not kept


def test_a_region_that_nobody_has_counts_as_not_given(app: Flask, viewer: FlaskClient) -> None:
    add(app)
    assert names(viewer.get("/catalogue?region=moon").text) == ["Model 000"]


def test_pages_follow_one_another_and_keep_the_search(app: Flask, viewer: FlaskClient) -> None:
    add(app, PAGE + 2)
    first = viewer.get("/catalogue?can=streaming").text
    assert names(first)[0] == f"Model {PAGE + 1:03}" and len(names(first)) == PAGE
    link = re.search(r'rel="next" href="([^"]*)"', first)
    assert link and "can=streaming" in link[1]
    second = viewer.get(html.unescape(link[1])).text
    assert names(second) == ["Model 001", "Model 000"]
    assert 'rel="next"' not in second and "First page" in second
    assert (
        f"1–{PAGE} of {PAGE + 2} models" in first and f"{PAGE + 1}–{PAGE + 2} of {PAGE + 2} models" in second
    )
    back = re.search(r'rel="prev" href="([^"]*)"', second)
    assert back and "can=streaming" in back[1]
    again = viewer.get(html.unescape(back[1])).text
    assert names(again) == names(first) and 'rel="prev"' not in again


def test_the_page_before_one_in_the_middle_is_the_one_that_led_there(app: Flask, viewer: FlaskClient) -> None:
    add(app, 2 * PAGE + 1)
    seen, path = [], "/catalogue"
    for side in ("next", "next", "prev", "prev"):
        page = viewer.get(path).text
        seen.append(names(page))
        link = re.search(rf'rel="{side}" href="([^"]*)"', page)
        assert link, side
        path = html.unescape(link[1])
    assert len(seen[1]) == PAGE and seen[3] == seen[1] and seen[2] == ["Model 000"]
    assert names(viewer.get(path).text) == seen[0]


def test_a_model_tells_how_to_call_it_and_never_the_key(
    viewer: FlaskClient, editor: FlaskClient, good: Form
) -> None:
    id = register(editor, good | {"depth": "", "input_cost": "1", "output_cost": "2"}).rpartition("/")[2]
    page = viewer.get(f"/catalogue/{id}").text
    text = plain(page)
    assert f"curl --globoff {good['base_url']}/chat/completions" in html.unescape(page)
    assert 'os.environ["API_KEY"]' in html.unescape(page) and "ask the people who run it" in text
    assert "$1.00 per 1,000,000 tokens" in text and "Tool calling" in text
    assert KEY not in page


def test_a_model_without_a_key_says_so(app: Flask, viewer: FlaskClient) -> None:
    (id,) = add(app)
    page = viewer.get(f"/catalogue/{id}").text
    assert "no key is needed" in page and "API_KEY" not in page
    assert "No prices are known." in page


def test_what_a_probe_could_not_tell_is_left_out(app: Flask, viewer: FlaskClient) -> None:
    (id,) = add(app)
    seen = plain(viewer.get(f"/catalogue/{id}").text).partition("What a probe has seen")[2]
    assert "Vision : no" in seen and "Reasoning" not in seen


@pytest.mark.parametrize("path", ["/catalogue", "/catalogue/{}"])
@pytest.mark.parametrize(("public", "status"), [(False, 303), (True, 200)])
def test_it_is_open_only_where_the_setting_says_so(
    app_with: Callable[..., Flask], path: str, public: bool, status: int
) -> None:
    app = app_with(public_catalogue=public)
    (id,) = add(app)
    answer = app.test_client().get(path.format(id))
    assert answer.status_code == status
    assert ("Model 000" in answer.text) is public


def test_the_public_page_leads_nowhere_that_needs_a_session(app_with: Callable[..., Flask]) -> None:
    app = app_with(public_catalogue=True)
    (id,) = add(app)
    browser = app.test_client()
    for path in ("/catalogue", f"/catalogue/{id}", f"/catalogue/compare?id={id}"):
        page = browser.get(path).text
        links = set(re.findall(r'href="(/(?!static)[^"#]*)"', page)) - {"/now"}  # the house's own name
        assert all(browser.get(html.unescape(link)).status_code == 200 for link in links), links


def test_a_name_is_never_markup(app: Flask, viewer: FlaskClient) -> None:
    (id,) = add(app, display_name="<script>alert(1)</script>", description="<b>bold</b>")
    for path in ("/catalogue", f"/catalogue/{id}"):
        page = viewer.get(path).text
        assert "<script>alert" not in page and "<b>" not in page


def test_what_is_down_says_since_when_and_how_long_it_was_up(app: Flask, viewer: FlaskClient) -> None:
    fine, broken = add(app, 2)
    add_watched_days(app)
    page = viewer.get("/catalogue").text
    rows = re.findall(r"<tr role=\"row\".*?</tr>", page.partition("<tbody")[2], re.S)
    assert re.search(r"Down since \d\d:\d\d UTC 96\.\d\d %", plain(rows[0]))
    assert "Up 100 %" in plain(rows[1])
    for id, words in (
        (broken, r"Down since \d\d:\d\d UTC 96\.\d\d % of the last"),
        (fine, "Up 100 % of the last"),
    ):
        assert re.search(words, plain(viewer.get(f"/catalogue/{id}").text))


def compared(browser: FlaskClient, *ids: str) -> dict[str, list[str]]:
    """The lines of the comparison: what is compared, and the value of each model."""
    page = browser.get("/catalogue/compare", query_string={"id": ids}).text
    lines = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    cells = [[plain(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, re.S)] for line in lines]
    return {label: values for label, *values in cells}


def test_models_stand_side_by_side(app: Flask, viewer: FlaskClient) -> None:
    (one,) = add(app, display_name="One", input_cost=0.15)
    (two,) = add(app, display_name="Two", base_url="https://b.example.com/v1", capabilities={}, observed={})
    lines = compared(viewer, two, one)
    assert lines["What"] == ["Two", "One"]
    assert lines["State"] == ["Up", "Up"]
    assert lines["Input, USD per 1,000,000 tokens"] == ["–", "$0.15"]
    assert lines["Context window"] == ["–", "131,072 tokens"]
    assert lines["Streaming"] == ["– not told", "Yes"] and lines["Vision"] == ["– not told", "No"]
    assert lines["Base URL"][0].startswith("https://b.example.com/v1")
    assert "Reasoning" not in lines


def test_at_most_four_are_compared_and_the_page_says_so(app: Flask, viewer: FlaskClient) -> None:
    ids = add(app, 5)
    assert len(compared(viewer, *ids)["What"]) == 4
    assert "4 models fit side by side" in viewer.get("/catalogue/compare", query_string={"id": ids}).text
    assert len(compared(viewer, ids[0], ids[0], ids[1])["What"]) == 2


@pytest.mark.parametrize("ids", [[], ["nonsense"], ["\0"], ["x" * 5000]])
def test_nothing_to_compare_tells_what_to_do(viewer: FlaskClient, ids: list[str]) -> None:
    answer = viewer.get("/catalogue/compare", query_string={"id": ids})
    assert answer.status_code == 200 and "Tick two to 4 models" in plain(answer.text)


def test_what_is_disabled_is_not_compared(app: Flask, viewer: FlaskClient) -> None:
    (off,) = add(app, enabled=False)
    assert compared(viewer, off) == {}


@pytest.mark.parametrize(("hide", "there"), [(False, ["Down", "Up"]), (True, ["Up"])])
def test_what_is_down_is_hidden_from_consumers_where_a_setting_says_so(
    app_with: Callable[..., Flask], hide: bool, there: list[str]
) -> None:
    """And shown again as soon as it works; with a filter as without."""
    app = app_with(public_catalogue=True, hide_down=hide)
    client, auth = app.test_client(), {"Authorization": f"Bearer {new_token(app, 'read')}"}
    for name, health in (("Up", "up"), ("Down", "down")):
        add(app, model_id=name, display_name=name, health=health)
    listed: Any = client.get("/v1/models", headers=auth).json
    assert [one["id"] for one in listed["data"]] == there
    assert names(client.get("/catalogue").text) == there
    assert names(client.get("/catalogue?region=europe").text) == there
    with app.app_context():
        db.session.execute(update(RegisteredModel).values(health="up"))
        db.session.commit()
    assert names(client.get("/catalogue").text) == ["Down", "Up"]
