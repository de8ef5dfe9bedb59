"""Numbers and dates as people of a language write them, on pages and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web.pages import display, locales
from tests.web.pages.conftest import plain
from tests.web.pages.models.test_listing import add

MOMENT = datetime(2026, 3, 1, 16, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("languages", "number", "price", "moment"),
    [
        ("", "1,234,567.5", "$1,234.50", "2026-03-01 16:05:09 UTC"),
        ("xx", "1,234,567.5", "$1,234.50", "2026-03-01 16:05:09 UTC"),
        ("en-US,en;q=0.9,de;q=0.8", "1,234,567.5", "$1,234.50", "03/01/2026 04:05:09 PM UTC"),
        ("en-GB", "1,234,567.5", "$1,234.50", "01/03/2026 16:05:09 UTC"),
        ("de-DE,de;q=0.9,en;q=0.8", "1.234.567,5", "$1.234,50", "01.03.2026 16:05:09 UTC"),
        ("de-CH", "1’234’567.5", "$1’234.50", "01.03.2026 16:05:09 UTC"),
        ("fr", "1\u202f234\u202f567,5", "$1\u202f234,50", "01/03/2026 16:05:09 UTC"),
        ("nl-BE", "1.234.567,5", "$1.234,50", "01-03-2026 16:05:09 UTC"),
        ("sv", "1\u00a0234\u00a0567,5", "$1\u00a0234,50", "2026-03-01 16:05:09 UTC"),
        ("ja", "1,234,567.5", "$1,234.50", "2026/03/01 16:05:09 UTC"),
        ("xx;q=1,da;q=0.5", "1.234.567,5", "$1.234,50", "01.03.2026 16.05.09 UTC"),
    ],
)
def test_each_language_has_its_manner(
    app: Flask, languages: str, number: str, price: str, moment: str
) -> None:
    with app.test_request_context(headers={"Accept-Language": languages}):
        assert display.number(1234567.5) == number
        assert display.money(1234.5) == price
        assert display.exact(MOMENT) == moment


def test_outside_of_a_request_it_is_the_usual_manner() -> None:
    assert display.number(1234.5) == "1,234.5" and locales.current() is locales.USUAL


def test_what_lasts_and_what_shares_is_written_alike(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert display.duration(1234) == "1,2 s"
        assert display.percent(0.9995) == "99,95 %"
        assert display.as_text([1234, 0.5]) == "1.234, 0,5"
        assert display.ago(MOMENT, datetime(2026, 6, 1, tzinfo=UTC)) == "01.03.2026"
        assert locales.current().short(MOMENT) == "01.03 16:05"
        assert display.since(MOMENT, datetime(2026, 3, 1, 18, tzinfo=UTC)) == "since 16:05 UTC"
        assert display.since(MOMENT, datetime(2026, 3, 9, tzinfo=UTC)) == "since 01.03.2026, 16:05 UTC"


def test_a_page_asks_the_browser_and_the_api_does_not(
    app: Flask, viewer: FlaskClient, client: FlaskClient, auth: dict[str, str]
) -> None:
    add(app, input_cost=1234.5)
    german = {"Accept-Language": "de-DE"}
    assert "$1.234,50" in plain(viewer.get("/models", headers=german).text)
    assert "$1,234.50" in plain(viewer.get("/models").text)
    (model,) = client.get("/v2/models", headers=auth | german).get_json()
    assert model["input_cost"] == 1234.5 and model["created"].endswith("Z")
