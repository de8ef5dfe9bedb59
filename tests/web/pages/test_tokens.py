"""Tokens: made, shown once, revoked; for administrators."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.accounts import ShownOnce, Token
from app.store.audit_events import AuditEvent
from app.store.base import db, now
from tests.web.pages.conftest import error_at, plain

GOOD: dict[str, str | list[str]] = {"name": "ci", "scopes": ["read"]}


def shown(page: str) -> str:
    """The secret that a page shows in its notice, "" where there is none."""
    found = re.search(r'id="shown".*?<code>([^<]*)</code>', page, re.S)
    return found[1] if found else ""


def made(browser: FlaskClient, **changes: str | list[str]) -> tuple[str, str]:
    """Make a token; its page and its text."""
    answer = browser.post("/tokens/new", data=GOOD | changes)
    assert answer.status_code == 303
    page = answer.headers["Location"]
    return page, shown(browser.get(page).text)


def calls(app: Flask, text: str) -> int:
    """The status that a program gets with this token."""
    return app.test_client().get("/v2/models", headers={"Authorization": f"Bearer {text}"}).status_code


def tokens(app: Flask) -> list[Token]:
    """Every token."""
    with app.app_context():
        return list(db.session.scalars(db.select(Token)))


def test_a_token_works_and_is_shown_on_one_page_only(app: Flask, admin: FlaskClient) -> None:
    page, text = made(admin)
    assert text.startswith("mst_") and calls(app, text) == 200
    for later in (page, "/tokens"):
        answer = admin.get(later).text
        assert text not in answer and text[:10] in answer


def test_the_text_waits_sealed_and_no_copy_of_the_cookie_shows_it_again(
    app: Flask, admin: FlaskClient
) -> None:
    page = admin.post("/tokens/new", data=GOOD).headers["Location"]
    cookie = admin.get_cookie("muster")
    assert cookie is not None
    with admin.session_transaction() as session:
        kept = dict(session)
    with app.app_context():
        waiting = db.session.scalars(db.select(ShownOnce.ciphertext)).one()
    text = shown(admin.get(page).text)
    assert text and text not in repr(kept) and text.encode() not in waiting
    admin.set_cookie("muster", cookie.value)
    assert shown(admin.get(page).text) == ""
    with app.app_context():
        assert db.session.scalars(db.select(ShownOnce)).all() == []


def test_another_page_does_not_show_it(admin: FlaskClient) -> None:
    first, _ = made(admin)
    second = admin.post("/tokens/new", data=GOOD | {"name": "other"}).headers["Location"]
    assert shown(admin.get(first).text) == ""
    assert shown(admin.get(second).text).startswith("mst_")


def test_who_made_it_and_what_it_may_is_kept(app: Flask, admin: FlaskClient) -> None:
    made(admin, scopes=["credentials", "read"])
    token = tokens(app)[0]
    assert (token.scopes, token.created_by) == (["credentials", "read"], "user:admin@example.com")
    with app.app_context():
        event = db.session.scalars(db.select(AuditEvent)).one()
        assert (event.action, event.actor, event.subject) == ("token.created", token.created_by, "ci")


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": ""}, "name", "Give the token a name."),
        ({"name": "x" * 129}, "name", "128"),
        ({"name": "a\u0007b"}, "name", "control or invisible characters"),
        ({"scopes": []}, "scopes", "Choose at least one scope."),
        ({"scopes": ["root"]}, "scopes", "root"),
    ],
)
def test_what_can_not_be_made_is_said_at_its_field(
    app: Flask, admin: FlaskClient, changes: dict[str, str | list[str]], field: str, words: str
) -> None:
    answer = admin.post("/tokens/new", data=GOOD | changes)
    assert answer.status_code == 400 and tokens(app) == []
    if field == "name":
        assert words in error_at(answer.text, "name")
    else:
        assert 'aria-describedby="scopes-error"' in answer.text and words in plain(answer.text)


def test_every_scope_is_offered_with_what_it_does(admin: FlaskClient) -> None:
    page = admin.get("/tokens/new").text
    for scope in ("read", "write", "admin", "credentials"):
        assert f'aria-describedby="scopes-{scope}-help"' in page
    assert re.findall(r'value="(\w+)"[^>]* checked', page) == ["read"]
    assert "stored API keys in clear" in page


def test_revoking_asks_first_and_then_ends_it_at_once(app: Flask, admin: FlaskClient) -> None:
    page, text = made(admin)
    asked = admin.get(page + "/revoke").text
    assert "Revoke “ci”?" in asked and calls(app, text) == 200
    assert admin.post(page + "/revoke").status_code == 303
    assert calls(app, text) == 401
    listed = plain(admin.get("/tokens").text)
    assert "Revoked" in listed and "No program can use it any more" in listed
    assert f"{page}/revoke" not in admin.get("/tokens").text


def test_revoking_twice_is_recorded_once(app: Flask, admin: FlaskClient) -> None:
    page, _ = made(admin)
    for _ in range(2):
        assert admin.post(page + "/revoke").status_code == 303
    with app.app_context():
        actions = list(db.session.scalars(db.select(AuditEvent.action).order_by(AuditEvent.id)))
    assert actions == ["token.created", "token.revoked"]


def test_the_last_use_is_shown(app: Flask, admin: FlaskClient) -> None:
    page, text = made(admin)
    assert "never" in plain(admin.get(page).text)
    calls(app, text)
    assert "just now" in plain(admin.get("/tokens").text.partition('data-label="Last used"')[2][:200])


def test_a_name_is_never_markup(admin: FlaskClient) -> None:
    made(admin, name="<script>alert(1)</script>")
    assert "<script>alert" not in admin.get("/tokens").text


def test_a_token_that_is_not_there(admin: FlaskClient) -> None:
    for path in ("/tokens/nothing", "/tokens/nothing/revoke"):
        assert admin.get(path).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_others_get_a_page_that_says_what_they_lack(
    app: Flask, admin: FlaskClient, request: pytest.FixtureRequest, role: str
) -> None:
    page, text = made(admin)
    browser: FlaskClient = request.getfixturevalue(role)
    for answer in (
        browser.get("/tokens"),
        browser.get("/tokens/new"),
        browser.post("/tokens/new", data=GOOD),
        browser.get(page),
        browser.post(page + "/revoke"),
    ):
        assert answer.status_code == 403 and "This needs the role admin" in answer.text
    assert len(tokens(app)) == 1 and calls(app, text) == 200


def test_a_form_of_another_site_makes_nothing(app: Flask, admin: FlaskClient) -> None:
    page, text = made(admin)
    app.config["WTF_CSRF_ENABLED"] = True
    for path in ("/tokens/new", page + "/revoke"):
        assert admin.post(path, data=GOOD).headers["Location"] == path, "the form again"
    assert len(tokens(app)) == 1 and calls(app, text) == 200


def test_a_token_ends_when_it_was_chosen_to(app: Flask, admin: FlaskClient) -> None:
    made(admin, name="a month", expires="30d")
    made(admin, name="for good", expires="")
    ends = {token.name: token.expires for token in tokens(app)}
    assert ends["for good"] is None and ends["a month"] is not None
    assert abs(ends["a month"] - now() - timedelta(days=30)) < timedelta(minutes=1)
    assert admin.post("/tokens/new", data=GOOD | {"expires": "9d"}).status_code == 400


def test_a_token_that_has_ended_says_so(app: Flask, admin: FlaskClient) -> None:
    page, text = made(admin)
    with app.app_context():
        token = db.session.get(Token, page.rpartition("/")[2])
        assert token is not None
        token.expires = token.created
        db.session.commit()
    assert calls(app, text) == 401
    for listed in (page, "/tokens"):
        assert "Expired" in plain(admin.get(listed).text)
