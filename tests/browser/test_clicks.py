"""How many clicks a person needs, counted by the browser itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.practice import models
from app.practice.models import Model
from app.store.base import db
from app.store.models import RegisteredModel
from tests.browser.conftest import KEY, Endpoint, open_model
from tests.browser.test_form import fill, registered
from tests.conftest import LiveServer
from tests.watched_days import add_watched_days
from tests.web.pages.conftest import with_practice

_COUNT = """addEventListener("pointerdown", () => {
  sessionStorage.setItem("clicks", Number(sessionStorage.getItem("clicks") ?? 0) + 1);
}, true)"""


class Clicks:
    """What _COUNT counts on a page, from when it is begun anew: every press of the pointer."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def begin(self, url: str) -> None:
        """Open the page that a person starts from."""
        self.page.goto(url)
        self.page.evaluate("() => sessionStorage.removeItem('clicks')")

    @property
    def count(self) -> int:
        """How many there were."""
        return int(self.page.evaluate("() => Number(sessionStorage.getItem('clicks') ?? 0)"))


@pytest.fixture
def clicks(page: Page) -> Iterator[Clicks]:
    """The counter of the page."""
    with page.add_init_script(_COUNT):
        yield Clicks(page)


def test_one_model_takes_two_from_the_preset_and_its_call_one_from_the_list(
    app: Flask, clicks: Clicks, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page = clicks.page
    endpoint.change_key(models.KEY)
    with_practice(app, endpoint.base_url)
    clicks.begin(live_server.url + "/models")
    page.get_by_role("link", name="Try it with the practice endpoint").click()
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.get_by_text("Registered: the probe has seen it work.")).to_be_visible()
    assert clicks.count == 2
    clicks.begin(live_server.url + "/models")
    page.get_by_role("link", name="Practice chat").click()
    expect(page.get_by_text("from openai import OpenAI")).to_be_in_viewport()
    expect(page.get_by_role("heading", name="What it can do")).to_be_in_viewport()
    assert clicks.count == 1


def test_twelve_models_take_one_paste_and_at_most_eight(
    app: Flask, clicks: Clicks, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page = clicks.page
    endpoint.serve([Model(f"embedding-{number:02}", "embedding") for number in range(12)])
    clicks.begin(live_server.url + "/now")
    page.get_by_role("link", name="Endpoints", exact=True).click()
    page.get_by_role("link", name="Register many models").first.click()
    expect(page.get_by_label("Base URL")).to_be_focused()
    page.keyboard.type(endpoint.base_url)
    page.keyboard.press("Tab")
    page.keyboard.insert_text(KEY)
    page.get_by_role("button", name="List its models").click()
    page.get_by_label("All that are shown").check()
    page.get_by_label("Region of all of them").click()
    page.keyboard.type("europe")
    page.get_by_role("button", name="Probe and register").click()
    expect(page.get_by_text("12 models are registered")).to_be_visible()
    assert clicks.count <= 8 and len(registered(app)) == 12


def test_a_wrong_url_takes_one_and_a_rotation_three(
    app: Flask, clicks: Clicks, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page = clicks.page
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint, **{"Base URL": endpoint.base_url.removesuffix("/v1")})
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.locator("#problem")).to_be_visible()
    page.evaluate("() => sessionStorage.removeItem('clicks')")
    page.locator("#problem").get_by_role("button", name="and probe again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ours")
    assert clicks.count == 1
    endpoint.change_key("sk-the-new-one")
    clicks.begin(live_server.url + "/endpoints")
    page.get_by_role("rowheader").get_by_role("link").click()
    page.get_by_role("link", name="Rotate the key").click()
    expect(page.get_by_label("New API key")).to_be_focused()
    page.keyboard.insert_text("sk-the-new-one")
    page.get_by_role("button", name="Try it and store it").click()
    expect(page.get_by_text("The new key is stored, for 1 model.")).to_be_visible()
    assert clicks.count == 3


def test_the_reason_of_an_outage_takes_one_from_the_first_page(
    app: Flask, clicks: Clicks, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page = clicks.page
    open_model(page, live_server, endpoint)
    add_watched_days(app)
    clicks.begin(live_server.url + "/")
    page.get_by_role("rowheader").get_by_role("link").click()
    expect(page.get_by_text("the model is overloaded").first).to_be_visible()
    assert clicks.count == 1


def test_one_of_many_is_cancelled_alone(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    endpoint.serve([Model("quick-embedding", "embedding"), Model("slow", pause_s=30)])
    page.goto(live_server.url + "/endpoints/new")
    page.get_by_label("Base URL").fill(endpoint.base_url)
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="List its models").click()
    page.get_by_label("All that are shown").check()
    page.get_by_label("Region of all of them").fill("europe")
    page.get_by_role("button", name="Probe and register").click()
    page.get_by_role("button", name="Cancel slow").click()
    expect(page.locator("#problem")).to_contain_text("1 of 2 registered")
    with app.app_context():
        assert list(db.session.scalars(db.select(RegisteredModel.model_id))) == ["quick-embedding"]
