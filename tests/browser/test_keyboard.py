"""An operator's work with the keyboard alone: every stop is seen, none is a trap, and nothing is clicked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from app.practice.models import Model
from app.store.base import db
from tests.browser.conftest import KEY, Endpoint
from tests.conftest import LiveServer
from tests.rows import a_model
from tests.watched_days import add_watched_days

NAMES = ("Falcon", "Llama", "Qwen")
_STOP = """() => {
  const one = document.activeElement;
  const box = one.getBoundingClientRect();
  const look = getComputedStyle(one.closest(".three") ?? one);
  const seen = look.outlineStyle !== "none" && box.width > 0 && box.bottom > 0 && box.top < innerHeight;
  return [one === document.body ? "" : one.outerHTML.slice(0, 120), seen];
}"""

_PARTS_OF_A_TIME = 8
"""Stops within one field: day, month, year, hour, minute, half of the day, and the calendar."""


class Keys:
    """Walks through pages by the tabulator."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, target: Locator) -> None:
        """Walk to an element; each stop on the way must be seen, and none may hold the focus."""
        expect(target).to_be_visible()
        before, held = "", 0
        for _ in range(90):
            if target.evaluate("(one) => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
            stop, seen = self.page.evaluate(_STOP)
            assert seen or not stop, f"focus is not seen at {stop}"
            held = held + 1 if stop == before else 0
            assert held < _PARTS_OF_A_TIME, f"focus does not leave {stop}"
            before = stop
        raise AssertionError(f"the tabulator does not reach {target}")

    def press(self, role: str, name: str, key: str = "Enter") -> None:
        """Walk to a link, button or box, and press a key there."""
        self.to(self.page.locator("main").get_by_role(role, name=name, exact=True).first)  # type: ignore[arg-type]
        self.page.keyboard.press(key)

    def type(self, label: str, text: str) -> None:
        """Walk to a field and type."""
        self.to(self.page.locator("main").get_by_label(label).first)
        self.page.keyboard.type(text)

    def told(self, text: str) -> None:
        """What the page says now."""
        expect(self.page.get_by_text(text).first).to_be_visible()


@pytest.fixture
def keys(app: Flask, desk: Page) -> Iterator[Keys]:
    """An administrator's, with three models, of which one is down."""
    with app.app_context():
        for name in NAMES:
            db.session.add(a_model(model_id=name.lower(), display_name=name, health="up"))
        db.session.commit()
    add_watched_days(app)
    yield Keys(desk)


def test_an_outage_is_acknowledged_and_a_window_opened(keys: Keys, live_server: LiveServer) -> None:
    page = keys.page
    page.goto(live_server.url + "/now")
    keys.to(page.get_by_role("rowheader").get_by_role("link"))
    page.keyboard.press("Enter")
    keys.to(page.get_by_role("textbox", name="Note"))
    page.keyboard.type("New cable")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    keys.told("You have acknowledged")
    page.goto(live_server.url + "/maintenance/new")
    keys.type("Reason", "New disks")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="New disks")).to_be_visible()


def test_a_channel_is_made_and_tested(keys: Keys, live_server: LiveServer) -> None:
    page = keys.page
    page.goto(live_server.url + "/channels/new")
    keys.type("Name", "Night shift")
    keys.type("Address", "json://127.0.0.1:9/")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Night shift")
    keys.press("button", "Send a test message")
    expect(page.locator("#flashes .notice")).to_be_visible()


def test_tokens_people_and_sessions(keys: Keys, live_server: LiveServer) -> None:
    page = keys.page
    page.goto(live_server.url + "/tokens")
    keys.press("link", "Make a token")
    keys.type("Name", "nightly")
    page.keyboard.press("Enter")
    keys.told("only time it is shown")
    keys.press("link", "Revoke…")
    keys.press("button", "Revoke it")
    keys.told("is revoked")
    page.goto(live_server.url + "/users/new")
    keys.type("Email", "grace@example.com")
    page.keyboard.press("Enter")
    keys.told("only time it is shown")
    keys.to(page.get_by_role("radio", name="Viewer"))
    page.keyboard.press("ArrowDown")
    keys.press("button", "Change the role")
    keys.told("is editor now")
    page.goto(live_server.url + "/account")
    keys.press("button", "End all others")
    expect(page.locator("#flashes .notice")).to_be_visible()


def test_models_are_filtered_sorted_disabled_and_deleted(keys: Keys, live_server: LiveServer) -> None:
    page = keys.page
    page.goto(live_server.url + "/models")
    keys.to(page.get_by_text("Filters", exact=True))
    page.keyboard.press("Enter")
    keys.to(page.get_by_role("combobox", name="Type"))
    page.keyboard.press("Escape")
    expect(page.get_by_text("Filters", exact=True)).to_be_focused()
    keys.to(page.get_by_role("columnheader", name="Name").get_by_role("link"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    keys.press("checkbox", "Select Falcon", "Space")
    keys.press("button", "Disable")
    keys.told("1 model disabled.")
    keys.press("checkbox", "Select Llama", "Space")
    keys.press("button", "Delete…")
    keys.press("button", "Delete it")
    keys.told("1 model deleted.")
    expect(page.get_by_role("rowheader")).to_have_count(2)


def test_a_model_s_menu_and_the_comparison(keys: Keys, live_server: LiveServer) -> None:
    page = keys.page
    page.goto(live_server.url + "/models")
    keys.press("link", "Qwen")
    keys.to(page.get_by_text("More", exact=True))
    page.keyboard.press("Enter")
    keys.press("button", "Disable")
    keys.told("“Qwen” is disabled.")
    page.goto(live_server.url + "/catalogue")
    for name in ("Falcon", "Llama"):
        keys.press("checkbox", f"Compare {name}", "Space")
    keys.press("button", "Compare side by side")
    for name in ("Falcon", "Llama"):
        expect(page.get_by_role("columnheader", name=name)).to_be_visible()


def test_a_wrong_url_is_repaired_and_the_model_compared_with_another(
    app: Flask, keys: Keys, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page = keys.page
    endpoint.serve([Model("first"), Model("second")])
    for id in ("first", "second"):
        _register_with_a_wrong_url(keys, live_server, endpoint, id)
    keys.to(page.get_by_text("More", exact=True))
    page.keyboard.press("Enter")
    keys.press("link", "Compare with another…")
    keys.to(page.get_by_role("combobox", name="Compare with"))
    page.keyboard.type("first")
    keys.press("button", "See the price")
    keys.press("button", "Compare")
    expect(page.locator("#result")).to_be_focused()
    expect(page.locator("#result")).to_contain_text("The same")


def _register_with_a_wrong_url(keys: Keys, server: LiveServer, endpoint: Endpoint, id: str) -> None:
    page = keys.page
    page.goto(server.url + "/models/new")
    keys.type("Base URL", endpoint.base_url.removesuffix("/v1"))
    keys.type("API key", KEY)
    keys.type("Model id", id)
    keys.type("Region", "eu")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_be_focused()
    keys.press("button", f"Use {endpoint.base_url} and probe again")
    expect(page.get_by_role("heading", level=1)).to_have_text(id)
