"""No page of the house weighs much, even for who has nothing of it yet: its HTML and all that it may load."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import ROOT
from tests.watched_days import add_watched_days
from tests.web.pages.models.test_listing import add

HEAVIEST = 100_000


def weight(client: FlaskClient, path: str) -> int:
    """Bytes of a page and of every script, style and picture of ours, as they are sent: not compressed."""
    page = client.get(path)
    assert page.status_code == 200, path
    return len(page.data) + sum(file.stat().st_size for file in (ROOT / "static").iterdir())


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


@pytest.mark.parametrize("path", ["/docs", "/docs/schemas"])
@pytest.mark.xfail(reason="the reference has outgrown one page and has to be parted by area", strict=True)
def test_the_reference_is_not_heavy(admin: FlaskClient, path: str) -> None:
    assert weight(admin, path) < HEAVIEST


@pytest.mark.xfail(reason="108 kB with a day of bars in each of 30 rows", strict=True)
def test_a_list_of_watched_models_is_not_heavy(app: Flask, admin: FlaskClient) -> None:
    add(app, 40)
    with app.app_context():
        add_watched_days(app)
    assert admin.get("/models").text.count('class="day"') == 30
    assert weight(admin, "/models") < HEAVIEST
