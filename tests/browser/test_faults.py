"""What once hurt in a real browser: lost typing, notices off the screen, evidence cut off."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, ViewportSize, expect

from app.store.audit_events import AuditEvent
from app.store.base import db
from app.store.models import RegisteredModel
from app.store.probes import Probe
from tests.browser import chromium
from tests.browser.conftest import EMAIL, KEY, Endpoint, open_model
from tests.browser.test_form import fill, register
from tests.conftest import PASSWORD, LiveServer
from tests.rows import a_model, an_endpoint


def lose_session(page: Page) -> None:
    """Sign out as far as the browser knows; no answer that is under way may bring the session back."""
    page.wait_for_load_state("networkidle")
    page.context.clear_cookies()


def test_a_session_that_ended_in_the_middle_of_a_form_loses_nothing_but_the_key(
    page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint)
    lose_session(page)
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.get_by_text("You were signed out in the meantime")).to_be_visible()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("What you typed before is back")).to_be_visible()
    expect(page.get_by_label("Display name")).to_have_value("Ours")
    expect(page.get_by_label("API key")).to_have_value("")
    assert KEY not in page.evaluate("() => JSON.stringify(sessionStorage)")


def test_a_prompt_survives_being_signed_out(app: Flask, page: Page, live_server: LiveServer) -> None:
    with app.app_context():
        model = a_model()
        db.session.add(model)
        db.session.commit()
        path = f"/models/{model.id}/use"
    page.goto(live_server.url + path)
    page.get_by_label("Prompt").fill("What is down?")
    lose_session(page)
    page.get_by_role("button", name="Send").click()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(live_server.url + path)
    expect(page.get_by_label("Prompt")).to_have_value("What is down?")


def test_a_second_form_with_another_key_is_no_double_click(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    register(page, live_server, endpoint)
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint, **{"API key": "sk-another", "Display name": "Another"})
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.locator("#problem")).to_contain_text("registered already")
    expect(page.get_by_label("Display name")).to_have_value("Another")
    expect(page.get_by_label("API key")).to_have_attribute("placeholder", "kept from your last attempt")


@pytest.mark.usefixtures("dialogs")
def test_forward_after_a_rejection_finds_what_was_typed(
    page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint, **{"Model id": "practice-chatt"})
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.locator("#problem")).to_be_focused()
    page.go_back()
    page.go_forward()
    expect(page.get_by_label("Display name")).to_have_value("Ours")
    expect(page.get_by_label("Model id", exact=True)).to_have_value("practice-chatt")


@pytest.mark.parametrize("way", ["reload", "menu"])
def test_what_is_typed_survives(page: Page, live_server: LiveServer, dialogs: list[str], way: str) -> None:
    page.goto(live_server.url + "/models/new")
    page.get_by_label("Region").press_sequentially("mars")
    if way == "reload":
        page.reload()
    else:
        page.get_by_role("link", name="Catalogue").click()
        page.goto(live_server.url + "/models/new")
    expect(page.get_by_label("Region")).to_have_value("mars")
    assert dialogs[0] == "beforeunload"
    page.get_by_role("button", name="Start afresh").click()
    expect(page.get_by_label("Region")).to_have_value("")


FORMS = (
    ("/tokens/new", "Name"), ("/users/new", "Email"), ("/channels/new", "Name"),
    ("/maintenance/new", "Reason"), ("/endpoints/new", "Base URL"), ("/endpoints/{endpoint}/edit", "Name"),
    ("/models/{model}/edit", "Region"), ("/models/{model}/labels", "Owner"),
    ("/models/{model}/use", "Prompt"),
)  # fmt: skip


@pytest.mark.usefixtures("dialogs")
def test_no_form_of_the_house_loses_what_is_typed(app: Flask, desk: Page, live_server: LiveServer) -> None:
    with app.app_context():
        model = a_model()
        db.session.add(model)
        db.session.commit()
        ids = {"endpoint": model.endpoint_id, "model": model.id}
    for path, label in FORMS:
        desk.goto(live_server.url + path.format(**ids))
        field = desk.get_by_label(re.compile(f"^{label}"))
        field.fill("typed")
        desk.reload()
        expect(field).to_have_value("typed")
        desk.get_by_role("button", name="Start afresh").click()
        expect(field).not_to_have_value("typed")


@pytest.mark.usefixtures("dialogs")
def test_what_is_secret_is_kept_in_no_draft_and_what_was_sent_is_forgotten(
    app: Flask, desk: Page, live_server: LiveServer
) -> None:
    with app.app_context():
        endpoint = an_endpoint()
        db.session.add(endpoint)
        db.session.commit()
        id = endpoint.id
    desk.goto(f"{live_server.url}/endpoints/{id}/edit")
    for label in ("API key", "New or changed headers", "Client certificate", "Authority to trust"):
        desk.get_by_label(re.compile(f"^{label}")).fill("hush-hush")
    desk.get_by_label("Name").fill("typed")
    kept = desk.evaluate("() => JSON.stringify(sessionStorage)")
    assert "typed" in kept and "hush" not in kept
    desk.goto(live_server.url + "/tokens/new")
    desk.get_by_label("Name").fill("ci")
    desk.get_by_role("button", name="Make it").click()
    expect(desk.locator("#shown")).to_be_visible()
    desk.goto(live_server.url + "/tokens/new")
    expect(desk.get_by_label("Name")).to_have_value("")


def test_a_cancelled_probe_is_told_where_the_eye_is(
    page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint)
    with endpoint.silent():
        page.get_by_role("button", name="Probe and register").last.click()
        expect(page.locator("#live-proof")).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("Cancelled. Nothing was registered.")).to_be_in_viewport()
    page.context.set_offline(True)
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.get_by_text("Muster could not be reached. Send the form again.")).to_be_in_viewport()
    page.context.set_offline(False)


def test_a_message_states_the_limit_that_applied(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    app.config["MUSTER"] = replace(app.config["MUSTER"], probe_first_byte_seconds=1.5)
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint)
    with endpoint.silent():
        page.get_by_role("button", name="Probe and register").last.click()
        expect(page.locator("#problem")).to_contain_text("within 1.5 s")


def test_the_chart_begins_at_zero_shows_outages_and_stretches_no_label(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    open_model(page, live_server, endpoint)
    with app.app_context():
        first = db.session.scalars(db.select(Probe)).one()
        for hours, verdict in ((-2, "accepted"), (-1, "rejected")):
            more = {"duration_ms": 90, "trigger": "manual", "report": first.report}
            at = first.started + timedelta(hours=hours)
            db.session.add(Probe(model_pk=first.model_pk, verdict=verdict, started=at, **more))
        db.session.commit()
    page.get_by_role("link", name="History", exact=True).click()
    chart = page.locator("svg.chart").first
    expect(chart.locator("text", has_text=re.compile("^0$"))).to_be_visible()
    outage = chart.locator(".outage").evaluate("(e) => [e.getBBox().height, getComputedStyle(e).stroke]")
    assert outage[0] > 50 and outage[1] != "none"
    for width in (360, 820, 1280):
        page.set_viewport_size(ViewportSize(width=width, height=800))
        stretch = chart.locator("text").first.evaluate("(e) => e.getScreenCTM().a / e.getScreenCTM().d")
        assert abs(stretch - 1) < 0.01


def test_saving_an_unchanged_form_says_so_and_writes_nothing(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    open_model(page, live_server, endpoint)
    page.get_by_role("link", name="Change", exact=True).click()
    expect(page.get_by_text("needs none.")).to_have_count(0)
    page.get_by_role("button", name="Save the change").last.click()
    expect(page.get_by_text("Nothing was changed")).to_be_visible()
    with app.app_context():
        assert "model.updated" not in db.session.scalars(db.select(AuditEvent.action)).all()


def test_evidence_and_the_command_are_not_cut_off(
    page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    open_model(page, live_server, endpoint)
    page.get_by_role("link", name="Checks").click()
    page.get_by_text("Repeat it").first.click()
    command, cells = page.locator(".checks pre").first, page.locator(".evidence-cell")
    expect(command).to_contain_text("curl ")
    cut = """(parts) => parts.some((one) =>
      one.scrollWidth > one.clientWidth || one.getBoundingClientRect().right > innerWidth)"""
    for width in (360, 820, 1280):
        page.set_viewport_size(ViewportSize(width=width, height=800))
        expect(page.get_by_role("button", name="Copy curl for").first).to_be_visible()
        assert not command.evaluate_all(cut)
        assert not cells.evaluate_all(cut)
        page.emulate_media(media="print")
        assert not cells.evaluate_all(cut)
        page.emulate_media(media="screen")


def test_a_narrow_list_sorts_and_ticks_all(app: Flask, page: Page, live_server: LiveServer) -> None:
    with app.app_context():
        db.session.add_all([a_model(model_id=f"model-{number}") for number in range(2)])
        db.session.commit()
    page.set_viewport_size(chromium.NARROW)
    page.goto(live_server.url + "/models")
    page.get_by_label("All on this page").check()
    expect(page.get_by_text("With the 2 selected:")).to_be_visible()
    page.get_by_role("columnheader", name="p95").get_by_role("link").click()
    page.wait_for_url(re.compile("sort=p95"))
    expect(page.get_by_role("columnheader", name="p95")).to_have_attribute("aria-sort", "descending")
    assert chromium.overflow(page) == 0


def test_bulk_results_agree_with_the_list_below(
    app: Flask, page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    open_model(page, live_server, endpoint)
    with app.app_context():
        db.session.execute(db.update(RegisteredModel).values(remote_model_id="gone"))
        db.session.commit()
    page.goto(live_server.url + "/models?q=our")
    page.get_by_label("Select Ours").check()
    page.get_by_role("button", name="Probe again").click()
    expect(page.get_by_text("0 of 1 probes accepted.")).to_be_visible()
    expect(page.get_by_role("row", name="Select Ours")).to_contain_text("Down")
    page.get_by_role("link", name="Back to the list").click()
    assert page.url.endswith("/models?q=our")


def test_the_question_whether_to_delete_is_gone_back_from(
    page: Page, live_server: LiveServer, endpoint: Endpoint
) -> None:
    open_model(page, live_server, endpoint)
    page.goto(live_server.url + "/models?q=our")
    page.get_by_label("Select Ours").check()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("link", name="Keep it").click()
    expect(page.get_by_label("Select Ours")).to_be_checked()
    assert page.url.endswith("/models?q=our")


def test_a_wrong_password_is_typed_anew_at_once(stranger: Page, live_server: LiveServer) -> None:
    stranger.goto(live_server.url + "/signin")
    stranger.get_by_label("Email").fill(EMAIL)
    stranger.get_by_label("Password").fill("not this one")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_label("Password")).to_be_focused()
    chromium.sign_in(stranger, live_server.url, EMAIL, PASSWORD)
