"""The search of the header, by the keyboard alone and without scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.store.base import db
from tests.browser import chromium
from tests.browser.conftest import EMAIL
from tests.conftest import LiveServer
from tests.rows import a_model


@pytest.fixture(autouse=True)
def models(app: Flask) -> None:
    """Two models."""
    with app.app_context():
        for name in ("Falcon", "Llama"):
            db.session.add(a_model(model_id=name.lower(), display_name=name))
        db.session.commit()


@pytest.fixture
def bare(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """The editor's page with scripts off."""
    with chromium.without_scripts(browser, live_server, EMAIL) as page:
        yield page


def test_the_keyboard_finds_and_opens(page: Page, live_server: LiveServer) -> None:
    page.goto(live_server.url + "/models")
    field = page.get_by_role("searchbox", name="Find anything")
    box = page.get_by_role("search", name="Everything")
    page.get_by_label("Search", exact=True).press_sequentially("a/b")
    expect(page.get_by_label("Search", exact=True)).to_have_value("a/b")
    page.get_by_label("Search", exact=True).blur()
    page.keyboard.press("/")
    expect(field).to_be_focused()
    page.keyboard.type("falc")
    expect(box.get_by_role("link", name="Falcon falcon")).to_be_visible()
    expect(box.get_by_role("link", name="Llama")).to_have_count(0)
    expect(box.get_by_role("status")).to_contain_text("found")
    page.keyboard.press("Escape")
    expect(box.get_by_role("link")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("lla")
    expect(box.get_by_role("link", name="Llama llama")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Llama")
    page.wait_for_load_state()  # no key means anything before the scripts are there
    page.keyboard.press("/")
    expect(box.get_by_role("link")).to_have_text(["Llama llama Unknown"])  # what was opened last


def test_without_scripts_it_is_a_page(bare: Page, live_server: LiveServer) -> None:
    bare.goto(live_server.url + "/models")
    bare.get_by_label("Find anything").fill("falcon")
    bare.get_by_label("Find anything").press("Enter")
    expect(bare.get_by_role("heading", level=1)).to_have_text("What “falcon” finds")
    bare.get_by_role("link", name="Falcon falcon").click()
    expect(bare.get_by_role("heading", level=1)).to_have_text("Falcon")


def test_models_are_ticked_and_compared_without_scripts(bare: Page, live_server: LiveServer) -> None:
    bare.goto(live_server.url + "/catalogue")
    for name in ("Falcon", "Llama"):
        bare.get_by_label(f"Compare {name}").check()
    bare.get_by_role("button", name="Compare side by side").click()
    for name in ("Falcon", "Llama"):
        expect(bare.get_by_role("columnheader", name=name)).to_be_visible()


def test_columns_are_chosen_without_scripts(bare: Page, live_server: LiveServer) -> None:
    bare.goto(live_server.url + "/models?sort=name")
    bare.get_by_text("Columns", exact=True).click()
    bare.get_by_label("Region, host").check()
    bare.get_by_label("p95").uncheck()
    bare.get_by_role("button", name="Show these").click()
    assert bare.url.endswith("/models?sort=name")
    expect(bare.get_by_role("columnheader", name="Region, host")).to_be_visible()
    expect(bare.get_by_role("columnheader", name="p95")).to_have_count(0)
