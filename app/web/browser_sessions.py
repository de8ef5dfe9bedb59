"""The session of a browser: begun with a password, with a second factor or by the provider, and ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import ParamSpec, TypeVar

from flask import Flask, Request, Response, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, current_user, login_user, logout_user

from app.access import audit, people, second_factor, sessions, signin_limits
from app.access.actors import stranger, user_actor
from app.access.signin_limits import Attempt
from app.errors import ApiError
from app.store.accounts import BrowserSession, User
from app.store.base import db, now
from app.web.errors import JSON_PATHS

P = ParamSpec("P")
R = TypeVar("R")
_HALF = "half_signed_in"
_HALF_LASTS_S = 300

_login = LoginManager()


class BrowserSessions(SecureCookieSessionInterface):
    """Sessions for people only: making one for a program costs a fifth of a short answer."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session that a browser's cookie holds; an empty one, never kept, on the JSON side."""
        if request.path.startswith(JSON_PATHS):
            return self.session_class()
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether the cookie goes over https alone: by the settings, or as this request came over https."""
        return super().get_cookie_secure(app) or request.is_secure

    def get_cookie_name(self, app: Flask) -> str:
        """Over https a name that browsers take from this very host alone (RFC 6265bis, 4.1.3.2)."""
        name = super().get_cookie_name(app)
        return f"__Host-{name}" if self.get_cookie_secure(app) else name

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep a browser's session in its cookie."""
        if not request.path.startswith(JSON_PATHS):
            super().save_session(app, session, response)


def init_app(app: Flask) -> None:
    """Bind sessions to the application."""
    app.session_interface = BrowserSessions()
    _login.init_app(app)


@_login.user_loader  # type: ignore[untyped-decorator]  # Flask-Login has no types
def _load_user(secret: str) -> User | None:
    found = None if g.get("without_database") else sessions.find(secret)
    if found is None:
        return None
    g.browser_session, user = found
    return user


def limit_signin(view: Callable[P, R]) -> Callable[P, R]:
    """Decorate the sign-in view: each address may try `MUSTER_SIGNIN_LIMIT` times a minute."""

    @wraps(view)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        if request.method == "POST":
            _require_left(signin_limits.take_address(request.remote_addr), "from this address")
        return view(*args, **kwargs)

    return limited


def _require_left(attempt: Attempt, where: str) -> None:
    """ApiError 429 where this attempt is one too many; the first of them is on record."""
    if not attempt.wait_s:
        return
    if attempt.first_over:
        because = {"because": f"attempts {where}"}
        audit.record_now(stranger(request.remote_addr), "user.signin_blocked", detail=because)
    minutes = ceil(attempt.wait_s / 60)
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    message = f"Too many attempts to sign in {where}. Wait {wait}, then try again."
    raise ApiError("rate_limited", message, headers={"Retry-After": str(attempt.wait_s)})


def sign_in(email: str, password: str) -> User | None:
    """Start a session for the user with this password; None where there is none. Commits.

    With a second factor the session starts only with `confirm`. ApiError 429 where the account was tried too
    often.
    """
    _require_left(signin_limits.take_account(email), "to this account")
    user = people.with_password(email, password)
    if user is None:
        known = User.by_email(email)
        # An unknown address is not on record: it may be a password, typed into the wrong field.
        _note_failure(known.email if known is not None else "")
        return None
    if user.totp_secret is None:
        begin_session(user)
        return user
    db.session.commit()
    session.clear()
    session[_HALF] = [user.id, sessions.digest_of(user.password_hash), int(time.time())]
    return user


def half_signed_in() -> User | None:
    """The user whose password this browser sent within five minutes, whose second factor is still to come."""
    kept = session.get(_HALF)
    if not isinstance(kept, list) or len(kept) != 3 or not 0 <= time.time() - kept[2] <= _HALF_LASTS_S:
        return None
    user = db.session.get(User, kept[0])
    same = user is not None and user.active and sessions.digest_of(user.password_hash) == kept[1]
    return user if same else None


def confirm(user: User, code: str) -> bool:
    """Start the session of who is half signed in; False where the code is not theirs. Commits.

    ApiError 429 where the account was tried too often.
    """
    _require_left(signin_limits.take_account(user.email), "to this account")
    if not second_factor.passes(user, code):
        db.session.rollback()
        _note_failure(user.email)
        return False
    begin_session(user)
    return True


def _note_failure(email: str) -> None:
    audit.record_now(stranger(request.remote_addr), "user.signin_failed", subject=email)


def begin_session(user: User, through: str = "", provider_session: str | None = None) -> None:
    """Sign this browser in as a person who has shown who they are; `through` is the provider. Commits."""
    user.last_signin = now()
    secret = sessions.begin(user, request.remote_addr, request.user_agent.string, provider_session)
    if not through:
        signin_limits.clear_account(user.email)
    detail = {"address": request.remote_addr, "browser": request.user_agent.string[:200]}
    detail |= {"through": through} if through else {}
    audit.record(user_actor(user), "user.signed_in", detail=detail)
    db.session.commit()
    _remember(user, secret)
    session["news"] = True  # the next page looks whether there are any


def has_password(user: User, password: str) -> bool:
    """Whether this is the password of who is signed in; it counts as an attempt to sign in. Commits."""
    _require_left(signin_limits.take_account(user.email), "to this account")
    if not people.has_password(user, password):
        return False
    signin_limits.clear_account(user.email)
    db.session.commit()
    return True


def _remember(user: User, secret: str) -> None:
    """Let the browser's cookie hold the secret of its session, and nothing of an earlier one."""
    session.clear()
    session.permanent = True
    login_user(user)
    session["_user_id"] = secret  # Flask-Login's place for what the user loader is given


def renew_session(user: User) -> None:
    """Keep this browser signed in after its user's password changed, which ended every session. Commits."""
    secret = sessions.begin(user, request.remote_addr, request.user_agent.string)
    db.session.commit()
    _remember(user, secret)


def current_session() -> BrowserSession | None:
    """The session of the browser at hand, None where nobody is signed in with it."""
    return g.get("browser_session") if current_user.is_authenticated else None


def sign_out() -> None:
    """End the session of this browser, on the server too: a copy of its cookie is worth nothing then."""
    mine = current_session()
    if mine is not None:
        sessions.end(mine.id, mine.user_id)
        audit.record(user_actor(current_user), "user.signed_out")
        db.session.commit()
    logout_user()
    session.clear()
