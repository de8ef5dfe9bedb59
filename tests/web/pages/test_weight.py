"""No page of the house weighs much, even for who has nothing of it yet: its HTML and all that it may load."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import ROOT
from app.store.base import db
from app.store.labels import ModelOwner
from app.store.models import RegisteredModel
from tests.watched_days import add_watched_days
from tests.web.api.test_openapi import reference_pages
from tests.web.pages.models.test_listing import add

HEAVIEST = 100_000
STATIC = ROOT / "static"


def weight(client: FlaskClient, path: str) -> int:
    """Bytes of a page and of every script, style and picture that it loads, as they are: not compressed."""
    page = client.get(path)
    assert page.status_code == 200, path
    return len(page.data) + sum((STATIC / name).stat().st_size for name in loaded(page.text))


def loaded(page: str) -> set[str]:
    """The names of the files that a page loads, by itself or through the scripts that import others."""
    wanted = re.findall(r'(?:src|href)="/static/[^/"]+/([^"]+)"', page)
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += re.findall(r'^import .*?"\./([^"]+)"', (STATIC / name).read_text("utf-8"), re.M)
    return found


def test_every_file_is_loaded_by_some_page(editor: FlaskClient, model_url: str) -> None:
    paths = ("/models", "/models/new", model_url, model_url.replace("models", "catalogue"), "/docs", "/now")
    pages = [editor.get(path).text for path in paths]
    assert set().union(*map(loaded, pages)) == {file.name for file in STATIC.iterdir()}


@pytest.mark.parametrize(
    "path",
    ["/now", "/models", "/endpoints", "/endpoints/new", "/incidents", "/channels", "/channels/new",
     "/maintenance",
     "/models/new", "/models/new?preset=vllm", "/catalogue", "/audit", "/tokens", "/tokens/new",
     "/account", "/about", "/errors"],
)  # fmt: skip
def test_no_page_is_heavy(app: Flask, admin: FlaskClient, path: str) -> None:
    add(app, 60)
    assert weight(admin, path) < HEAVIEST


@pytest.mark.parametrize("part", ["", "/checks", "/history", "/use", "/document"])
def test_a_model_s_page_is_not_heavy(editor: FlaskClient, model_url: str, part: str) -> None:
    assert weight(editor, model_url + part) < HEAVIEST


def test_no_part_of_the_reference_is_heavy(app: Flask, admin: FlaskClient) -> None:
    weights = {path: weight(admin, path) for path in reference_pages(app)}
    assert {path: size for path, size in weights.items() if size >= HEAVIEST} == {}


def test_a_list_of_watched_models_is_not_heavy(app: Flask, admin: FlaskClient) -> None:
    """Each of them with all that a row may show."""
    names = ("streaming", "tool_calling", "json_schema", "vision", "reasoning")
    seen = {name: {"declared": None, "observed": True, "evidence": ""} for name in names}
    prices = {"input_cost": 0.15, "output_cost": 0.6}
    add(app, 40, capabilities=seen, display_name="Llama 3.1 8B, Frankfurt", **prices)
    with app.app_context():
        for id in db.session.scalars(db.select(RegisteredModel.id)):
            db.session.add(ModelOwner(model_pk=id, owner="platform", contact="#llm-platform"))
        db.session.commit()
    add_watched_days(app)
    assert admin.get("/models").text.count('class="day"') == 30
    assert weight(admin, "/models") < HEAVIEST
