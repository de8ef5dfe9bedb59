"""People and roles, for administrators; one's own account, for all."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.accounts import User
from app.store.audit_events import AuditEvent
from app.store.base import db
from tests.conftest import PASSWORD
from tests.web.pages.conftest import error_at, plain
from tests.web.pages.test_tokens import made, shown

NEW = {"email": "New@Example.com", "role": "editor", "password": ""}
OTHER = "another good password"


def page_of(app: Flask, email: str) -> str:
    """The page of a person."""
    with app.app_context():
        user = User.by_email(email)
        assert user
        return f"/users/{user.id}"


def signs_in(app: Flask, email: str, password: str) -> bool:
    """Whether a new browser gets in with these."""
    answer = app.test_client().post("/signin", data={"email": email, "password": password})
    assert answer.status_code in (303, 401)
    return answer.status_code == 303


def actions(app: Flask) -> list[str]:
    """The actions of the audit log but signing in, the oldest first."""
    with app.app_context():
        query = db.select(AuditEvent.action).where(~AuditEvent.action.contains("sign"))
        return list(db.session.scalars(query.order_by(AuditEvent.id)))


def test_a_made_password_is_shown_once_and_works(app: Flask, admin: FlaskClient) -> None:
    page = admin.post("/users/new", data=NEW).headers["Location"]
    password = shown(admin.get(page).text)
    assert password and signs_in(app, "new@example.com", password)
    assert shown(admin.get(page).text) == "" and password not in admin.get("/users").text
    assert actions(app) == ["user.created"]


def test_a_typed_password_is_not_shown_at_all(app: Flask, admin: FlaskClient) -> None:
    page = admin.post("/users/new", data=NEW | {"password": OTHER}).headers["Location"]
    assert OTHER not in admin.get(page).text
    assert signs_in(app, "new@example.com", OTHER)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"email": ""}, "email", "Enter an email address."),
        ({"email": "nobody"}, "email", "is not an e-mail address"),
        ({"email": "ADMIN@example.com"}, "email", "There is a user admin@example.com already"),
        ({"password": "short"}, "password", "15 to 1,024 characters"),
        ({"role": "king"}, "role", "Not a valid choice"),
    ],
)
def test_who_can_not_be_added_is_said_at_the_field(
    app: Flask, admin: FlaskClient, changes: dict[str, str], field: str, words: str
) -> None:
    answer = admin.post("/users/new", data=NEW | changes)
    assert answer.status_code == 400
    wrong = plain(answer.text) if field == "role" else error_at(answer.text, field)
    assert words in wrong
    with app.app_context():
        assert len(list(db.session.scalars(db.select(User)))) == 1


def test_a_role_holds_from_the_next_click_on(app: Flask, admin: FlaskClient, viewer: FlaskClient) -> None:
    page = page_of(app, "viewer@example.com")
    assert admin.post(page + "/role", data={"role": "editor"}).status_code == 303
    assert viewer.get("/models/new").status_code == 200
    assert "viewer@example.com is editor now." in plain(admin.get(page).text)
    with app.app_context():
        event = db.session.scalars(db.select(AuditEvent)).one()
        assert event.detail == {"changes": {"role": ["viewer", "editor"]}}


def test_a_role_that_does_not_exist(app: Flask, admin: FlaskClient, viewer: FlaskClient) -> None:
    page = page_of(app, "viewer@example.com")
    admin.post(page + "/role", data={"role": "king"})
    assert "is none" in plain(admin.get(page).text) and actions(app) == []


def test_who_is_shut_out_is_out_at_once_and_can_be_let_in(
    app: Flask, admin: FlaskClient, viewer: FlaskClient
) -> None:
    page = page_of(app, "viewer@example.com")
    admin.post(page + "/active", data={"active": "no"})
    assert viewer.get("/models").status_code == 303
    assert not signs_in(app, "viewer@example.com", PASSWORD)
    admin.post(page + "/active", data={"active": "yes"})
    assert signs_in(app, "viewer@example.com", PASSWORD)
    assert actions(app) == ["user.deactivated", "user.activated"]


def test_another_password_ends_the_sessions(app: Flask, admin: FlaskClient, viewer: FlaskClient) -> None:
    page = page_of(app, "viewer@example.com")
    assert admin.post(page + "/password", data={"password": ""}).status_code == 303
    password = shown(admin.get(page).text)
    assert viewer.get("/models").status_code == 303
    assert signs_in(app, "viewer@example.com", password)
    assert not signs_in(app, "viewer@example.com", PASSWORD)
    assert actions(app) == ["user.password_reset"]


def test_a_password_that_is_too_short(app: Flask, admin: FlaskClient, viewer: FlaskClient) -> None:
    answer = admin.post(page_of(app, "viewer@example.com") + "/password", data={"password": "short"})
    assert answer.status_code == 400 and "15 to 1,024" in error_at(answer.text, "password")
    assert viewer.get("/models").status_code == 200


@pytest.mark.both_databases
def test_deleting_asks_first(app: Flask, admin: FlaskClient, viewer: FlaskClient) -> None:
    page = page_of(app, "viewer@example.com")
    assert "Delete viewer@example.com?" in admin.get(page + "/delete").text
    assert viewer.get("/models").status_code == 200
    assert admin.post(page + "/delete").status_code == 303
    assert viewer.get("/models").status_code == 303
    assert not signs_in(app, "viewer@example.com", PASSWORD)
    assert admin.get(page).status_code == 404 and actions(app) == ["user.deleted"]


@pytest.mark.both_databases
def test_tokens_that_end_with_a_person_are_named(app: Flask, admin: FlaskClient) -> None:
    made(admin)
    page = page_of(app, "admin@example.com")
    assert "1 valid; they do what this role allows" in plain(admin.get(page).text)
    assert "Their tokens end with them" in admin.get(page + "/delete").text


@pytest.mark.parametrize(
    ("path", "form"), [("role", {"role": "viewer"}), ("active", {"active": "no"}), ("delete", {})]
)
def test_nobody_locks_themselves_out(app: Flask, admin: FlaskClient, path: str, form: dict[str, str]) -> None:
    page = page_of(app, "admin@example.com")
    assert admin.post(f"{page}/{path}", data=form).status_code == 303
    assert "another administrator can" in plain(admin.get("/users").text)
    assert actions(app) == []


def test_on_the_own_page_nothing_of_that_is_offered(app: Flask, admin: FlaskClient) -> None:
    page = page_of(app, "admin@example.com")
    text = admin.get(page).text
    assert "This is you" in text and "Shut out" not in text and 'href="/account"' in text
    assert admin.post(page + "/password", data={"password": OTHER}).headers["Location"] == "/account"
    assert signs_in(app, "admin@example.com", PASSWORD)


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_people_are_for_administrators(
    app: Flask, admin: FlaskClient, request: pytest.FixtureRequest, role: str
) -> None:
    browser: FlaskClient = request.getfixturevalue(role)
    page = page_of(app, "admin@example.com")
    for path in ("/users", "/users/new", page, page + "/delete"):
        assert browser.get(path).status_code == 403
    for path in ("/users/new", page + "/role", page + "/active", page + "/password", page + "/delete"):
        assert browser.post(path, data=NEW).status_code == 403
    assert set(actions(app)) == {"access.refused"}


def test_a_form_of_another_site_changes_nobody(app: Flask, admin: FlaskClient, viewer: FlaskClient) -> None:
    page = page_of(app, "viewer@example.com")
    app.config["WTF_CSRF_ENABLED"] = True
    for path in ("/users/new", page + "/role", page + "/active", page + "/password", page + "/delete"):
        answer = admin.post(path, data=NEW | {"active": "no"})
        assert answer.status_code == 400 or answer.headers["Location"] == path, "the form again"
    account = {"old": PASSWORD, "new": OTHER, "again": OTHER}
    assert viewer.post("/account", data=account).status_code == 303, "the form again"
    assert actions(app) == []


ACCOUNT = {"old": PASSWORD, "new": OTHER, "again": OTHER}


def test_the_own_password_is_changed_and_other_browsers_are_out(app: Flask, viewer: FlaskClient) -> None:
    elsewhere = app.test_client()
    elsewhere.post("/signin", data={"email": "viewer@example.com", "password": PASSWORD})
    assert viewer.post("/account", data=ACCOUNT).status_code == 303
    assert "Your password is changed." in viewer.get("/account").text
    assert elsewhere.get("/models").status_code == 303
    assert signs_in(app, "viewer@example.com", OTHER)
    assert actions(app) == ["user.password_changed"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"old": "not the password"}, "old", "This is not your current password"),
        ({"old": ""}, "old", "Enter your current password."),
        ({"new": "short", "again": "short"}, "new", "15 to 1,024"),
        ({"again": OTHER + "!"}, "again", "The two passwords differ"),
    ],
)
def test_a_password_that_can_not_be_changed(
    app: Flask, viewer: FlaskClient, changes: dict[str, str], field: str, words: str
) -> None:
    answer = viewer.post("/account", data=ACCOUNT | changes)
    assert answer.status_code == 400 and words in error_at(answer.text, field)
    assert OTHER not in answer.text and signs_in(app, "viewer@example.com", PASSWORD)


def test_the_account_needs_somebody_signed_in(client: FlaskClient) -> None:
    assert client.get("/account").headers["Location"] == "/signin?next=%2Faccount"
    assert client.post("/account", data=ACCOUNT).status_code == 303


def sessions_on(page: str) -> list[str]:
    """Where the buttons of a page lead that end a session, that for all included."""
    return re.findall(r'action="([^"]*/sessions/[^"]*/end)"', page)


def test_the_account_lists_ones_browsers_and_ends_them(app: Flask, viewer: FlaskClient) -> None:
    elsewhere = app.test_client(use_cookies=True)
    firefox = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    form = {"email": "viewer@example.com", "password": PASSWORD}
    elsewhere.post("/signin", data=form, headers=firefox)
    page = viewer.get("/account").text
    assert "Firefox on Linux" in page and plain(page).count("this one") == 1
    newest, _, everything = sessions_on(page)
    assert viewer.post(newest).status_code == 303
    assert elsewhere.get("/account").status_code == 303
    elsewhere.post("/signin", data=form, headers=firefox)
    assert viewer.post(everything).status_code == 303
    assert elsewhere.get("/account").status_code == 303 and viewer.get("/account").status_code == 200
    assert actions(app) == ["user.session_ended", "user.session_ended"]


def test_an_administrator_ends_somebodys_sessions(
    app: Flask, admin: FlaskClient, viewer: FlaskClient
) -> None:
    one, everything = sessions_on(admin.get(page_of(app, "viewer@example.com")).text)
    assert "/all/" in everything
    assert admin.post(one).status_code == 303
    assert viewer.get("/account").status_code == 303 and admin.get("/account").status_code == 200


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_nobody_else_ends_the_sessions_of_others(
    app: Flask, admin: FlaskClient, request: pytest.FixtureRequest, role: str
) -> None:
    browser: FlaskClient = request.getfixturevalue(role)
    (one, *_) = sessions_on(admin.get("/account").text)
    assert browser.post(one).status_code == 303  # the route of one's own sessions: it finds nothing there
    assert browser.post(page_of(app, "admin@example.com") + "/sessions/all/end").status_code == 403
    assert admin.get("/account").status_code == 200 and actions(app) == ["access.refused"]


def test_a_common_password_is_refused_at_its_field(
    app: Flask, admin: FlaskClient, viewer: FlaskClient
) -> None:
    common = "passwordpassword"
    new = admin.post("/users/new", data=NEW | {"password": common})
    theirs = admin.post(page_of(app, "viewer@example.com") + "/password", data={"password": common})
    own = viewer.post("/account", data={"old": PASSWORD, "new": common, "again": common})
    for answer, field in ((new, "password"), (theirs, "password"), (own, "new")):
        assert answer.status_code == 400 and "tried first" in error_at(answer.text, field)
