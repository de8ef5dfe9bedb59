"""The second factor: set up with an app's first code, asked for at each sign-in, each code once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.access import people
from app.access.actors import COMMAND_LINE
from app.store.accounts import User
from app.store.audit_events import AuditEvent
from app.store.base import db
from tests.conftest import PASSWORD
from tests.web.pages.conftest import error_at, plain
from tests.web.pages.test_users import page_of

PAGE = "/account/second-factor"


def secret_on(page: str) -> str:
    """The key that a page shows for typing."""
    found = re.search(r"Key: <code>([A-Z2-7]+)</code>", page)
    assert found
    return found[1]


def code_of(secret: str, steps: int = 0) -> str:
    """What an app shows, so many steps of half a minute from now."""
    return pyotp.TOTP(secret).at(int(time.time()), counter_offset=steps)


def set_up(browser: FlaskClient) -> tuple[str, list[str]]:
    """Set it up; the secret of the app, and the recovery codes."""
    secret = secret_on(browser.get(PAGE).text)
    for _ in range(2):  # the step before this one: once more where the next begins at just this moment
        answer = browser.post(PAGE, data={"code": code_of(secret, -1), "password": PASSWORD})
        if answer.status_code == 303:
            break
    assert answer.status_code == 303
    return secret, re.findall(r"<li><code>([a-z2-7-]+)</code>", browser.get(PAGE).text)


def second_step(app: Flask, email: str = "viewer@example.com") -> FlaskClient:
    """A browser that has sent the password."""
    browser = app.test_client()
    answer = browser.post("/signin", data={"email": email, "password": PASSWORD})
    assert answer.headers["Location"].startswith("/signin/code")
    return browser


def is_in(browser: FlaskClient) -> bool:
    """Whether the browser is signed in."""
    return browser.get("/account").status_code == 200


def test_it_is_asked_for_at_the_next_sign_in(app: Flask, viewer: FlaskClient) -> None:
    secret, _ = set_up(viewer)
    browser = second_step(app)
    assert not is_in(browser) and browser.get("/signin/code").status_code == 200
    assert browser.post("/signin/code", data={"code": code_of(secret)}).headers["Location"] == "/now"
    assert is_in(browser) and is_in(viewer)


def test_a_wrong_code_opens_nothing_and_is_on_record(app: Flask, viewer: FlaskClient) -> None:
    set_up(viewer)
    browser = second_step(app)
    for wrong in ("000000", "not a code", "aaaa-aaaa-aaaa-aaaa", "１２３４５６"):
        answer = browser.post("/signin/code", data={"code": wrong})
        assert answer.status_code == 401 and "does not fit" in error_at(answer.text, "code")
    assert not is_in(browser)
    with app.app_context():
        actions = list(db.session.scalars(select(AuditEvent.action)))
    assert actions.count("user.signin_failed") == 4 and "user.signed_in" not in actions


@pytest.mark.both_databases
def test_a_code_is_taken_once(app: Flask, viewer: FlaskClient) -> None:
    secret, _ = set_up(viewer)
    code = code_of(secret)
    assert second_step(app).post("/signin/code", data={"code": code}).status_code == 303
    assert second_step(app).post("/signin/code", data={"code": code}).status_code == 401


@pytest.mark.parametrize(("steps", "status"), [(1, 303), (3, 401), (-3, 401)])
def test_a_clock_may_be_a_little_off(app: Flask, viewer: FlaskClient, steps: int, status: int) -> None:
    secret, _ = set_up(viewer)
    answer = second_step(app).post("/signin/code", data={"code": code_of(secret, steps)})
    assert answer.status_code == status


@pytest.mark.both_databases
def test_a_recovery_code_lets_in_once(app: Flask, viewer: FlaskClient) -> None:
    _, codes = set_up(viewer)
    assert len(set(codes)) == 10 and not re.findall("<li><code>", viewer.get(PAGE).text)
    statuses = [second_step(app).post("/signin/code", data={"code": codes[3]}).status_code for _ in range(2)]
    assert statuses == [303, 401]
    assert second_step(app).post("/signin/code", data={"code": codes[4].upper()}).status_code == 303


def test_nothing_of_it_is_stored_in_clear(app: Flask, viewer: FlaskClient) -> None:
    secret, codes = set_up(viewer)
    with app.app_context(), db.engine.connect() as connection:
        for table in ("users", "recovery_codes", "audit_events", "shown_once"):
            stored = repr(connection.execute(db.text(f"SELECT * FROM {table}")).all())
            assert secret not in stored and not any(code in stored for code in codes)


def test_the_second_step_needs_the_first(client: FlaskClient) -> None:
    for answer in (client.get("/signin/code"), client.post("/signin/code", data={"code": "123456"})):
        assert answer.headers["Location"] == "/signin"


def test_a_new_password_between_the_steps_ends_the_first(app: Flask, viewer: FlaskClient) -> None:
    secret, _ = set_up(viewer)
    browser = second_step(app)
    with app.app_context():
        user = User.by_email("viewer@example.com")
        assert user is not None
        people.set_password(user, "another good password", COMMAND_LINE)
    assert browser.post("/signin/code", data={"code": code_of(secret)}).headers["Location"] == "/signin"
    assert not is_in(browser)


def test_codes_can_not_be_guessed_without_end(
    app_with: Callable[..., Flask], app: Flask, viewer: FlaskClient
) -> None:
    set_up(viewer)
    limited = app_with(signin_limit=0, signin_failures=3)
    browser = second_step(limited)
    statuses = [browser.post("/signin/code", data={"code": "000000"}).status_code for _ in range(4)]
    assert statuses == [401, 401, 429, 429]  # the password was the first attempt


def test_setting_it_up_ends_the_other_sessions(app: Flask, viewer: FlaskClient) -> None:
    elsewhere = app.test_client()
    elsewhere.post("/signin", data={"email": "viewer@example.com", "password": PASSWORD})
    assert is_in(elsewhere)
    set_up(viewer)
    assert is_in(viewer) and not is_in(elsewhere)


@pytest.mark.parametrize(
    ("changes", "field"), [({"code": "000000"}, "code"), ({"password": "wrong password"}, "password")]
)
def test_what_does_not_set_it_up(
    app: Flask, viewer: FlaskClient, changes: dict[str, str], field: str
) -> None:
    secret = secret_on(viewer.get(PAGE).text)
    answer = viewer.post(PAGE, data={"code": code_of(secret), "password": PASSWORD} | changes)
    assert answer.status_code == 400 and error_at(answer.text, field)
    assert secret_on(answer.text) == secret
    assert (
        app.test_client()
        .post("/signin", data={"email": "viewer@example.com", "password": PASSWORD})
        .headers["Location"]
        == "/now"
    )


def test_it_is_removed_with_the_password(app: Flask, viewer: FlaskClient) -> None:
    set_up(viewer)
    assert viewer.post(PAGE + "/remove", data={"password": "wrong password"}).status_code == 400
    assert viewer.post(PAGE + "/remove", data={"password": PASSWORD}).status_code == 303
    form = {"email": "viewer@example.com", "password": PASSWORD}
    assert app.test_client().post("/signin", data=form).headers["Location"] == "/now"


def test_an_administrator_removes_what_was_lost(app: Flask, admin: FlaskClient, viewer: FlaskClient) -> None:
    set_up(viewer)
    page = page_of(app, "viewer@example.com")
    assert "Remove the second factor" in admin.get(page).text
    assert viewer.post(page + "/second-factor/remove").status_code == 403
    assert admin.post(page + "/second-factor/remove").status_code == 303
    form = {"email": "viewer@example.com", "password": PASSWORD}
    assert app.test_client().post("/signin", data=form).headers["Location"] == "/now"


def test_an_open_browser_of_an_administrator_does_not_remove_their_own(
    app: Flask, admin: FlaskClient
) -> None:
    set_up(admin)
    answer = admin.post(page_of(app, "admin@example.com") + "/second-factor/remove")
    assert answer.headers["Location"] == PAGE
    second_step(app, "admin@example.com")


def test_a_role_that_needs_one_gets_no_further_without(
    app_with: Callable[..., Flask], app: Flask, viewer: FlaskClient, admin: FlaskClient
) -> None:
    strict = app_with(totp_roles=("admin",))
    theirs, others = strict.test_client(), strict.test_client()
    theirs.post("/signin", data={"email": "admin@example.com", "password": PASSWORD})
    others.post("/signin", data={"email": "viewer@example.com", "password": PASSWORD})
    assert others.get("/models").status_code == 200
    for path in ("/models", "/users", "/account"):
        assert theirs.get(path).headers["Location"] == PAGE
    assert "Your role needs a second factor" in plain(theirs.get(PAGE).text)
    set_up(theirs)
    assert theirs.get("/users").status_code == 200
