"""Who gets in, with what, and how often."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, jsonify, request, session
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.access import actors, people, tokens
from app.access.actors import AccessError
from app.store.accounts import Token, User
from app.store.audit_events import AuditEvent
from app.store.base import db, now
from app.web import browser_sessions
from app.web.guards import current_actor, require_role, require_scope
from tests.conftest import PASSWORD, new_token

NEEDS = ("read", "write", "admin", "credentials")
MAY = {
    "read": {"read"},
    "write": {"read", "write"},
    "admin": {"read", "write", "admin"},
    "credentials": {"credentials"},
}


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """The application with a route per scope and a page per role."""
    return app_with(add_routes)


def who() -> ResponseReturnValue:
    """Say who came in."""
    return jsonify(current_actor().label)


def leave_a_cookie() -> str:
    """Keep something in the browser's session."""
    session["a"] = 1
    return ""


try_to_sign_in = browser_sessions.limit_signin(who)


def add_routes(app: Flask) -> None:
    """Routes that say who came in, and from where."""
    for scope in NEEDS:
        app.add_url_rule(f"/v2/needs-{scope}", f"v2-{scope}", require_scope(scope)(who))
    for role in actors.ROLES:
        app.add_url_rule(f"/page-for-{role}", f"page-{role}", require_role(role)(who))
    app.add_url_rule("/try", "try", try_to_sign_in, methods=["GET", "POST"])
    app.add_url_rule("/cookie", "cookie", leave_a_cookie)
    app.add_url_rule("/change", "change", lambda: "", methods=["POST"])
    app.add_url_rule("/address", "address", lambda: request.remote_addr or "")


def sent(text: str) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {text}"}


def code(answer: object) -> str:
    """The code of an error in the one shape."""
    body = getattr(answer, "json")  # noqa: B009 - the test client's answer has no exported type
    assert {"code", "message", "doc_url", "request_id"} <= set(body["error"])
    return str(body["error"]["code"])


@pytest.mark.parametrize("scope", NEEDS)
def test_a_scope_opens_what_it_implies_and_nothing_else(app: Flask, scope: str) -> None:
    client, header = app.test_client(), sent(new_token(app, scope))
    statuses = {needed: client.get(f"/v2/needs-{needed}", headers=header).status_code for needed in NEEDS}
    assert statuses == {needed: 200 if needed in MAY[scope] else 403 for needed in NEEDS}


def test_a_missing_scope_says_so(app: Flask, client: FlaskClient) -> None:
    answer = client.get("/v2/needs-write", headers=sent(new_token(app, "read")))
    assert (answer.status_code, code(answer)) == (403, "insufficient_scope")


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer ", "mst_x"])
def test_no_token(client: FlaskClient, header: str) -> None:
    answer = client.get("/v2/needs-read", headers={"Authorization": header} if header else {})
    assert (answer.status_code, code(answer)) == (401, "authentication_required")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("text", ["mst_wrong", "\xff\xfe", "x" * 5000, "' OR 1=1 --"])
def test_a_wrong_token(client: FlaskClient, text: str) -> None:
    answer = client.get("/v2/needs-read", headers=sent(text))
    assert (answer.status_code, code(answer)) == (401, "invalid_api_key")


def test_a_session_is_no_token(admin: FlaskClient) -> None:
    assert admin.get("/v2/needs-read").status_code == 401


def test_a_revoked_token(app: Flask, client: FlaskClient, token: str) -> None:
    assert client.get("/v2/needs-read", headers=sent(token)).status_code == 200
    with app.app_context():
        Token.newest()[0].revoked = now()
        db.session.commit()
    assert code(client.get("/v2/needs-read", headers=sent(token))) == "invalid_api_key"


def test_the_text_of_a_token_is_not_stored(app: Flask, token: str) -> None:
    with app.app_context():
        (row,) = Token.newest()
        assert token.startswith("mst_") and token.startswith(row.shown)
        assert token not in " ".join(str(value) for value in vars(row).values())


def test_use_is_noted_at_most_once_a_minute(app: Flask, client: FlaskClient, token: str) -> None:
    def used(before: timedelta | None) -> object:
        with app.app_context():
            row = Token.newest()[0]
            row.last_used = start - before if before is not None else None
            db.session.commit()
        client.get("/v2/needs-read", headers=sent(token))
        with app.app_context():
            return Token.newest()[0].last_used

    start = now()
    first = used(None)
    assert first is not None
    assert used(timedelta(seconds=30)) == start - timedelta(seconds=30)
    assert used(timedelta(seconds=90)) != start - timedelta(seconds=90)


@pytest.mark.parametrize(
    "name, scopes", [("", ["read"]), ("x" * 129, ["read"]), ("a\nb", ["read"]), ("a", []), ("a", ["root"])]
)
def test_a_token_that_can_not_be(app: Flask, name: str, scopes: list[str]) -> None:
    with app.app_context(), pytest.raises(AccessError):
        tokens.create_token(name, scopes, "test")


# --- people ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who, opens", [("viewer", 1), ("editor", 2), ("admin", 3)])
def test_a_role_opens_its_pages(app: Flask, request: pytest.FixtureRequest, who: str, opens: int) -> None:
    browser: FlaskClient = request.getfixturevalue(who)
    statuses = [browser.get(f"/page-for-{role}").status_code for role in ("viewer", "editor", "admin")]
    assert statuses == [200] * opens + [403] * (3 - opens)


def test_strangers_are_sent_to_sign_in_and_back(client: FlaskClient) -> None:
    answer = client.get("/page-for-viewer?q=a%26b")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/signin?next=%2Fpage-for-viewer%3Fq%3Da%2526b"


def test_signing_in_and_out(app: Flask, password_hash: str) -> None:
    with app.app_context():
        db.session.add(User(email="a@example.com", role="viewer", password_hash=password_hash))
        db.session.commit()
    with app.test_request_context():
        assert browser_sessions.sign_in("a@example.com", "wrong password") is None
        assert browser_sessions.sign_in("b@example.com", PASSWORD) is None
        user = browser_sessions.sign_in(" A@Example.com ", PASSWORD)
        assert user is not None and user.last_signin is not None
        assert current_actor().label == "user:a@example.com"
        browser_sessions.sign_out()
        with pytest.raises(Exception, match="Sign in first"):
            current_actor()


def test_who_was_switched_off_is_out(app: Flask, editor: FlaskClient) -> None:
    assert editor.get("/page-for-viewer").status_code == 200
    with app.app_context():
        user = User.by_email("editor@example.com")
        assert user is not None
        user.active = False
        db.session.commit()
    assert editor.get("/page-for-viewer").status_code == 303
    with app.test_request_context():
        assert browser_sessions.sign_in("editor@example.com", PASSWORD) is None


def test_a_new_password_ends_every_session(app: Flask, editor: FlaskClient) -> None:
    with app.app_context():
        user = User.by_email("editor@example.com")
        assert user is not None
        people.set_password(user, "another good password", actors.COMMAND_LINE)
    assert editor.get("/page-for-viewer").status_code == 303


@pytest.mark.parametrize(
    "email, role, password",
    [
        ("no address", "viewer", PASSWORD),
        ("a@b@c", "viewer", PASSWORD),
        ("a\x07@b.de", "viewer", PASSWORD),
        ("a@b\x1b[31m.de", "viewer", PASSWORD),
        ("a\u200b@b.de", "viewer", PASSWORD),
        ("a\u202e@b.de", "viewer", PASSWORD),
        ("a@b.de", "king", PASSWORD),
        ("a@b.de", "viewer", "short"),
        ("a@b.de", "viewer", "x" * 1025),
    ],
)
def test_a_user_who_can_not_be(app: Flask, email: str, role: str, password: str) -> None:
    with app.app_context(), pytest.raises(AccessError):
        people.create_user(email, role, password)


def test_a_token_whose_name_could_steer_a_terminal(app: Flask) -> None:
    with app.app_context(), pytest.raises(AccessError, match="control or invisible characters"):
        tokens.create_token("deploy\x1b[31m", ["read"], "test")


def test_the_same_address_twice(app: Flask) -> None:
    with app.app_context():
        people.create_user("a@b.de", "viewer", PASSWORD)
        with pytest.raises(AccessError, match="already"):
            people.create_user("A@B.de", "viewer", PASSWORD)


def test_passwords_are_argon2id(password_hash: str) -> None:
    assert password_hash.startswith("$argon2id$") and PASSWORD not in password_hash


def test_cookies_are_closed_to_scripts_and_other_sites(client: FlaskClient) -> None:
    header = client.get("/cookie").headers["Set-Cookie"]
    assert "HttpOnly" in header and "SameSite=Lax" in header


# --- rates ----------------------------------------------------------------------------------------------


@pytest.fixture
def limited(app_with: Callable[..., Flask]) -> FlaskClient:
    """An application that takes three requests a minute and two attempts to sign in."""
    made = app_with(add_routes, rate_limit=3, signin_limit=2)
    return made.test_client()


def test_too_many_requests(limited: FlaskClient) -> None:
    header = sent(new_token(limited.application, "read"))
    statuses = [limited.get("/v2/needs-read", headers=header).status_code for _ in range(4)]
    answer = limited.get("/v2/needs-read", headers=header)
    assert statuses == [200, 200, 200, 429]
    assert code(answer) == "rate_limited" and 1 <= int(answer.headers["Retry-After"]) <= 60


def test_another_token_is_counted_apart(limited: FlaskClient) -> None:
    one, other = new_token(limited.application, "read"), new_token(limited.application, "read")
    for _ in range(4):
        limited.get("/v2/needs-read", headers=sent(one))
    assert limited.get("/v2/needs-read", headers=sent(other)).status_code == 200


def test_guessing_tokens_is_counted_by_address(limited: FlaskClient) -> None:
    statuses = [limited.get("/v2/needs-read", headers=sent(f"mst_{n}")).status_code for n in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


def test_a_token_that_holds_goes_on_whatever_others_at_its_address_do(limited: FlaskClient) -> None:
    header = sent(new_token(limited.application, "read"))
    for number in range(9):
        limited.get("/v2/needs-read", headers=sent(f"mst_{number}"))
        limited.get("/v2/needs-read")
    assert [limited.get("/v2/needs-read", headers=header).status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("path", ["/openapi.json", "/signin", "/errors", "/nowhere"])
def test_what_is_open_to_all_counts_by_address(limited: FlaskClient, path: str) -> None:
    """Also with a token that was made up for each request."""
    statuses = [limited.get(path, headers=sent(f"mst_{number}")).status_code for number in range(5)]
    assert statuses[2] != 429 and statuses[3:] == [429, 429]


def test_who_is_signed_in_goes_on_whatever_strangers_at_the_address_do(
    app_with: Callable[..., Flask], password_hash: str
) -> None:
    made = app_with(rate_limit=3)
    with made.app_context():
        db.session.add(User(email="a@example.com", role="viewer", password_hash=password_hash))
        db.session.commit()
    browser, stranger = made.test_client(), made.test_client()
    browser.post("/signin", data={"email": "a@example.com", "password": PASSWORD})
    assert [stranger.get("/signin").status_code for _ in range(3)] == [200, 200, 429]
    assert [browser.get("/account").status_code for _ in range(4)] == [200] * 3 + [429]


def refusals(app: Flask) -> list[tuple[str, str, object]]:
    """What the audit log says of refusals."""
    with app.app_context():
        query = select(AuditEvent.actor, AuditEvent.subject, AuditEvent.detail)
        refused = query.where(AuditEvent.action == "access.refused").order_by(AuditEvent.place)
        return [(actor, subject, detail["because"]) for actor, subject, detail in db.session.execute(refused)]


def test_refusals_are_on_record_once_a_minute(app: Flask, editor: FlaskClient) -> None:
    header = sent(new_token(app, "read"))
    for _ in range(3):
        app.test_client().get("/v2/needs-write", headers=header)
        editor.get("/page-for-admin")
        app.test_client().get("/v2/needs-read", headers=sent("mst_unknown"))
    assert refusals(app) == [
        ("token:test read", "GET /v2/needs-write", "write"),
        ("user:editor@example.com", "GET /page-for-admin", "admin"),
    ]


def test_a_token_that_was_revoked_and_is_still_used_is_on_record(app: Flask, token: str) -> None:
    with app.app_context():
        Token.newest()[0].revoked = now()
        db.session.commit()
    assert app.test_client().get("/v2/needs-read", headers=sent(token)).status_code == 401
    assert refusals(app) == [("token:test write", "GET /v2/needs-read", "This token was revoked.")]


def test_health_is_never_limited(limited: FlaskClient) -> None:
    assert [limited.get("/healthz").status_code for _ in range(9)] == [200] * 9


def test_signing_in_is_limited(app_with: Callable[..., Flask]) -> None:
    made = app_with(add_routes, rate_limit=100, signin_limit=2)
    client = made.test_client()
    assert [client.get("/try").status_code for _ in range(4)] == [401] * 4
    assert [client.post("/try").status_code for _ in range(3)] == [401, 401, 429]


def test_strangers_have_one_count_however_often_they_are_refused(limited: FlaskClient) -> None:
    assert [limited.get("/v2/needs-read").status_code for _ in range(4)] == [401, 401, 401, 429]


# --- the surroundings -----------------------------------------------------------------------------------


def test_programs_need_no_forgery_token(app_with: Callable[..., Flask]) -> None:
    """They send no cookie, so nobody can forge their calls; 401 shows that the route was reached."""
    client = app_with(WTF_CSRF_ENABLED=True).test_client()
    assert client.post("/v2/models/openai-like", json={}).status_code == 401


def test_browsers_need_one(app_with: Callable[..., Flask]) -> None:
    made = app_with(add_routes, WTF_CSRF_ENABLED=True)
    assert made.test_client().post("/change").status_code == 400


def test_behind_https_cookies_are_secure(app_with: Callable[..., Flask]) -> None:
    made = app_with(public_url="https://muster.example.com")
    assert made.config["SESSION_COOKIE_SECURE"] and made.config["REMEMBER_COOKIE_SECURE"]


@pytest.mark.parametrize(
    "path", ["/v2/models", "/v2/endpoints", "/openapi.json", "/now", "/models", "/nowhere"]
)
def test_no_cache_that_others_share_keeps_an_answer(admin: FlaskClient, token: str, path: str) -> None:
    answer = admin.get(path, headers={"Authorization": f"Bearer {token}"})
    assert {"private", "no-store"} & set(answer.headers["Cache-Control"].split(", "))


@pytest.mark.parametrize(
    ("told", "sent"), [({}, "muster="), ({"X-Forwarded-Proto": "https"}, "__Host-muster=")]
)
def test_the_cookie_is_bound_to_https_where_the_browser_came_over_it(
    app_with: Callable[..., Flask], told: dict[str, str], sent: str
) -> None:
    """Also where nobody set MUSTER_PUBLIC_URL: no neighbour of the host's, and no plain http, gets at it."""
    client = app_with(trusted_proxies=1, WTF_CSRF_ENABLED=True).test_client()
    answer = client.get("/signin", headers=told)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(sent) and ("Secure" in cookie) == bool(told) and "Domain" not in cookie


@pytest.mark.usefixtures("viewer")
def test_a_browser_stays_signed_in_over_https(app_with: Callable[..., Flask]) -> None:
    here = "https://muster.example.com"
    browser = app_with(public_url=here).test_client()
    form = {"email": "viewer@example.com", "password": PASSWORD}
    browser.post("/signin", data=form, base_url=here)
    assert browser.get("/account", base_url=here).status_code == 200


@pytest.mark.parametrize("hops, seen", [(0, "127.0.0.1"), (1, "203.0.113.9")])
def test_forwarded_addresses_are_believed_only_of_trusted_proxies(
    app_with: Callable[..., Flask], hops: int, seen: str
) -> None:
    made = app_with(add_routes, trusted_proxies=hops)
    assert made.test_client().get("/address", headers={"X-Forwarded-For": "203.0.113.9"}).text == seen
