"""Who is calling, and whether they may: tokens on the JSON side, sessions on the pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from flask import Flask, Request, g, redirect, request, session
from flask import Response as FlaskResponse
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from app.access.actors import ROLES, Actor, user_actor
from app.access.people import decoy, hasher, verified
from app.access.tokens import TOKEN, digest_of, granted, note_use, refusals_of
from app.config import settings
from app.errors import ApiError
from app.store.accounts import User
from app.store.base import db, now
from app.web import rates
from app.web.errors import JSON_PATHS, is_json_side

P = ParamSpec("P")
R = TypeVar("R")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="muster"'}


def _caller() -> str:
    """Whose requests are counted together: those of a token (known by its hash), or else of an address."""
    sent = _bearer()
    return f"token:{digest_of(sent)[:16]}" if sent else f"address:{request.remote_addr}"


csrf = CSRFProtect()
login_manager = LoginManager()


class BrowserSessions(SecureCookieSessionInterface):
    """Sessions for people only: making one for a program costs a fifth of a short answer."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session that a browser's cookie holds; an empty one, never kept, on the JSON side."""
        if request.path.startswith(JSON_PATHS):
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: FlaskResponse) -> None:
        """Keep a browser's session in its cookie."""
        if not request.path.startswith(JSON_PATHS):
            super().save_session(app, session, response)


def init_app(app: Flask) -> None:
    """Bind sessions, forgery protection and rate limits to the application.

    Rates are counted in memory, so each web process counts for itself.
    """
    chosen = app.config["MUSTER"]
    app.session_interface = BrowserSessions()
    login_manager.init_app(app)
    csrf.init_app(app)
    rates.init_app(app)
    if chosen.rate_limit:
        app.before_request(_count)
        app.after_request(_count_refusal)


@login_manager.user_loader  # type: ignore[untyped-decorator]  # Flask-Login has no types
def _load_user(remembered: str) -> User | None:
    return User.by_session(remembered)


def _count() -> None:
    if request.endpoint != "static" and request.path not in ("/healthz", "/readyz"):
        a_minute = settings().rate_limit
        rates.current().take(_caller(), a_minute)
        rates.current().require_left(refusals_of(request.remote_addr), a_minute)


def _count_refusal(response: FlaskResponse) -> FlaskResponse:
    if response.status_code == 401:
        rates.current().note(refusals_of(request.remote_addr), settings().rate_limit)
    return response


def limit_signin(view: Callable[P, R]) -> Callable[P, R]:
    """Decorate the sign-in view: each address may try `MUSTER_SIGNIN_LIMIT` times a minute."""

    @wraps(view)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        if request.method == "POST":
            rates.current().take(f"signin:{request.remote_addr}", settings().signin_limit)
        return view(*args, **kwargs)

    return limited


def require_scope(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate an API view: only a Bearer token with this scope gets in; `current_actor` is its owner."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            _admit(scope)
            return view(*args, **kwargs)

        checked.__dict__["scope"] = scope  # the OpenAPI document tells it
        return checked

    return decorate


def _admit(scope: str) -> None:
    """Let in a caller whose token has this scope; ApiError for any other."""
    digest = _sent_digest()
    # Not within the session, which would hold a connection while a slow caller goes on to send its body.
    with db.engine.connect() as connection:
        token = connection.execute(TOKEN, {"digest": digest}).first()
    if token is None:
        message = "This token is unknown or was revoked. Make a new one with: muster token create NAME."
        raise ApiError("invalid_api_key", message, headers=_CHALLENGE)
    id, name, scopes, last_used = token
    note_use(id, last_used)
    actor = Actor("token", name, granted(scopes), id)
    if not actor.may(scope):
        raise ApiError("insufficient_scope", f"This token lacks the scope {scope!r}.")
    g.actor = actor


def _sent_digest() -> str:
    sent = _bearer()
    if not sent:
        message = "Send a token: Authorization: Bearer <token>."
        raise ApiError("authentication_required", message, headers=_CHALLENGE)
    return digest_of(sent)


def _bearer() -> str:
    """The token that was sent; empty where none was."""
    kind, _, sent = request.headers.get("Authorization", "").partition(" ")
    return sent.strip() if kind.lower() == "bearer" else ""


def sign_in(email: str, password: str) -> User | None:
    """Start a session for the user with this password; None where there is none. Commits."""
    user = User.by_email(email)
    # An unknown address costs the same time as a wrong password, so that addresses can't be told apart.
    known_hash = user.password_hash if user is not None else decoy()
    if not verified(known_hash, password[:1025]) or user is None or not user.active:
        return None
    if hasher.check_needs_rehash(user.password_hash):
        user.password_hash = hasher.hash(password)
    user.last_signin = now()
    db.session.commit()
    session.clear()
    session.permanent = True
    login_user(user)
    return user


def renew_session(user: User) -> None:
    """Keep this browser signed in after its user's password changed, which ended every session."""
    login_user(user)


def sign_out() -> None:
    """End the session of this browser."""
    logout_user()
    session.clear()


def require_role(role: str) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Decorate a page: strangers are sent to sign in, a signed-in person without the role gets a 403 page."""
    needed = ROLES[role]

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            if not current_user.is_authenticated:
                return _to_signin()
            if not needed <= ROLES.get(current_user.role, frozenset()):
                raise ApiError("forbidden", f"This needs the role {role}. Ask an administrator for it.")
            g.actor = user_actor(current_user)
            return view(*args, **kwargs)

        return checked

    return decorate


def current_actor() -> Actor:
    """Who acts in this request; 401 if nobody is signed in."""
    actor = g.get("actor")
    if isinstance(actor, Actor):
        return actor
    if current_user.is_authenticated:
        return user_actor(current_user)
    raise ApiError("authentication_required", "Sign in first.")


def _to_signin() -> Response:
    if is_json_side():
        raise ApiError("authentication_required", "Sign in first.")
    target = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect("/signin" + (f"?next={quote(target, safe='')}" if target not in ("", "/") else ""), 303)
