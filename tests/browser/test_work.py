"""What people do with models that are there, in a real browser: find, change, probe many, try."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from playwright.sync_api import Page, ViewportSize, expect

from app.store.base import db
from app.store.models import RegisteredModel
from app.store.probes import Probe
from tests.browser.conftest import Endpoint, open_model
from tests.browser.test_form import fill, list_models, registered
from tests.conftest import LiveServer
from tests.rows import a_model


@pytest.fixture
def model(page: Page, live_server: LiveServer, endpoint: Endpoint) -> Page:
    """The page of a registered model."""
    open_model(page, live_server, endpoint)
    return page


def test_a_change_of_words_is_saved_at_once(app: Flask, model: Page) -> None:
    model.get_by_role("link", name="Change", exact=True).click()
    model.get_by_label("Region").fill("us")
    model.get_by_role("button", name="Save the change").last.click()
    expect(model.get_by_text("Changed.")).to_be_visible()
    assert registered(app)[0].region == "us"


def test_a_key_is_rotated_only_when_the_new_one_works(app: Flask, model: Page, endpoint: Endpoint) -> None:
    before = registered(app)[0].endpoint.key_ciphertext
    model.get_by_role("link", name="Change", exact=True).click()
    model.get_by_label("API key").fill("sk-mistyped")
    model.get_by_role("button", name="Save the change").last.click()
    expect(model.locator("#problem")).to_contain_text("Not changed")
    assert registered(app)[0].endpoint.key_ciphertext == before
    endpoint.change_key("sk-the-new-one")
    model.get_by_label("API key").fill("sk-the-new-one")
    model.get_by_role("button", name="Save the change").last.click()
    expect(model.get_by_text("Changed.")).to_be_visible()
    assert registered(app)[0].endpoint.key_ciphertext != before
    assert "sk-the-new-one" not in model.content()


def test_a_look_at_the_endpoint_offers_its_models(
    page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    list_models(page, live_server, endpoint)
    page.get_by_label("Model id", exact=True).fill("practice-chat")
    expect(page.get_by_label("Input", exact=True)).to_have_value("0.5")
    expect(page.locator("[data-adopted=input_cost]")).to_be_visible()
    expect(page.get_by_text("out costs $0.00125.")).to_be_visible()


def test_filters_live_in_the_url(app: Flask, model: Page, live_server: LiveServer) -> None:
    model.goto(live_server.url + "/models")
    model.get_by_text("Filters", exact=True).click()
    model.get_by_role("combobox", name="Type").select_option("embedding")
    expect(model.get_by_role("heading", name="No matching models")).to_be_visible()
    assert model.url.endswith("?type=embedding")
    model.reload()
    model.get_by_text("Filters", exact=True).click()
    expect(model.get_by_role("combobox", name="Type")).to_have_value("embedding")
    model.get_by_role("combobox", name="Type").select_option("")
    model.get_by_label("Can do").select_option("vision")
    expect(model.get_by_role("link", name="Ours")).to_be_visible()
    model.keyboard.press("Escape")
    expect(model.get_by_role("combobox", name="Type")).to_be_hidden()


def test_rows_are_so_low_that_a_screen_has_many(app: Flask, model: Page, live_server: LiveServer) -> None:
    with app.app_context():
        ours = db.session.scalars(db.select(RegisteredModel)).one()
        ours.capabilities = {**ours.capabilities, "vision": {"declared": True, "observed": False}}
        for number in range(29):
            db.session.add(
                a_model(model_id=f"{number:060}", display_name=f"A rather long name of a model {number}")
            )
        db.session.commit()
    model.set_viewport_size(ViewportSize(width=1280, height=1000))
    model.goto(live_server.url + "/models")
    ends = [row.bounding_box() for row in model.locator("tbody tr").all()]
    assert {round(box["height"]) for box in ends if box} == {36}
    assert sum(box["y"] + box["height"] <= 1000 for box in ends if box) >= 24
    fits = "(e) => e.scrollWidth <= e.clientWidth"
    assert model.locator(".scroll").evaluate(fits)


def test_the_bar_for_many_comes_up_and_stays(model: Page, live_server: LiveServer) -> None:
    model.set_viewport_size(ViewportSize(width=1280, height=300))
    model.goto(live_server.url + "/models")
    bar = model.get_by_role("group", name="Actions for the selected models")
    expect(bar).to_be_hidden()
    model.get_by_label("Select Ours").check()
    expect(bar).to_be_in_viewport()


def test_many_are_probed_while_one_watches(
    app: Flask, model: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    model.goto(live_server.url + "/models/new")
    fill(model, endpoint, **{"Model id": "practice-chat-no-tools", "Display name": "Theirs"})
    model.get_by_role("button", name="Probe and register").last.click()
    expect(model.get_by_role("heading", level=1)).to_have_text("Theirs")
    model.goto(live_server.url + "/models")
    model.get_by_label("All on this page").check()
    expect(model.get_by_text("With the 2 selected:")).to_be_visible()
    model.get_by_role("button", name="Probe again").click()
    expect(model.get_by_text("2 of 2 probes accepted.")).to_be_visible()
    model.get_by_role("link", name="Back to the list").click()
    with app.app_context():
        assert len(db.session.scalars(db.select(Probe)).all()) == 4


def test_the_ticked_are_deleted_after_a_question(app: Flask, model: Page, live_server: LiveServer) -> None:
    model.goto(live_server.url + "/models")
    model.get_by_label("Select Ours").check()
    model.get_by_role("button", name="Delete…").click()
    model.get_by_role("button", name="Delete it").click()
    expect(model.get_by_text("1 model deleted.")).to_be_visible()
    assert registered(app) == []


def test_probing_again_is_watched_and_ends_at_the_model(app: Flask, model: Page) -> None:
    model.get_by_role("button", name="Probe again").click()
    expect(model.get_by_text("Probed again")).to_be_visible()
    model.get_by_role("link", name="History", exact=True).click()
    expect(model.get_by_role("heading", name="Over time")).to_be_visible()


def test_an_answer_streams_into_the_page(model: Page) -> None:
    model.get_by_role("link", name="Use", exact=True).click()
    model.get_by_label("Prompt").fill("Reply with the single word OK.")
    model.get_by_role("button", name="Send").click()
    expect(model.locator("#tried")).to_contain_text(re.compile("OK.*First token.*tokens in", re.S))


def test_a_slow_answer_can_be_stopped(app: Flask, model: Page) -> None:
    with app.app_context():
        db.session.execute(db.update(RegisteredModel).values(remote_model_id="practice-chat-slow"))
        db.session.commit()
    model.get_by_role("link", name="Use", exact=True).click()
    model.get_by_label("Prompt").fill("Hello")
    model.get_by_role("button", name="Send").click()
    model.get_by_role("button", name="Stop").click()
    expect(model.get_by_text("Stopped.")).to_be_visible()
