"""Prices of vendors' models, as the package that comes with Muster knows them."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from app.registry.declared.price_catalogue import looked_up, remarks, source
from app.registry.endpoints.catalog import offer_of
from app.store.base import db
from tests.rows import a_model

OPENAI = "https://api.openai.com/v1"


def test_a_vendor_is_known_by_its_address() -> None:
    known = looked_up(OPENAI, "gpt-4o")
    assert known is not None and known.values["input_cost"] > 0 and known.context_window
    assert looked_up("https://gateway.example.com/v1", "gpt-4o") is None
    assert looked_up(OPENAI, "no-such-model-at-all") is None


def test_the_endpoint_s_own_prices_win_and_what_is_offered_is_marked() -> None:
    told = {"pricing": {"prompt": "0.000009"}}
    offer = offer_of("gpt-4o", told, OPENAI)
    assert offer.values["input_cost"] == "9" and offer.values["output_cost"] and offer.source == source()
    assert offer_of("gpt-4o", {}, "https://gateway.example.com/v1").source == ""


def test_where_a_stored_price_differs_is_told(app: Flask) -> None:
    known = looked_up(OPENAI, "gpt-4o")
    assert known is not None
    same = {"input_cost": known.values["input_cost"]}
    with app.app_context():
        assert remarks(a_model(model_id="gpt-4o", base_url=OPENAI, **same)) == []
        (said,) = remarks(a_model(model_id="gpt-4o", base_url=OPENAI, input_cost=99.0))
        assert "stored $99" in said and source() in said


def test_the_page_tells_a_deprecated_model(app: Flask, viewer: FlaskClient) -> None:
    with app.app_context():
        row = a_model(model_id="Meta-Llama-3.1-405B-Instruct", base_url="https://api.avian.io/v1")
        db.session.add(row)
        db.session.commit()
        id = row.id
    assert "deprecated" in viewer.get(f"/models/{id}").text
