"""The main job in a real browser: with scripts, without them, and with the keyboard alone."""

from __future__ import annotations

import re
import time

from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel
from tests.browser import chromium
from tests.browser.conftest import EMAIL, KEY, Endpoint, open_model
from tests.conftest import PASSWORD, LiveServer


def fill(page: Page, endpoint: Endpoint, **changes: str) -> None:
    """Fill in a good form but for the changes."""
    good = {
        "Base URL": endpoint.base_url,
        "API key": KEY,
        "Model id": "practice-chat",
        "Display name": "Ours",
        "Region": "europe",
    }
    for label, value in (good | changes).items():
        page.get_by_label(label, exact=True).fill(value)


def unfold(page: Page, *sections: str) -> None:
    """Open sections of the form that are folded away; the endpoint's list may have opened one before."""
    for section in sections:
        summary = page.locator("details.fold > summary").filter(has_text=section)
        summary.evaluate("(one) => { one.parentElement.open = true; }")


def register(page: Page, server: LiveServer, endpoint: Endpoint) -> None:
    """Register the good model; the browser is on its page then."""
    page.goto(server.url + "/models/new")
    fill(page, endpoint)
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ours")


def list_models(page: Page, server: LiveServer, endpoint: Endpoint) -> None:
    """Begin a form: with base URL and key the endpoint's list of models comes by itself."""
    page.goto(server.url + "/models/new")
    page.get_by_label("Base URL").fill(endpoint.base_url)
    page.get_by_label("API key").fill(KEY)
    page.keyboard.press("Tab")
    expect(page.get_by_text("The endpoint lists 15 models")).to_be_visible()


def registered(app: Flask) -> list[RegisteredModel]:
    """Every registered model."""
    with app.app_context():
        return list(db.session.scalars(db.select(RegisteredModel)))


def test_from_an_empty_list_to_a_model(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/models")
    expect(page.get_by_text("No model is registered yet")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Register a model").first.click()
    fill(page, endpoint)
    unfold(page, "Declared capabilities", "Prices")
    page.get_by_role("group", name="Vision").get_by_label("Yes").check()
    page.get_by_label("Output").fill("1.5")
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ours")
    expect(page.get_by_text("Registered: the probe has seen it work.")).to_be_visible()
    page.get_by_role("link", name="Checks").click()
    row = page.get_by_role("row", name=re.compile("^Vision"))
    expect(row).to_contain_text("Yes")
    model = registered(app)[0]
    assert (model.supports_vision, model.output_cost, model.created_by) == (True, 1.5, "user:" + EMAIL)
    assert KEY not in page.content()


def test_each_check_is_shown_while_the_probe_runs(
    page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint, **{"Model id": "practice-chat-slow"})
    page.get_by_role("button", name="Probe and register").last.click()
    running = page.locator("#live-proof")
    expect(running).to_have_attribute("data-status", "running")
    expect(running.locator(".number")).to_contain_text(re.compile(r"\d\.\d s"))
    expect(page.locator("#register")).to_be_hidden()
    page.get_by_role("button", name="Cancel").click()


def test_cancelling_gives_the_form_back_and_registers_nothing(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint, **{"Model id": "practice-chat-slow"})
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.locator("#live-proof")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. Nothing was registered.")).to_be_visible()
    expect(page.get_by_label("API key")).to_have_value(KEY)
    expect(page.get_by_role("button", name="Probe and register").last).to_be_focused()
    time.sleep(4)  # the slow model thinks for three seconds; by then it would have gone on to the checks
    assert len([path for path in endpoint.asked if path.endswith("/chat/completions")]) <= 1
    assert registered(app) == []


def test_a_url_without_v1_and_a_key_with_a_blank_are_one_click_from_working(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint, **{"Base URL": endpoint.base_url.removesuffix("/v1"), "API key": KEY + " "})
    page.get_by_role("button", name="Probe and register").last.click()
    summary = page.locator("#problem")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Not registered")
    expect(page.get_by_label("Base URL", exact=True)).to_have_attribute("aria-invalid", "true")
    assert KEY not in page.content()
    page.get_by_role("button", name=f"Use {endpoint.base_url} and probe again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ours")
    assert registered(app)[0].base_url == endpoint.base_url


def test_the_summary_leads_to_the_field(page: Page, live_server: LiveServer, endpoint: Endpoint) -> None:
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint, Region="")
    page.get_by_role("button", name="Probe and register").last.click()
    page.locator("#problem").get_by_role("link", name="Region").click()
    expect(page.get_by_label("Region")).to_be_focused()
    expect(page.get_by_label("Region")).to_have_accessible_description(re.compile("Error: Region is empty"))
    assert [path for path in endpoint.asked if path != "/v1/models"] == [], "nothing is probed"


def test_the_keyboard_alone_registers(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/models")
    page.get_by_role("main").get_by_role("link", name="Register a model").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/models/new")
    page.get_by_label("Base URL").focus()
    for typed in (endpoint.base_url, KEY, "practice-chat", None, "Ours", None, "europe"):
        if typed:
            page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.get_by_label("Region").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ours")
    assert len(registered(app)) == 1


def test_a_double_click_registers_once(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint)
    page.get_by_role("button", name="Probe and register").last.dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ours")
    assert len(registered(app)) == 1


def test_choosing_a_preset_fills_in_what_is_known(page: Page, live_server: LiveServer) -> None:
    page.goto(live_server.url + "/models/new")
    page.get_by_label("Known server or vendor").select_option("groq")
    expect(page.get_by_label("Base URL")).to_have_value("https://api.groq.com/openai/v1")
    expect(page.get_by_text("gsk_")).to_be_visible()


def test_another_model_changes_the_type_and_with_it_the_fields(
    page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    list_models(page, live_server, endpoint)
    kind, capabilities = page.get_by_label("Model type"), page.locator("#section-capabilities")
    page.get_by_label("Model id", exact=True).fill("practice-embedding")
    expect(kind).to_have_value("embedding")
    expect(capabilities).to_be_hidden()
    expect(page.get_by_label("Output", exact=True)).to_be_hidden()
    page.get_by_label("Model id", exact=True).fill("practice-chat")
    expect(kind).to_have_value("")
    expect(capabilities).to_be_visible()
    kind.select_option("image")
    expect(page.get_by_label("Image", exact=True)).to_be_visible()
    expect(page.get_by_label("Display name")).to_have_attribute("placeholder", "practice-chat")


def test_an_accepted_trial_registers_with_one_click_and_no_further_call(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint)
    page.get_by_role("button", name="Probe only").click()
    expect(page.get_by_text("The probe was accepted")).to_be_visible()
    asked = len(endpoint.asked)
    page.get_by_role("button", name="Register it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ours")
    assert len(endpoint.asked) == asked and len(registered(app)) == 1


def test_without_scripts_everything_works(
    app: Flask, browser: Browser, live_server: LiveServer, endpoint: Endpoint
) -> None:
    context = chromium.window(browser, java_script_enabled=False)
    page = context.new_page()
    chromium.sign_in(page, live_server.url, EMAIL, PASSWORD)
    page.goto(live_server.url + "/models/new")
    page.get_by_label("Known server or vendor").select_option("vllm")
    page.get_by_role("button", name="Fill in").click()
    expect(page.get_by_label("Base URL")).to_have_value("http://localhost:8000/v1")
    fill(page, endpoint, **{"Model id": "practice-chatt"})
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.locator("#problem")).to_contain_text("does not serve this model")
    expect(page.get_by_label("API key")).to_have_value("")
    page.get_by_role("button", name="Use practice-chat and probe again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ours")
    page.get_by_role("button", name="Probe again").click()
    expect(page.get_by_text("Probed again")).to_be_visible()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("“Ours” is deleted.")).to_be_visible()
    context.close()
    assert registered(app) == []


def test_leaving_in_the_middle_registers_nothing(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint, **{"Model id": "practice-chat-slow"})
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.locator("#live-proof")).to_be_visible()
    page.goto(live_server.url + "/models")
    time.sleep(4)
    assert registered(app) == []
    with app.app_context():
        assert "model.registered" not in db.session.scalars(db.select(AuditEvent.action)).all()


def test_the_list_answers_while_one_types(page: Page, live_server: LiveServer, endpoint: Endpoint) -> None:
    open_model(page, live_server, endpoint)
    page.goto(live_server.url + "/models")
    for typed in ("our", "practice-chat", "127.0.0.1"):
        page.get_by_label("Search").press_sequentially("nothing")
        expect(page.get_by_role("heading", name="No matching models")).to_be_visible()
        expect(page.get_by_role("status").filter(has_text="No matching models")).to_be_attached()
        page.get_by_label("Search").fill(typed)
        expect(page.get_by_role("link", name="Ours")).to_be_visible()
        assert page.url.endswith(f"?q={typed}")
