"""The rest of the house in a real browser: what is shown once, copied, filtered; also without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.store.accounts import Token
from app.store.audit_events import AuditEvent
from app.store.base import db
from tests.browser import chromium
from tests.conftest import PASSWORD, LiveServer


@pytest.fixture
def bare(browser: Browser, live_server: LiveServer, admin: str) -> Iterator[Page]:
    """An administrator's page in a browser that runs no scripts, signed in by the form."""
    context = chromium.window(browser, java_script_enabled=False)
    page = context.new_page()
    chromium.sign_in(page, live_server.url, admin, PASSWORD)
    yield page
    context.close()


def test_a_new_token_takes_the_focus_is_copied_and_then_gone(desk: Page, live_server: LiveServer) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.goto(live_server.url + "/tokens/new")
    desk.keyboard.type("ci")  # the first field has the focus already
    desk.keyboard.press("Enter")
    shown = desk.locator("#shown")
    expect(shown).to_be_focused()
    text = shown.locator("code").inner_text()
    desk.get_by_role("button", name="Copy the token").click()
    expect(desk.get_by_role("button", name="Copied the token")).to_be_visible()
    assert desk.evaluate("() => navigator.clipboard.readText()") == text
    desk.reload()
    expect(desk.get_by_role("heading", level=1)).to_have_text("ci")
    assert text not in desk.content()
    desk.go_back()
    desk.go_forward()
    assert text not in desk.content()


def test_a_double_click_and_loading_again_make_one_token(
    app: Flask, desk: Page, live_server: LiveServer
) -> None:
    desk.goto(live_server.url + "/tokens/new")
    desk.get_by_label("Name").fill("ci")
    desk.get_by_role("button", name="Make it").dblclick()
    expect(desk.locator("#shown")).to_be_visible()
    desk.reload()
    with app.app_context():
        assert len(list(db.session.scalars(db.select(Token)))) == 1


def test_the_log_answers_while_one_types(app: Flask, desk: Page, live_server: LiveServer) -> None:
    with app.app_context():
        for name in ("Falcon", "Llama"):
            db.session.add(AuditEvent(actor="cli:muster", action="model.deleted", subject=name))
        db.session.commit()
    desk.goto(live_server.url + "/audit")
    desk.get_by_label("Search").press_sequentially("fal")
    expect(desk.get_by_role("row", name=re.compile("Llama"))).to_have_count(0)
    expect(desk.get_by_role("row", name=re.compile("Falcon"))).to_have_count(1)
    desk.wait_for_url(live_server.url + "/audit?q=fal")
    desk.get_by_label("What").select_option("Revoked a token")
    expect(desk.get_by_role("heading", name="No matching events")).to_be_visible()
    expect(desk.get_by_role("status").filter(has_text="No matching events")).to_be_attached()


def test_an_error_s_place_stands_out(stranger: Page, live_server: LiveServer) -> None:
    stranger.goto(live_server.url + "/errors#already_exists")
    place = stranger.locator("#already_exists")
    expect(place).to_be_in_viewport()
    colours = stranger.evaluate(
        "() => ['already_exists', 'not_found'].map(id =>"
        " getComputedStyle(document.getElementById(id)).backgroundColor)"
    )
    assert colours[0] != colours[1]


def test_without_scripts_everything_works(app: Flask, bare: Page, live_server: LiveServer) -> None:
    bare.goto(live_server.url + "/tokens")
    bare.get_by_role("link", name="Make a token").first.click()
    bare.get_by_label("Name").fill("ci")
    bare.get_by_role("button", name="Make it").click()
    expect(bare.locator("#shown code")).to_have_text(re.compile("^mst_"))
    expect(bare.get_by_role("button", name="Copy")).to_have_count(0)
    bare.get_by_role("link", name="Revoke…").click()
    bare.get_by_role("button", name="Revoke it").click()
    expect(bare.get_by_text("The token “ci” is revoked")).to_be_visible()
    bare.get_by_role("link", name="People").first.click()
    bare.get_by_role("link", name="Add a person").click()
    bare.get_by_label("Email").fill("grace@example.com")
    bare.get_by_role("button", name="Add them").click()
    bare.get_by_label("Editor").check()
    bare.get_by_role("button", name="Change the role").click()
    expect(bare.get_by_text("grace@example.com is editor now.")).to_be_visible()
    bare.get_by_role("link", name="Delete…").click()
    bare.get_by_role("button", name="Delete it").click()
    bare.get_by_role("link", name="Audit log").click()
    bare.get_by_label("Who").fill("admin")
    bare.get_by_role("button", name="Show").click()
    expect(bare.get_by_role("row", name=re.compile("Deleted a person grace"))).to_be_visible()
    with app.app_context():
        assert len(list(db.session.scalars(db.select(AuditEvent.id)))) == 6  # the sign-in is one


def test_the_keyboard_alone_reaches_what_is_there(desk: Page, live_server: LiveServer) -> None:
    desk.goto(live_server.url + "/tokens")
    reached: list[str] = []
    while "Make a token" not in reached and len(reached) < 60:
        desk.keyboard.press("Tab")
        reached.append(desk.evaluate("() => document.activeElement.textContent.trim()"))
    assert {"Skip to the content", "Tokens", "People", "Make a token", "Sign out"} <= set(reached)
