"""The list of models."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.base import db, new_id
from app.store.labels import ModelOwner, ModelTag
from app.store.models import RegisteredModel
from app.web.pages.models import columns, orders, paging
from tests.rows import a_model
from tests.watched_days import add_watched_days
from tests.web.pages.conftest import Form, plain, register, with_practice

pytestmark = pytest.mark.both_databases


def add(app: Flask, count: int = 1, **columns: object) -> None:
    """Put models into the database, numbered in the order of their age."""
    with app.app_context():
        for number in range(count):
            given = {
                "model_id": f"model-{number:03}",
                "display_name": f"Model {number:03}",
                "model_type": "chat",
                "base_url": "https://llm.example.com/v1",
                "region": "europe",
                "health": "up",
                "last_probe_id": new_id(),  # a moment ago, so that its state is not stale
            } | columns
            db.session.add(a_model(**given))
        db.session.commit()


def names(page: str) -> list[str]:
    """The names in the list, from the top."""
    return re.findall(r'role="rowheader"><a [^>]*>([^<]*)</a>', page)


def test_an_empty_list_teaches(editor: FlaskClient) -> None:
    page = editor.get("/models").text
    assert "No model is registered yet" in page and "base URL" in page and 'href="/models/new"' in page
    assert "practice" not in page


def test_an_empty_list_offers_the_practice_endpoint_where_it_runs(app: Flask, editor: FlaskClient) -> None:
    with_practice(app, "http://127.0.0.1:8099/v1")
    assert 'href="/models/new?preset=practice"' in editor.get("/models").text


def test_a_viewer_is_not_offered_what_a_viewer_may_not(viewer: FlaskClient) -> None:
    assert "/models/new" not in viewer.get("/models").text
    assert viewer.get("/models/new").status_code == 403


def test_a_row_tells_what_a_person_compares(app: Flask, viewer: FlaskClient) -> None:
    capabilities = {
        "streaming": {"declared": None, "observed": True, "evidence": ""},
        "vision": {"declared": None, "observed": False, "evidence": ""},
        "tool_calling": {"declared": True, "observed": False, "evidence": ""},
    }
    add(app, capabilities=capabilities, input_cost=0.15, output_cost=0.6, health="degraded")
    text = plain(viewer.get("/models").text.partition("<tbody")[2])
    for word in (
        "Model 000",
        "model-000",
        "Degraded",
        "stream",
        "$0.15",
        "$0.60",
        "never",
    ):
        assert word in text
    assert "tools , declared but not seen" in text
    assert "vision" not in text


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("q=MODEL-001", True),
        ("q=Model%20001", True),
        ("q=llm.example", True),
        ("q=%25", False),
        ("q=hidden", False),
        ("q=nothing", False),
        ("type=chat", True),
        ("type=embedding", False),
        ("region=europe", True),
        ("health=up", True),
        ("health=down", False),
        ("enabled=yes", True),
        ("enabled=no", False),
        ("type=nonsense", True),
    ],
)
def test_search_and_filters_stand_in_the_url(app: Flask, viewer: FlaskClient, query: str, kept: bool) -> None:
    add(app, count=2, base_url="https://llm.example.com/v1?key=hidden")
    answer = viewer.get(f"/models?{query}")
    assert answer.status_code == 200
    assert ("Model 001" in names(answer.text)) is kept
    assert ("No matching models" in answer.text) is not kept


def test_a_filter_shows_what_was_chosen(app: Flask, viewer: FlaskClient) -> None:
    add(app, count=2)
    page = viewer.get("/models?q=model&health=up").text
    assert 'value="model"' in page and '<option value="up" selected>' in page


def test_pages_follow_one_another_and_keep_the_search(app: Flask, viewer: FlaskClient) -> None:
    add(app, count=paging.PAGE + 2)
    first = viewer.get("/models?q=model").text
    assert names(first)[0] == f"Model {paging.PAGE + 1:03}" and len(names(first)) == paging.PAGE
    link = re.search(r'rel="next" href="([^"]*)"', first)
    assert link and "q=model" in link[1]
    second = viewer.get(link[1].replace("&amp;", "&")).text
    assert names(second) == ["Model 001", "Model 000"]
    assert 'rel="next"' not in second and "First page" in second
    assert f"{paging.PAGE + 1}–{paging.PAGE + 2} of {paging.PAGE + 2} models" in second


@pytest.mark.parametrize("sort", list(orders.ORDERS))
@pytest.mark.parametrize("turned", ["", "yes"])
def test_every_order_pages_through_every_model_once(
    app: Flask, viewer: FlaskClient, sort: str, turned: str
) -> None:
    for number in range(7):
        add(
            app,
            count=9,
            model_type=("chat", "embedding")[number % 2],
            input_cost=(None, 0.5, 2.0)[number % 3],
            health=("up", "down", "unknown")[number % 3],
            region=f"r{number % 4}",
            base_url=f"https://h{number}.example.com/v1",
            last_probe_id=None if number == 3 else f"{number:08}-0000-7000-8000-000000000000",
        )
    there = walked(viewer, f"/models?sort={sort}&turned={turned}", "next")
    seen = [model for _, page in there for model in page]
    assert len(seen) == len(set(seen)) == 63
    back = walked(viewer, there[-1][0], "prev")
    assert [page for _, page in back] == [page for _, page in reversed(there)]


def walked(browser: FlaskClient, path: str, rel: str) -> list[tuple[str, list[str]]]:
    """Every page from a path on, as its links lead: the path, and its models."""
    pages = []
    while path:
        page = browser.get(path).text
        pages.append((path, re.findall(r'role="rowheader"><a href="([^"]*)"', page)))
        link = re.search(rf'rel="{rel}" href="([^"]*)"', page)
        path = link[1].replace("&amp;", "&") if link else ""
    return pages


def test_prices_are_sorted_and_unknown_ones_come_last(app: Flask, viewer: FlaskClient) -> None:
    for name, cost in (("dear", 9.0), ("unknown", None), ("cheap", 0.1)):
        add(app, display_name=name, model_id=name, input_cost=cost, base_url=f"https://{name}.example.com/v1")
    assert names(viewer.get("/models?sort=cost").text) == ["cheap", "dear", "unknown"]
    assert names(viewer.get("/models?sort=cost&turned=yes").text) == ["dear", "cheap", "unknown"]


def test_the_worst_state_comes_first(app: Flask, viewer: FlaskClient) -> None:
    for health in ("up", "down", "unknown", "degraded"):
        add(app, display_name=health, health=health, base_url=f"https://{health}.example.com/v1")
    assert names(viewer.get("/models?sort=health").text) == ["down", "degraded", "unknown", "up"]


def test_a_head_sorts_and_says_so(app: Flask, viewer: FlaskClient) -> None:
    add(app, count=2)
    page = viewer.get("/models?sort=name&q=model").text
    head = re.search(r'<th[^>]*aria-sort="ascending"[^>]*><a class="sorter" href="([^"]*)"', page)
    assert head and "turned=yes" in head[1] and "q=model" in head[1]
    assert names(page) == ["Model 000", "Model 001"]


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "bnVsbA", "WyJhIl0", "x" * 3000, "%00"])
def test_a_cursor_made_by_hand_shows_the_first_page(app: Flask, viewer: FlaskClient, cursor: str) -> None:
    add(app)
    assert names(viewer.get(f"/models?cursor={cursor}").text) == ["Model 000"]


def test_a_cursor_of_another_order_shows_the_first_page(app: Flask, viewer: FlaskClient) -> None:
    """Its value is of another type than the column, which PostgreSQL would not compare."""
    add(app, count=31)
    following = re.search(r'href="[^"]*cursor=([^"&]+)', viewer.get("/models?sort=cost").text)
    assert following is not None
    answer = viewer.get(f"/models?sort=name&cursor={following[1]}")
    assert answer.status_code == 200 and names(answer.text)[0] == "Model 000"


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("host=llm.example.com", True),
        ("host=LLM.example", True),
        ("host=example.com", False),
        ("seen=vision", True),
        ("seen=reasoning", False),
        ("seen=streaming", False),
    ],
)
def test_host_and_what_was_seen_are_filters(app: Flask, viewer: FlaskClient, query: str, kept: bool) -> None:
    seen = {
        "vision": {"declared": None, "observed": True, "evidence": ""},
        "reasoning": {"declared": True, "observed": False, "evidence": ""},
    }
    add(app, capabilities=seen)
    assert bool(names(viewer.get(f"/models?{query}").text)) is kept


def test_a_changed_name_is_found_again(app: Flask, viewer: FlaskClient) -> None:
    add(app, display_name="Formerly")
    with app.app_context():
        db.session.scalars(db.select(RegisteredModel)).one().display_name = "Straße ÖL"
        db.session.commit()
    assert names(viewer.get("/models?q=öl").text) == ["Straße ÖL"]
    assert names(viewer.get("/models?q=STRASSE").text) == ["Straße ÖL"]
    assert names(viewer.get("/models?q=Model%20europe").text) == []


def test_a_name_is_never_markup(app: Flask, viewer: FlaskClient) -> None:
    add(app, display_name="<script>alert(1)</script>", region='"><b>')
    page = viewer.get("/models").text
    assert "<script>alert" not in page and '"><b>' not in page


def test_a_disabled_model_says_so(app: Flask, viewer: FlaskClient) -> None:
    add(app, enabled=False)
    assert "Disabled" in plain(viewer.get("/models").text.partition("<tbody")[2])


def test_a_registered_model_appears(viewer: FlaskClient, editor: FlaskClient, good: Form) -> None:
    register(editor, good)
    assert names(viewer.get("/models").text) == ["Practice chat"]


def test_several_words_find_each_in_its_own_place(app: Flask, viewer: FlaskClient) -> None:
    add(app, 3)
    with app.app_context():
        model = db.session.scalars(db.select(RegisteredModel)).first()
        assert model is not None
        model.display_name = "Qwen3 32B search 012"
        db.session.commit()
    assert "Qwen3 32B search 012" in viewer.get("/models?q=qwen+search").text
    assert "No matching models" in viewer.get("/models?q=qwen+find").text


def test_a_tag_is_found_beside_other_words(app: Flask, viewer: FlaskClient) -> None:
    add(app, 2)
    with app.app_context():
        model = db.session.scalars(db.select(RegisteredModel).order_by(RegisteredModel.id)).first()
        assert model is not None
        db.session.add(ModelTag(model_pk=model.id, tag="Search-prod"))
        db.session.commit()
    assert names(viewer.get("/models?q=search-PROD+model").text) == ["Model 000"]


def test_counts_filter_and_the_total_is_said(app: Flask, viewer: FlaskClient) -> None:
    add(app, 40)
    with app.app_context():
        newest = db.select(RegisteredModel.id).order_by(RegisteredModel.id.desc()).limit(3)
        down = list(db.session.scalars(newest))
        where = RegisteredModel.id.in_(down)
        db.session.execute(db.update(RegisteredModel).where(where).values(health="down"))
        db.session.commit()
    page = plain(viewer.get("/models").text)
    assert "All 40" in page and "Down 3" in page and "1–30 of 40 models" in page
    page = plain(viewer.get("/models?health=down").text)
    assert "All 40" in page and "3 models" in page


def test_what_is_stale_is_counted_too_and_filters(app: Flask, viewer: FlaskClient) -> None:
    add(app)
    add(app, display_name="Old", base_url="https://old.example.com/v1", last_probe_id=None)
    page = viewer.get("/models").text
    assert "Up 2" in plain(page) and "Stale 1" in plain(page)
    assert "Stale 1" not in plain(viewer.get("/models?host=llm").text)
    assert names(viewer.get("/models?health=stale").text) == ["Old"]


def test_all_that_match_are_acted_on(app: Flask, editor: FlaskClient) -> None:
    add(app, 40)
    assert "All 40 that match" in plain(editor.get("/models").text)
    editor.post("/models/bulk", data={"do": "disable", "matching": "yes", "back": ""})
    with app.app_context():
        assert {model.enabled for model in db.session.scalars(db.select(RegisteredModel))} == {False}


def heads(page: str) -> list[str]:
    """The heads of the columns, without the arrows."""
    found = re.findall(r'<th role="columnheader"[^>]*>(.*?)</th>', page, re.S)
    return [plain(head).rstrip(" ▲▼↕") for head in found]


def test_columns_are_chosen_and_remembered(app: Flask, viewer: FlaskClient) -> None:
    add(app, 40)
    usual = heads(viewer.get("/models").text)
    assert usual == ["Name", "State", "24 hours", "Capabilities", "In", "Out", "p95", "Owner", "Last look"]
    form = {"column": ["region", "out", "nonsense"], "back": "q=model&sort=name"}
    answer = viewer.post("/models/columns", data=form)
    assert answer.status_code == 303 and answer.headers["Location"] == "/models?q=model&sort=name"
    page = viewer.get("/models").text
    assert heads(page) == ["Name", "Region, host", "Out"] and "llm.example.com" in page
    assert 'value="region" checked' in page and 'value="state" checked' not in page
    viewer.post("/models/columns", data={"column": "region", "do": "usual"})
    assert heads(viewer.get("/models").text) == usual


@pytest.mark.parametrize("column", [column.name for column in columns.COLUMNS])
def test_every_column_says_what_is_known(app: Flask, viewer: FlaskClient, column: str) -> None:
    add(
        app,
        input_cost=0.5,
        output_cost=2.0,
        observed={"context_window": 131072},
        capabilities={"vision": {"declared": None, "observed": True, "evidence": ""}},
    )
    with app.app_context():
        (model,) = db.session.scalars(db.select(RegisteredModel))
        db.session.add(ModelOwner(model_pk=model.id, owner="Platform", contact="#llm"))
        db.session.add(ModelTag(model_pk=model.id, tag="prod"))
        db.session.commit()
    add_watched_days(app)
    viewer.post("/models/columns", data={"column": column})
    text = plain(viewer.get("/models").text.partition("<tbody")[2].partition("</tbody")[0])
    shown = {
        "state": "Down 47 min The endpoint answered 503",
        "day": "Last 24 hours: 22 up, ",
        "chips": "vision",
        "type": "Chat",
        "region": "europe llm.example.com",
        "context": "131,072",
        "in": "$0.50",
        "out": "$2.00",
        "p95": "847 ms",
        "owner": "Platform",
        "tags": "prod",
        "looked": "2 min ago",
        "probed": "never",
        "added": "just now",
    }
    assert shown[column] in text


def test_a_filter_in_use_can_be_taken_away(app: Flask, viewer: FlaskClient) -> None:
    add(app, 2)
    page = viewer.get("/models?q=model&type=chat&host=llm.example.com").text
    used = re.findall(r'<a class="tag" href="([^"]*)">(.*?)</a>', page, re.S)
    assert [(url.replace("&amp;", "&"), plain(words)) for url, words in used] == [
        ("/models?q=model&host=llm.example.com", "Type: Chat × , remove"),
        ("/models?type=chat&q=model", "Host: llm.example.com × , remove"),
    ]
