"""Tokens, people, the audit log, settings, the error reference, the catalogue."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import ROOT, Settings
from app.models import AuditEvent, RegisteredModel, Token, User, db
from app.pages import frame, reference
from app.pages.about import setting_rows
from app.probe.diagnosis import CODES
from tests.conftest import PASSWORD
from tests.pages.conftest import KEY, Form, models, plain, register


def shown_once(page: str) -> str:
    """The secret that a page shows in its notice."""
    found = re.search(r'id="problem".*?<code>([^<]*)</code>', page, re.S)
    assert found
    return found[1]


def test_a_token_is_shown_once_and_works(app: Flask, editor: FlaskClient) -> None:
    text = shown_once(editor.post("/tokens", data={"name": "CI", "scopes": ["read"]}).text)
    got = app.test_client().get("/v2/models", headers={"Authorization": f"Bearer {text}"})
    assert got.status_code == 200
    page = editor.get("/tokens").text
    assert text not in page and text[:10] in page and "CI" in page


def test_a_revoked_token_ends_at_once(app: Flask, editor: FlaskClient) -> None:
    text = shown_once(editor.post("/tokens", data={"name": "CI", "scopes": ["read"]}).text)
    with app.app_context():
        id = db.session.scalars(db.select(Token.id)).one()
    assert editor.post(f"/tokens/{id}/revoke").status_code == 303
    got = app.test_client().get("/v2/models", headers={"Authorization": f"Bearer {text}"})
    assert got.status_code == 401
    assert "Revoked" in editor.get("/tokens").text


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": "CI", "scopes": ["admin"]}, "more than you may do yourself"),
        ({"name": "CI", "scopes": ["credentials"]}, "more than you may do yourself"),
        ({"name": "", "scopes": ["read"]}, "name"),
        ({"name": "CI"}, "none was given"),
    ],
)
def test_a_token_that_can_not_be_made_says_why(
    app: Flask, editor: FlaskClient, form: dict[str, str | list[str]], words: str
) -> None:
    answer = editor.post("/tokens", data=form)
    assert answer.status_code == 400 and words in plain(answer.text)
    with app.app_context():
        assert db.session.scalars(db.select(Token)).all() == []


def test_an_editor_sees_and_revokes_only_the_own_tokens(
    app: Flask, editor: FlaskClient, admin: FlaskClient
) -> None:
    admin.post("/tokens", data={"name": "theirs", "scopes": ["admin"]})
    with app.app_context():
        id = db.session.scalars(db.select(Token.id)).one()
    assert "theirs" not in editor.get("/tokens").text
    assert editor.post(f"/tokens/{id}/revoke").status_code == 404


def test_a_new_person_signs_in_with_the_password_shown(app: Flask, admin: FlaskClient) -> None:
    page = admin.post("/users", data={"email": "New@Example.com", "role": "viewer"}).text
    login = {"email": "new@example.com", "password": shown_once(page)}
    assert app.test_client().post("/signin", data=login).status_code == 303


@pytest.mark.parametrize(
    "form", [{"email": "no address", "role": "viewer"}, {"email": "a@b.c", "role": "king"}]
)
def test_a_person_that_can_not_be_added(app: Flask, admin: FlaskClient, form: dict[str, str]) -> None:
    assert admin.post("/users", data=form).status_code == 400
    with app.app_context():
        assert len(db.session.scalars(db.select(User)).all()) == 1


def id_of(app: Flask, email: str) -> str:
    """The id of a person."""
    with app.app_context():
        user = User.by_email(email)
        assert user
        return user.id


def test_a_role_is_changed_and_holds_at_once(app: Flask, admin: FlaskClient, viewer: FlaskClient) -> None:
    admin.post(f"/users/{id_of(app, 'viewer@example.com')}/role", data={"role": "editor"})
    assert viewer.get("/models/new").status_code == 200


def test_who_is_shut_out_is_out_at_once(app: Flask, admin: FlaskClient, viewer: FlaskClient) -> None:
    admin.post(f"/users/{id_of(app, 'viewer@example.com')}/active", data={"active": "no"})
    assert viewer.get("/models").status_code == 303


@pytest.mark.parametrize(("path", "form"), [("role", {"role": "viewer"}), ("active", {"active": "no"})])
def test_the_last_administrator_stays(
    app: Flask, admin: FlaskClient, path: str, form: dict[str, str]
) -> None:
    answer = admin.post(f"/users/{id_of(app, 'admin@example.com')}/{path}", data=form)
    assert answer.status_code == 409 and "last administrator" in answer.text
    assert admin.get("/users").status_code == 200


def test_a_reset_password_replaces_the_old_one(app: Flask, admin: FlaskClient, viewer: FlaskClient) -> None:
    page = admin.post(f"/users/{id_of(app, 'viewer@example.com')}/password").text
    assert viewer.get("/models").status_code == 303
    for password, status in ((PASSWORD, 401), (shown_once(page), 303)):
        login = {"email": "viewer@example.com", "password": password}
        assert app.test_client().post("/signin", data=login).status_code == status


def test_the_own_password_is_changed(app: Flask, viewer: FlaskClient) -> None:
    answer = viewer.post("/account", data={"old": PASSWORD, "new": "another good password"})
    assert answer.status_code == 303 and viewer.get("/models").status_code == 200
    login = {"email": "viewer@example.com", "password": "another good password"}
    assert app.test_client().post("/signin", data=login).status_code == 303


@pytest.mark.parametrize(
    "form", [{"old": "wrong", "new": "another good password"}, {"old": PASSWORD, "new": "short"}]
)
def test_a_password_that_can_not_be_changed(app: Flask, viewer: FlaskClient, form: dict[str, str]) -> None:
    answer = viewer.post("/account", data=form)
    assert answer.status_code == 400 and 'aria-invalid="true"' in answer.text
    login = {"email": "viewer@example.com", "password": PASSWORD}
    assert app.test_client().post("/signin", data=login).status_code == 303


def test_the_audit_log_tells_who_did_what(editor: FlaskClient, viewer: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    editor.post(url + "/switch", data={"enabled": "no"})
    text = plain(viewer.get("/audit").text.partition("<tbody")[2])
    assert "editor@example.com Disabled a model Practice chat" in text and "Registered a model" in text
    assert KEY not in viewer.get("/audit").text


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("actor=editor", True),
        ("actor=nobody", False),
        ("action=model.registered", True),
        ("action=token.created", False),
    ],
)
def test_the_audit_log_is_filtered(editor: FlaskClient, good: Form, query: str, kept: bool) -> None:
    register(editor, good)
    assert ("Practice chat" in editor.get(f"/audit?{query}").text) is kept


def test_the_audit_log_goes_back_page_by_page(app: Flask, viewer: FlaskClient) -> None:
    with app.app_context():
        for number in range(101):
            db.session.add(
                AuditEvent(actor="cli:muster", action="token.created", subject=f"token {number:03}")
            )
            db.session.flush()
        db.session.commit()
    page = viewer.get("/audit").text
    assert "token 100" in page and "token 000" not in page
    link = re.search(r'rel="next" href="([^"]*)"', page)
    assert link and "token 000" in viewer.get(link[1].replace("&amp;", "&")).text


def test_settings_show_no_secret(app: Flask, admin: FlaskClient) -> None:
    secret = "a-very-secret-key-of-many-letters-000"
    rows = {row.variable: row for row in setting_rows(Settings(secret_key=secret, port=9000))}
    assert (rows["MUSTER_SECRET_KEY"].value, rows["MUSTER_PORT"].value) == ("set (not shown)", "9000")
    assert not rows["MUSTER_PORT"].is_default
    assert "MUSTER_PORT" in admin.get("/about").text


def test_settings_are_for_administrators(viewer: FlaskClient) -> None:
    page = viewer.get("/about").text
    assert "MUSTER_PORT" not in page and "SQLAlchemy" in page


def test_every_code_of_the_program_is_explained(app: Flask) -> None:
    page = app.test_client().get("/errors").text
    for code in codes_raised() | set(CODES) | {"idempotency_key_reused"}:
        assert f'id="{code}"' in page, code


def codes_raised() -> set[str]:
    """The first argument of every ApiError in the program."""
    found = set()
    for path in Path(ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ApiError" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(str(first.value))
    assert len(found) > 5
    return found


def test_an_error_links_to_its_explanation(app: Flask) -> None:
    error = app.test_client().get("/v2/models").json
    assert error is not None
    path = error["error"]["doc_url"]
    assert path.endswith("/errors#authentication_required")
    assert "authentication_required" in reference.API


def test_the_catalogue_shows_what_is_enabled_only(app: Flask, editor: FlaskClient, good: Form) -> None:
    url = register(editor, good)
    assert "muster@openailike/practice-chat" in editor.get("/catalogue").text
    editor.post(url + "/switch", data={"enabled": "no"})
    assert "practice-chat" not in editor.get("/catalogue").text


@pytest.mark.parametrize(("public", "status"), [(False, 303), (True, 200)])
def test_the_catalogue_is_open_only_where_the_setting_says_so(app: Flask, public: bool, status: int) -> None:
    app.config["MUSTER"] = replace(app.config["MUSTER"], public_catalogue=public)
    with app.app_context():
        db.session.add(
            RegisteredModel(
                model_id="m",
                display_name="M",
                model_type="chat",
                base_url="http://inner.host/v1",
                region="eu",
            )
        )
        db.session.commit()
    answer = app.test_client().get("/catalogue")
    assert answer.status_code == status
    assert "inner.host" not in answer.text and "/models/" not in answer.text.partition("<main")[2]


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_the_navigation_leads_only_where_one_may_go(
    app: Flask, request: pytest.FixtureRequest, role: str
) -> None:
    browser: FlaskClient = request.getfixturevalue(role)
    page = browser.get("/models").text
    offered = re.findall(r'<li><a href="([^"]*)"', page.partition("</nav>")[0])
    assert [browser.get(path).status_code for path in offered] == [200] * len(offered)
    refused = {"viewer": 2, "editor": 1, "admin": 0}[role]
    assert len(offered) == len(frame.NAVIGATION) - refused
    assert models(app) == []
