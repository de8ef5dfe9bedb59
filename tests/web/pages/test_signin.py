"""Signing in and out, and where it leads."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web.pages.signin import is_local
from tests.conftest import PASSWORD

GOOD = {"email": "viewer@example.com", "password": PASSWORD}


@pytest.fixture
def stranger(app: Flask, viewer: FlaskClient) -> FlaskClient:
    """A browser without a session; the user viewer@example.com exists."""
    return app.test_client()


def test_the_right_password_opens_the_list(stranger: FlaskClient) -> None:
    answer = stranger.post("/signin", data=GOOD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/now")
    assert stranger.get("/models").status_code == 200


@pytest.mark.parametrize(
    "change", [{"password": "not the password"}, {"email": "nobody@example.com"}], ids=["password", "email"]
)
def test_a_wrong_one_says_the_same_and_opens_nothing(stranger: FlaskClient, change: dict[str, str]) -> None:
    answer = stranger.post("/signin", data=GOOD | change)
    assert answer.status_code == 401
    assert "Wrong email or password" in answer.text
    assert (GOOD | change)["password"] not in answer.text
    assert stranger.get("/models").status_code == 303


def test_after_a_wrong_password_it_is_typed_anew_at_once(stranger: FlaskClient) -> None:
    page = stranger.post("/signin", data=GOOD | {"password": "not the password"}).text
    (focused,) = re.findall(r"<[^>]*\bautofocus\b[^>]*>", page)
    assert 'id="password"' in focused and 'aria-describedby="problem"' in focused
    assert GOOD["email"] in page, "the email stays"


@pytest.mark.parametrize("field", ["email", "password"])
def test_an_empty_field_is_named(stranger: FlaskClient, field: str) -> None:
    answer = stranger.post("/signin", data=GOOD | {field: ""})
    assert answer.status_code == 400
    assert f'id="{field}-error"' in answer.text and f'aria-describedby="{field}-error"' in answer.text


def test_a_page_that_needs_a_session_leads_back_to_itself(stranger: FlaskClient) -> None:
    answer = stranger.get("/models?q=llama")
    assert answer.status_code == 303
    signin = answer.headers["Location"]
    assert signin.startswith("/signin?next=")
    assert stranger.post(signin, data=GOOD).headers["Location"] == "/models?q=llama"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
        "models",
    ],
)
def test_next_never_leads_to_another_site(stranger: FlaskClient, target: str) -> None:
    answer = stranger.post("/signin", query_string={"next": target}, data=GOOD)
    assert answer.headers["Location"] == "/now"


def test_next_may_be_any_page_of_this_site() -> None:
    assert is_local("/models/1?done=registered#live")


def test_who_is_signed_in_goes_straight_on(viewer: FlaskClient) -> None:
    assert viewer.get("/signin").headers["Location"] == "/now"


def test_signing_out_ends_the_session(viewer: FlaskClient) -> None:
    assert viewer.post("/signout").status_code == 303
    assert viewer.get("/models").status_code == 303


def test_signing_out_needs_a_form_of_this_site(app: Flask, viewer: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = viewer.post("/signout")
    assert answer.status_code == 400 and "Your session has changed" in answer.text
    assert viewer.get("/models").status_code == 200


def test_the_root_leads_to_the_models(viewer: FlaskClient) -> None:
    assert viewer.get("/").headers["Location"] == "/now"
