"""Who is calling, and whether they may: tokens on the JSON side, sessions on the pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from flask import Flask, Request, current_app, flash, g, redirect, request, session
from flask import Response as FlaskResponse
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from app.access import audit, people, second_factor, sessions, signin_limits, tokens
from app.access.actors import ROLES, Actor, stranger, user_actor
from app.access.signin_limits import Attempt
from app.config import settings
from app.errors import ApiError
from app.store.accounts import BrowserSession, User
from app.store.base import db, now
from app.web import probe_slots, rates
from app.web.errors import JSON_PATHS, is_json_side

P = ParamSpec("P")
R = TypeVar("R")
HERE = "muster.actor"
"""Where a command on this machine says who it is. Nothing that comes over HTTP can set it: headers arrive as
text, by names that begin with HTTP_.
"""
_HALF = "half_signed_in"
_HALF_LASTS_S = 300
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="muster"'}


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
    """Bind sessions, forgery protection and rate limits to the application."""
    chosen = app.config["MUSTER"]
    app.session_interface = BrowserSessions()
    login_manager.init_app(app)
    csrf.init_app(app)
    rates.init_app(app)
    if chosen.rate_limit:
        app.before_request(_count)


@login_manager.user_loader  # type: ignore[untyped-decorator]  # Flask-Login has no types
def _load_user(secret: str) -> User | None:
    found = None if g.get("without_database") else sessions.find(secret)
    if found is None:
        return None
    g.browser_session, user = found
    return user


def _count() -> None:
    """Count a request: of a signed-in person, or else of an address. What tokens ask for is counted later.

    A token is counted once it is known to hold, so that a good one is never refused for what others at its
    address do.
    """
    if request.endpoint == "static" or request.path in ("/healthz", "/readyz"):
        return
    if isinstance(request.environ.get(HERE), Actor):
        return
    if _bearer() and _needs_token():
        return
    known = not request.path.startswith(JSON_PATHS) and current_user.is_authenticated
    rates.current().take(f"user:{current_user.id}" if known else _address(), settings().rate_limit)


def _needs_token() -> bool:
    return hasattr(current_app.view_functions.get(request.endpoint or ""), "scope")


def _address() -> str:
    return f"address:{signin_limits.network_of(request.remote_addr)}"


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
    """Let in whoever sent a token with this scope, or ApiError."""
    here = request.environ.get(HERE)
    if isinstance(here, Actor):
        g.actor = here
        return
    known = _sent_token()
    actor = known.actor
    rates.current().take(f"token:{actor.id}", settings().rate_limit)
    tokens.note_use(actor.id, known.last_used)
    if not actor.may(scope):
        _note_refusal(actor, scope)
        raise ApiError("insufficient_scope", f"This token lacks the scope {scope!r}.")
    probe_slots.take_for(actor)
    g.actor = actor


def _sent_token() -> tokens.KnownToken:
    """The token that was sent; ApiError 401 where it does not hold, 429 after too many of those."""
    sent = _bearer()
    if not sent:
        message = "Send a token: Authorization: Bearer <token>."
        raise ApiError("authentication_required", message, headers=_CHALLENGE)
    known = tokens.find(sent)
    if known is not None and not known.wrong:
        return known
    rates.current().take(_address(), settings().rate_limit)
    if known is not None:
        _note_refusal(known.actor, known.wrong)
    why = known.wrong if known is not None else "This token is unknown."
    message = f"{why} Make a new one with: muster token create NAME."
    raise ApiError("invalid_api_key", message, headers=_CHALLENGE)


def _note_refusal(actor: Actor, because: str) -> None:
    """Put a refusal on record, once a minute for the same actor and route; the answer never hangs on it."""
    rule = f"{request.method} {request.url_rule.rule if request.url_rule else ''}"
    if rates.current().is_first(f"refusal:{actor.label}:{rule}"):
        audit.record_now(actor, "access.refused", subject=rule, detail={"because": because})


def _bearer() -> str:
    """The token that was sent; empty where none was."""
    kind, _, sent = request.headers.get("Authorization", "").partition(" ")
    return sent.strip() if kind.lower() == "bearer" else ""


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
    """Whose password this browser has sent within five minutes, and who still needs their second factor."""
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
    detail = {"address": request.remote_addr} | ({"through": through} if through else {})
    audit.record(user_actor(user), "user.signed_in", detail=detail)
    db.session.commit()
    _remember(user, secret)


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


def require_role(role: str) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Decorate a page: strangers are sent to sign in, a signed-in person without the role gets a 403 page."""
    needed = ROLES[role]

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            if not current_user.is_authenticated:
                return _to_signin()
            actor = user_actor(current_user)
            if not needed <= actor.scopes:
                _note_refusal(actor, role)
                raise ApiError("forbidden", f"This needs the role {role}. Ask an administrator for it.")
            if second_factor.is_missing(current_user) and request.blueprint != "second_factor":
                flash("Your role needs a second factor. Set it up, then go on.", "warn")
                return redirect("/account/second-factor", 303)
            probe_slots.take_for(actor)
            g.actor = actor
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


def is_page(path: str) -> bool:
    """Whether a browser that goes to the address of a form finds the form there."""
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and adapter.test(path, "GET")


def _to_signin() -> Response:
    if is_json_side():
        raise ApiError("authentication_required", "Sign in first.")
    if request.method == "GET":
        target = request.full_path.rstrip("?")
    else:
        target = request.path if is_page(request.path) else ""
    return redirect("/signin" + (f"?next={quote(target, safe='')}" if target not in ("", "/") else ""), 303)
