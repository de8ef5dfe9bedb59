"""Signing out at the provider, and being signed out by it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey

from app.store.base import new_id
from tests.web.pages.single_sign_on.provider import CLIENT_ID, EVENT, FakeProvider, query_of, sign_in
from tests.web.pages.single_sign_on.test_signing_in import actions, app, fake, is_in

__all__ = ["app", "fake"]
PLACE = "/signin/provider/sign-out"


def test_signing_out_leads_on_to_the_provider(client: FlaskClient, fake: FakeProvider) -> None:
    sign_in(client)
    answer = client.post("/signout")
    assert answer.headers["Location"] == "/signin/provider/leave" and not is_in(client)
    page = client.get("/signin/provider/leave").text
    url = page.partition('class="button primary" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert url.startswith(f"{fake.url}/oauth2/end_session?")
    assert page.count('http-equiv="refresh" content="0; url=') == 1, "nobody has to be quick, or to wait"
    asked = query_of(url)
    assert asked["client_id"] == CLIENT_ID and asked["post_logout_redirect_uri"] == "http://localhost/signin"


def test_a_provider_without_such_a_place(client: FlaskClient, fake: FakeProvider) -> None:
    fake.metadata = {"end_session_endpoint": None}
    sign_in(client)
    assert client.get("/signin/provider/leave").headers["Location"] == "/signin"


@pytest.mark.both_databases
def test_the_provider_ends_one_session(app: Flask, fake: FakeProvider) -> None:
    first, second = app.test_client(), app.test_client()
    for browser, sid in ((first, "s1"), (second, "s2")):
        fake.changes = {"sid": sid}
        sign_in(browser)
    answer = app.test_client().post(PLACE, data={"logout_token": fake.logout_token(sid="s1")})
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert not is_in(first) and is_in(second) and "user.signed_out_by_provider" in actions(app)


def test_the_provider_ends_all_of_a_person(app: Flask, fake: FakeProvider, admin: FlaskClient) -> None:
    first, second = app.test_client(), app.test_client()
    sign_in(first)
    sign_in(second)
    answer = app.test_client().post(PLACE, data={"logout_token": fake.logout_token()})
    assert answer.status_code == 200 and not is_in(first) and not is_in(second) and is_in(admin)


WRONG: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "another-client"},
    "another issuer": {"iss": "https://evil.example.com"},
    "no event": {"events": None},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "a nonce, as an ID token has": {"nonce": "n"},
    "old": {"iat": int(time.time()) - 3600},
    "expired": {"exp": int(time.time()) - 3600},
    "no id": {"jti": None},
    "nobody named": {"sub": None},
    "a subject that is no text": {"sub": 7},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_a_logout_token_that_does_not_hold(
    app: Flask, client: FlaskClient, fake: FakeProvider, changes: dict[str, Any]
) -> None:
    sign_in(client)
    answer = app.test_client().post(PLACE, data={"logout_token": fake.logout_token(**changes)})
    assert answer.status_code == 400 and is_in(client)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token(app: Flask, client: FlaskClient, token: str) -> None:
    sign_in(client)
    assert app.test_client().post(PLACE, data={"logout_token": token}).status_code == 400 and is_in(client)


def test_a_logout_token_of_a_foreign_key(app: Flask, client: FlaskClient, fake: FakeProvider) -> None:
    sign_in(client)
    fake.foreign_key = RSAKey.generate_key(2048)
    answer = app.test_client().post(PLACE, data={"logout_token": fake.logout_token()})
    assert answer.status_code == 400 and is_in(client)


def test_tokens_that_no_key_fits_do_not_have_the_keys_fetched_each_time(
    app: Flask, client: FlaskClient, fake: FakeProvider
) -> None:
    """Anybody may send such tokens, as many as they like; who signs in is not held up by them."""
    sign_in(client)
    fake.foreign_key = RSAKey.generate_key(2048)
    fetched = fake.fetches
    for _ in range(5):
        app.test_client().post(PLACE, data={"logout_token": fake.logout_token()})
    assert fake.fetches - fetched == 1
    fake.foreign_key = None
    assert app.test_client().post(PLACE, data={"logout_token": fake.logout_token()}).status_code == 200


def test_a_logout_token_as_keycloak_writes_it(app: Flask, client: FlaskClient, fake: FakeProvider) -> None:
    """Its header names the type, and it has claims of its own (Keycloak's LogoutToken; Logout 1.0, 2.4)."""
    fake.changes = {"sid": "6c7f0b9e-keycloak"}
    sign_in(client)
    fake.token_header = {"alg": "RS256", "typ": "logout+jwt"}
    own = {"typ": "Logout", "sid": "6c7f0b9e-keycloak", "events": {EVENT: {}, "revoke_offline_access": True}}
    answer = app.test_client().post(PLACE, data={"logout_token": fake.logout_token(**own)})
    assert answer.status_code == 200 and not is_in(client)


def test_a_subject_that_nobody_knows_changes_nothing(
    app: Flask, client: FlaskClient, fake: FakeProvider
) -> None:
    sign_in(client)
    token = fake.logout_token(sub=new_id())
    assert app.test_client().post(PLACE, data={"logout_token": token}).status_code == 200 and is_in(client)
