"""Signing in through a provider: each test changes one thing of a provider that lets SUBJECT in."""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from sqlalchemy import select

from app.access import people
from app.access.actors import COMMAND_LINE
from app.access.tokens import create_token
from app.store.accounts import User
from app.store.audit_events import AuditEvent
from app.store.base import db
from tests.conftest import PASSWORD
from tests.web.pages.conftest import plain
from tests.web.pages.single_sign_on.provider import (
    CLIENT_ID,
    GOOD,
    SECRET,
    SUBJECT,
    FakeProvider,
    begin,
    consent,
    provider,
    query_of,
    sign_in,
)


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    """A provider that knows SUBJECT as ada@example.com of the group ops."""
    with provider() as there:
        yield there


@pytest.fixture
def app(app_with: Callable[..., Flask], fake: FakeProvider) -> Flask:
    """A Muster whose people sign in there."""
    return app_with(**fake.settings())


def is_in(browser: FlaskClient) -> bool:
    """Whether the browser is signed in."""
    return browser.get("/account").status_code == 200


def refusal(browser: FlaskClient) -> str:
    """Why a sign-in fails, as the sign-in page says."""
    answer = sign_in(browser)
    assert answer.headers["Location"] == "/signin" and not is_in(browser)
    return plain(browser.get("/signin").text)


def people_there(app: Flask) -> list[tuple[str, str, str | None]]:
    """Address, role and subject of everybody."""
    with app.app_context():
        return [(user.email, user.role, user.subject) for user in people.everybody()]


def actions(app: Flask) -> list[str]:
    """What the audit log has, oldest first."""
    with app.app_context():
        return list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


@pytest.mark.both_databases
def test_the_first_visit_makes_an_account(app: Flask, client: FlaskClient) -> None:
    assert sign_in(client, "/catalogue").headers["Location"] == "/catalogue"
    assert is_in(client) and people_there(app) == [("ada@example.com", "editor", SUBJECT)]
    assert actions(app) == ["user.created", "user.signed_in"]
    assert sign_in(app.test_client()).headers["Location"] == "/now"
    assert len(people_there(app)) == 1


def test_what_is_asked_of_the_provider(client: FlaskClient, fake: FakeProvider) -> None:
    asked = query_of(url := begin(client))
    assert asked["response_type"] == "code" and asked["client_id"] == CLIENT_ID
    assert (
        asked["code_challenge_method"] == "S256" and len(asked["state"]) >= 20 and len(asked["nonce"]) >= 20
    )
    assert asked["redirect_uri"] == "http://localhost/signin/provider/callback"
    assert set(asked["scope"].split()) == {"openid", "email", "profile"}
    client.get(consent(url))
    digest = hashlib.sha256(fake.asked[0]["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]


def test_state_nonce_and_verifier_are_new_each_time(client: FlaskClient) -> None:
    first, second = query_of(begin(client)), query_of(begin(client))
    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "of-somebody-else"},
        {"state": ""},
        {"code": ""},
        {"code": "no-such-code"},
        {"iss": "https://evil.example.com"},
        {"error": "access_denied"},
    ],
    ids=str,
)
def test_a_way_back_that_does_not_fit(client: FlaskClient, changes: dict[str, str]) -> None:
    back = consent(begin(client))
    answer = client.get("/signin/provider/callback?" + urlencode(query_of(back) | changes))
    assert answer.headers["Location"] == "/signin" and not is_in(client)


def test_the_way_back_is_for_the_browser_that_began(app: Flask, client: FlaskClient) -> None:
    back, other = consent(begin(client)), app.test_client()
    assert other.get(back).headers["Location"] == "/signin" and not is_in(other)


def test_the_way_back_is_gone_once(client: FlaskClient) -> None:
    back = consent(begin(client))
    assert client.get(back).headers["Location"] == "/now"
    client.post("/signout")
    assert client.get(back).headers["Location"] == "/signin"


@pytest.mark.parametrize("elsewhere", ["//evil.example.com", "https://evil.example.com", "/\\evil"])
def test_it_leads_nowhere_else(client: FlaskClient, elsewhere: str) -> None:
    assert sign_in(client, elsewhere).headers["Location"] == "/now"


TOKENS: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "another-client"},
    "another audience, ours as the party": {"aud": "another-client", "azp": CLIENT_ID},
    "another issuer": {"iss": "https://evil.example.com"},
    "another nonce": {"nonce": "of-another-sign-in"},
    "no nonce": {"nonce": None},
    "no subject": {"sub": None},
    "expired": {"exp": int(time.time()) - 3600},
    "no expiry": {"exp": None},
    "made in the future": {"iat": int(time.time()) + 3600},
    "a token of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("changes", TOKENS.values(), ids=TOKENS)
def test_a_token_that_does_not_hold(
    app: Flask, client: FlaskClient, fake: FakeProvider, changes: dict[str, Any]
) -> None:
    fake.changes = changes
    assert "token does not hold" in refusal(client)
    assert people_there(app) == [] and actions(app) == ["user.signin_refused"]


def test_a_token_of_a_foreign_key(client: FlaskClient, fake: FakeProvider) -> None:
    fake.foreign_key = RSAKey.generate_key(2048)
    assert "token does not hold" in refusal(client)


@pytest.mark.parametrize("seconds", [-30, 30])
def test_clocks_may_differ_a_little(client: FlaskClient, fake: FakeProvider, seconds: int) -> None:
    moment = int(time.time())
    fake.changes = {"iat": moment + max(seconds, -3600), "exp": moment + (seconds if seconds < 0 else 3600)}
    assert sign_in(client).headers["Location"] == "/now"


def test_a_key_that_was_rolled_over_is_fetched(app: Flask, client: FlaskClient, fake: FakeProvider) -> None:
    sign_in(client)
    fake.roll_key()
    assert sign_in(other := app.test_client()).headers["Location"] == "/now" and is_in(other)


@pytest.mark.parametrize(
    ("person", "says"),
    [
        ({"email_verified": False}, "has not verified your email address"),
        ({"email_verified": None}, "has not verified your email address"),
        ({"email_verified": "false"}, "has not verified your email address"),
        ({"email": None}, "did not tell your email address"),
        ({"email": "ada@elsewhere.com"}, "Addresses of elsewhere.com may not sign in here"),
        ({"email": "ada@sub.example.com"}, "Addresses of sub.example.com may not sign in here"),
        ({"groups": ["others"]}, "None of your groups has a role"),
        ({"groups": None}, "None of your groups has a role"),
    ],
    ids=str,
)
def test_who_is_not_let_in(
    app_with: Callable[..., Flask], fake: FakeProvider, person: dict[str, Any], says: str
) -> None:
    app = app_with(**fake.settings(oidc_domains=("example.com",)))
    fake.person |= person
    assert says in refusal(app.test_client()) and people_there(app) == []


def test_the_role_is_that_of_now(app: Flask, client: FlaskClient, fake: FakeProvider) -> None:
    sign_in(client)
    fake.person["groups"] = ["ops", "admins"]
    sign_in(client)
    assert people_there(app) == [("ada@example.com", "admin", SUBJECT)] and "user.changed" in actions(app)
    fake.person["groups"] = []
    assert sign_in(other := app.test_client()).headers["Location"] == "/signin"
    assert not is_in(other) and not is_in(client)


def test_the_tokens_of_who_has_no_role_any_more_end_too(
    app: Flask, client: FlaskClient, fake: FakeProvider
) -> None:
    sign_in(client)
    with app.app_context():
        user = db.session.scalars(select(User)).one()
        _, text = create_token("ci", ["write"], user.email, user_id=user.id)
        db.session.commit()
    headers = {"Authorization": f"Bearer {text}"}
    assert client.get("/v2/models", headers=headers).status_code == 200
    fake.person["groups"] = []
    sign_in(client)
    assert client.get("/v2/models", headers=headers).status_code == 401
    assert "token.revoked" in actions(app)


def test_a_default_role(app_with: Callable[..., Flask], fake: FakeProvider) -> None:
    app = app_with(**fake.settings(oidc_default_role="viewer"))
    fake.person["groups"] = []
    sign_in(app.test_client())
    assert people_there(app) == [("ada@example.com", "viewer", SUBJECT)]


def test_an_address_may_change_but_not_the_person(
    app: Flask, client: FlaskClient, fake: FakeProvider
) -> None:
    sign_in(client)
    fake.person["email"] = "ada.l@example.com"
    sign_in(client)
    assert people_there(app) == [("ada.l@example.com", "editor", SUBJECT)]


def test_an_account_with_a_password_is_not_taken_over(
    app: Flask, client: FlaskClient, password_hash: str
) -> None:
    with app.app_context():
        db.session.add(User(email="ada@example.com", role="admin", password_hash=password_hash))
        db.session.commit()
    assert "does not belong to this sign-in" in refusal(client)
    with app.app_context():
        user = User.by_email("ada@example.com")
        assert user is not None and user.subject is None
        people.leave_to_provider(user, COMMAND_LINE)
    form = {"email": "ada@example.com", "password": PASSWORD}
    assert client.post("/signin", data=form).status_code == 401
    assert sign_in(client).headers["Location"] == "/now"
    assert people_there(app) == [("ada@example.com", "editor", SUBJECT)]


def test_who_is_shut_out_stays_out(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    with app.app_context():
        (user,) = people.everybody()
        people.set_active(user.id, COMMAND_LINE, active=False)
    assert "You are shut out" in refusal(app.test_client())


@pytest.mark.parametrize("password", ["", "x", PASSWORD])
def test_no_password_opens_an_account_of_the_provider(app: Flask, client: FlaskClient, password: str) -> None:
    sign_in(client)
    form = {"email": "ada@example.com", "password": password}
    assert app.test_client().post("/signin", data=form).status_code in (400, 401)


def test_a_second_factor_is_the_providers(app_with: Callable[..., Flask], fake: FakeProvider) -> None:
    browser = app_with(**fake.settings(totp_roles=("editor",))).test_client()
    sign_in(browser)
    assert browser.get("/models").status_code == 200


def test_the_local_administrator_stays_unless_switched_off(
    app_with: Callable[..., Flask], app: Flask, fake: FakeProvider, admin: FlaskClient
) -> None:
    form = {"email": "admin@example.com", "password": PASSWORD}
    assert app.test_client().post("/signin", data=form).headers["Location"] == "/now"
    alone = app_with(**fake.settings(local_signin=False)).test_client()
    page = alone.get("/signin").text
    assert 'name="password"' not in page and "/signin/provider" in page
    assert alone.post("/signin", data=form).status_code == 403


@pytest.mark.parametrize("metadata", [{"issuer": "https://evil.example.com"}, {"jwks_uri": None}], ids=str)
def test_metadata_that_can_not_be_taken(
    client: FlaskClient, fake: FakeProvider, metadata: dict[str, Any]
) -> None:
    fake.metadata = metadata
    answer = client.get("/signin/provider")
    if answer.headers["Location"] != "/signin":
        answer = client.get(consent(answer.headers["Location"]))
    assert answer.headers["Location"] == "/signin" and not is_in(client)


def test_a_provider_that_is_down(app_with: Callable[..., Flask], fake: FakeProvider) -> None:
    browser = app_with(**fake.settings(oidc_issuer="http://127.0.0.1:9")).test_client()
    assert browser.get("/signin/provider").headers["Location"] == "/signin"
    assert "can't be reached" in plain(browser.get("/signin").text)


def test_without_a_provider_there_is_no_such_way(app_with: Callable[..., Flask]) -> None:
    browser = app_with().test_client()
    assert browser.get("/signin/provider").status_code == 404
    assert "/signin/provider" not in browser.get("/signin").text


def test_no_token_gets_into_a_log_or_the_database(
    app: Flask, client: FlaskClient, fake: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "muster"):
        sign_in(client)
    with app.app_context(), db.engine.connect() as connection:
        tables = ("users", "sessions", "audit_events", "shown_once")
        stored = repr([connection.execute(db.text(f"SELECT * FROM {table}")).all() for table in tables])
    written = stored + "".join(str(vars(record)) for record in caplog.records if "muster" in record.name)
    secrets = [SECRET, fake.asked[0]["code"], fake.asked[0]["code_verifier"], *fake.tokens]
    assert len(fake.tokens) == 2 and not [secret for secret in secrets if secret in written]


@pytest.mark.parametrize(
    ("roles", "role"), [(["offline_access", "ops"], "editor"), (["admins", "ops"], "admin")]
)
def test_realm_roles_of_keycloak(
    app_with: Callable[..., Flask], fake: FakeProvider, roles: list[str], role: str
) -> None:
    """They stand one level down, beside others of its own (its guide for administrators)."""
    client_roles = {"account": {"roles": ["manage-account", "admins-of-nothing"]}}
    fake.person = GOOD | {"groups": None, "realm_access": {"roles": roles}, "resource_access": client_roles}
    app = app_with(**fake.settings(oidc_role_claim="realm_access.roles"))
    sign_in(app.test_client())
    assert people_there(app) == [("ada@example.com", role, SUBJECT)]


def test_a_provider_that_does_not_answer_holds_one_thread(app_with: Callable[..., Flask]) -> None:
    """Anybody may begin a sign-in: the others are told at once, and not after the deadline of a call."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        app = app_with(oidc_issuer=url, oidc_client_id=CLIENT_ID, public_url="http://localhost")
        first = threading.Thread(target=lambda: app.test_client().get("/signin/provider"))
        first.start()
        connection, _ = silent.accept()
        for _ in range(2):
            browser = app.test_client()
            assert browser.get("/signin/provider").headers["Location"] == "/signin"
            assert "The provider is slow to answer" in plain(browser.get("/signin").text)
        assert first.is_alive(), "the one that asks waits still"
        connection.close()
        first.join()
