"""What happened to one's account: told after the next sign-in, until it is read, and listed for 90 days."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access import audit, people, second_factor
from app.access.actors import COMMAND_LINE, user_actor
from app.store.accounts import User
from app.store.audit_events import AuditEvent
from app.store.base import db, now
from app.web.pages.audit import oldest_id
from tests.conftest import PASSWORD
from tests.web.pages.conftest import plain
from tests.web.pages.test_tokens import made

EMAIL = "viewer@example.com"
BANNER = "Something happened to your account"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1"


def signed_in(
    app: Flask, email: str = EMAIL, browser: str = FIREFOX, password: str = PASSWORD
) -> FlaskClient:
    """A browser that has just signed in."""
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = browser
    answer = client.post("/signin", data={"email": email, "password": password})
    assert answer.status_code == 303
    return client


def until_of(page: str) -> str:
    """The newest event that the page offers to note as read."""
    found = re.search(r'name="until" value="([^"]+)"', page)
    return found[1] if found else ""


def reset(app: Flask) -> None:
    """An administrator gives the viewer the same password anew, on the command line."""
    with app.app_context():
        user = User.by_email(EMAIL)
        assert user
        people.set_password(user, PASSWORD, COMMAND_LINE)


def test_nothing_is_told_where_nothing_happened(app: Flask, viewer: FlaskClient) -> None:
    browser = signed_in(app)
    assert BANNER not in browser.get("/models").text
    assert "Nothing in the last 90 days" in browser.get("/account").text


def test_a_reset_is_told_at_the_next_sign_in_until_it_is_read(app: Flask, viewer: FlaskClient) -> None:
    reset(app)
    browser = signed_in(app)
    assert BANNER in browser.get("/models").text
    page = browser.get("/account").text
    assert "Your password was reset. new the command line" in plain(page)
    assert browser.post("/account/news/read", data={"until": until_of(page)}).status_code == 303
    assert BANNER not in browser.get("/models").text
    page = plain(browser.get("/account").text)
    assert "Your password was reset. the command line" in page and "I have read it" not in page
    assert BANNER not in signed_in(app).get("/models").text


def test_what_happens_after_the_page_was_shown_is_not_noted_as_read(app: Flask, viewer: FlaskClient) -> None:
    reset(app)
    shown = until_of(signed_in(app).get("/account").text)
    reset(app)
    browser = signed_in(app)
    browser.post("/account/news/read", data={"until": shown})
    assert BANNER in browser.get("/models").text


@pytest.mark.parametrize("until", ["", "ffffffff-ffff-7fff-bfff-ffffffffffff", "no-id"])
def test_only_an_event_that_was_shown_is_noted(app: Flask, viewer: FlaskClient, until: str) -> None:
    reset(app)
    browser = signed_in(app)
    browser.post("/account/news/read", data={"until": until})
    assert BANNER in browser.get("/models").text


def test_each_change_has_its_sentence(app: Flask, viewer: FlaskClient, admin: FlaskClient) -> None:
    with app.app_context():
        user, chief = User.by_email(EMAIL), User.by_email("admin@example.com")
        assert user and chief
        second_factor.remove(user, user_actor(chief))
        people.set_role(user.id, "editor", user_actor(chief))
    page = plain(signed_in(app).get("/account").text)
    assert "Your second factor was removed. new admin@example.com" in page
    assert "Your role was changed from viewer to editor. new admin@example.com" in page


def test_a_token_in_ones_name_is_told_to_nobody_else(
    app: Flask, admin: FlaskClient, viewer: FlaskClient
) -> None:
    made(admin, name="nightly")
    told = plain(signed_in(app, "admin@example.com").get("/account").text)
    assert "A token was made in your name: nightly. new you" in told
    assert BANNER not in signed_in(app).get("/models").text


def test_a_browser_that_was_not_seen_before_is_told(app: Flask, viewer: FlaskClient) -> None:
    for browser in (FIREFOX, FIREFOX.replace("140", "141")):
        assert BANNER not in signed_in(app, browser=browser).get("/models").text
    signed_in(app, browser=SAFARI)
    assert "not seen before: Safari on an iPhone, at 127.0.0.1" in plain(signed_in(app).get("/account").text)


def test_what_is_older_than_90_days_is_gone(app: Flask, viewer: FlaskClient) -> None:
    with app.app_context():
        user = User.by_email(EMAIL)
        assert user
        user.created = now() - timedelta(days=200)
        event = audit.record(COMMAND_LINE, "user.password_reset", subject=EMAIL)
        event.id = oldest_id(now() - timedelta(days=91))
        db.session.commit()
        assert db.session.query(AuditEvent).count() == 1
    assert "Your password was reset" not in signed_in(app).get("/account").text
