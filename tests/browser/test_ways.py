"""Endpoints, channels, maintenance and many models at once: without scripts, and with the keyboard alone."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.practice.models import Model
from tests.browser import chromium
from tests.browser.conftest import KEY, Endpoint
from tests.browser.test_form import registered
from tests.conftest import LiveServer

TWO = (Model("first-embedding", "embedding"), Model("second-embedding", "embedding"))
NEW_KEY = "sk-the-new-one"


@pytest.fixture
def endpoint(endpoint: Endpoint) -> Endpoint:
    """One that serves two small models."""
    endpoint.serve(TWO)
    return endpoint


def test_without_scripts_everything_works(
    app: Flask, browser: Browser, live_server: LiveServer, endpoint: Endpoint, admin: str
) -> None:
    with chromium.without_scripts(browser, live_server, admin) as page:
        _many(page, live_server, endpoint)
        assert len(registered(app)) == 2
        _rotation(page, endpoint)
        _watch(page, live_server)
        _bulk(page, live_server)
    assert registered(app) == []


def _many(page: Page, server: LiveServer, endpoint: Endpoint) -> None:
    page.goto(server.url + "/endpoints/new")
    page.get_by_label("Base URL").fill(endpoint.base_url)
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="List its models").click()
    page.get_by_role("button", name="Tick all").click()
    page.get_by_label("Region of all of them").fill("europe")
    page.get_by_label("Owner of all of them").fill("Search team")
    page.get_by_role("button", name="Probe and register").click()
    expect(page.get_by_text("2 models are registered")).to_be_visible()


def _rotation(page: Page, endpoint: Endpoint) -> None:
    page.get_by_role("link", name="Rotate the key").click()
    page.get_by_label("New API key").fill(NEW_KEY)
    page.get_by_role("button", name="Try it and store it").click()
    expect(page.locator("#problem")).to_contain_text("2 of 2 models did not work with it")
    endpoint.change_key(NEW_KEY)
    page.get_by_role("button", name="Try it and store it").click()
    expect(page.get_by_text("The new key is stored, for 2 models.")).to_be_visible()
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("Name").fill("Ours")
    page.get_by_role("button", name="Save the change").click()
    expect(page.get_by_text("“Ours” is changed.")).to_be_visible()


def _watch(page: Page, server: LiveServer) -> None:
    page.goto(server.url + "/channels/new")
    page.get_by_label("Address").fill("json://127.0.0.1:9/")
    page.get_by_label("Name").fill("On call")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("On call")
    page.goto(server.url + "/maintenance/new")
    page.get_by_label("Reason").fill("New disks")
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_role("row", name="New disks")).to_be_visible()


def _bulk(page: Page, server: LiveServer) -> None:
    page.goto(server.url + "/models")
    for row in page.get_by_role("checkbox", name="Select ").all():
        row.check()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("2 models disabled.")).to_be_visible()
    for row in page.get_by_role("checkbox", name="Select ").all():
        row.check()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete them all").click()
    expect(page.get_by_text("2 models deleted.")).to_be_visible()


def test_the_keyboard_alone_registers_many_and_rotates(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/endpoints/new")
    page.keyboard.type(endpoint.base_url)  # the first field has the focus already
    page.keyboard.press("Tab")
    page.keyboard.type(KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="first-embedding")).to_be_visible()
    _press(page, "All that are shown", "Space")
    _press(page, "Region of all of them", "e", "u")
    page.get_by_role("button", name="Probe and register").press("Enter")
    expect(page.get_by_text("2 models are registered")).to_be_visible()
    endpoint.change_key(NEW_KEY)
    page.get_by_role("link", name="Rotate the key").press("Enter")
    expect(page.get_by_label("New API key")).to_be_focused()
    page.keyboard.type(NEW_KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The new key is stored, for 2 models.")).to_be_visible()
    assert len(registered(app)) == 2


def _press(page: Page, label: str, *keys: str) -> None:
    """Walk to a field with the tabulator, as a person would, and press keys there."""
    for _ in range(60):
        if page.get_by_label(label).evaluate("(one) => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    for key in keys:
        page.keyboard.press(key)
