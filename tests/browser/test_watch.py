"""What the watch and endpoints bring, in a real browser: many models, an outage, and axe on each page."""

from __future__ import annotations

from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.store.base import db
from tests.browser import chromium
from tests.browser.conftest import KEY, Endpoint, open_model
from tests.browser.test_every_page import LOOKED_AT, Watched, pages_of
from tests.browser.test_form import registered
from tests.conftest import LiveServer
from tests.rows import an_endpoint
from tests.watched_days import add_watched_days
from tests.web.pages.watch.test_now import add, open_incident

PAGES = ("/now", "/models", "/endpoints", "/endpoints/new", "/incidents", "/channels", "/channels/new",
         "/maintenance/new")  # fmt: skip


def test_many_models_take_one_paste_and_few_clicks(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/now")
    page.get_by_role("link", name="Endpoints", exact=True).click()
    page.get_by_role("link", name="Register many models").first.click()
    page.get_by_label("Base URL").fill(endpoint.base_url)
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="List its models").click()
    for name in ("practice-chat", "practice-embedding", "practice-moderation"):
        page.get_by_role("checkbox", name=name, exact=True).check()
    page.get_by_label("Region of all of them").fill("europe")
    page.get_by_role("button", name="Probe and register").click()
    expect(page.get_by_text("3 models are registered")).to_be_visible()
    assert {model.model_id for model in registered(app)} == {
        "practice-chat", "practice-embedding", "practice-moderation"
    }  # fmt: skip


def test_one_box_ticks_all_that_are_shown(page: Page, live_server: LiveServer, endpoint: Endpoint) -> None:
    page.goto(live_server.url + "/endpoints/new")
    page.get_by_label("Base URL").fill(endpoint.base_url)
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="List its models").click()
    page.get_by_label("All that are shown").check()
    assert page.locator("[name=model]:checked").count() == page.locator("[name=model]").count() > 5


def test_what_is_wrong_stays_up_to_date(app: Flask, page: Page, live_server: LiveServer) -> None:
    model = add(app, health="down")
    open_incident(app, model, "first.example.com")
    page.goto(live_server.url + "/now")
    expect(page.get_by_role("rowheader", name="first.example.com")).to_be_visible()
    open_incident(app, model, "second.example.com")
    looked = "() => document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(looked)
    expect(page.get_by_role("rowheader", name="second.example.com")).to_be_visible()
    page.context.set_offline(True)
    page.evaluate(looked)
    expect(page.get_by_text("This page is no longer up to date")).to_be_visible()
    page.context.set_offline(False)
    page.evaluate(looked)
    expect(page.get_by_text("This page is no longer up to date")).to_be_hidden()


def test_axe_finds_nothing(
    app: Flask, browser: Browser, live_server: LiveServer, endpoint: Endpoint, admin: str
) -> None:
    context = chromium.window(browser, color_scheme="light", bypass_csp=True)
    watched = Watched(context.new_page())
    page = watched.page
    chromium.let_in(page, live_server, admin)
    open_model(page, live_server, endpoint)
    add_watched_days(app)
    for path in PAGES:
        page.goto(live_server.url + path)
        watched.look()
    page.get_by_role("button", name="Open it").click()
    watched.look("maintenance")
    for path in ("/incidents", "/channels", "/models", "/endpoints"):
        page.goto(live_server.url + path)
        page.get_by_role("rowheader").get_by_role("link").click()
        watched.look(f"one of {path}")
        if path == "/channels":
            page.get_by_role("link", name="Change", exact=True).click()
            watched.look("change a channel")
            page.get_by_role("link", name="Cancel").click()
            page.get_by_role("link", name="Delete…").click()
            watched.look("delete a channel")
    for name in ("Rotate the key", "Change"):
        page.get_by_role("link", name=name).click()
        watched.look(name)
        page.go_back()
    page.get_by_role("button", name="See what it lists now").click()
    page.get_by_role("button", name="Probe and register").click()
    expect(page.locator("#problem")).to_be_visible()
    watched.look("many, wrong")
    words = {"display_name": "A completion model of old", "model_type": "completion", "region": "on-prem"}
    add(app, health="down", input_cost=10.5, output_cost=31.5, observed={"context_window": 131072}, **words)
    page.goto(live_server.url + "/catalogue")
    watched.look("catalogue")
    page.goto(f"{live_server.url}/endpoints/{_endpoint_without_models(app)}/delete")
    watched.look("delete an endpoint")
    context.close()
    assert watched.found == {}
    assert pages_of(app, watched.paths) == LOOKED_AT["tests/browser/test_watch.py"]


def _endpoint_without_models(app: Flask) -> str:
    """The id of an endpoint that may be deleted."""
    with app.app_context():
        endpoint = an_endpoint(name="Zebra")
        db.session.add(endpoint)
        db.session.commit()
        return endpoint.id
