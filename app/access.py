"""Who is asking, and whether they may: people with roles, programs with tokens and scopes."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, wraps
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import Flask, Request, g, redirect, request, session
from flask import Response as FlaskResponse
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import bindparam, or_, select, update
from werkzeug.wrappers import Response

from app import rates
from app.config import settings
from app.errors import JSON_PATHS, ApiError, is_json_side
from app.models import Token, User, db, now

P = ParamSpec("P")
R = TypeVar("R")

ROLES = {
    "viewer": frozenset({"read"}),
    "editor": frozenset({"read", "write"}),
    "admin": frozenset({"read", "write", "admin"}),
}
# What a token's scope lets it do. Reading keys in clear is a thing of its own that nothing else implies.
SCOPES = {
    "read": frozenset({"read"}),
    "write": frozenset({"read", "write"}),
    "admin": frozenset({"read", "write", "admin"}),
    "credentials": frozenset({"credentials"}),
}
TOKEN_PREFIX = "mst_"
_USE_NOTED_EVERY = timedelta(minutes=1)
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="muster"'}
_TOKEN = select(Token.id, Token.name, Token.scopes, Token.last_used).where(
    Token.digest == bindparam("digest"), Token.revoked.is_(None)
)
_hasher = PasswordHasher()


class AccessError(ValueError):
    """A user or token can't be made or changed as asked; the text is one sentence for who asked."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: kind is `user`, `token`, `cli` or `system`; `scopes` is all that they may do."""

    kind: str
    name: str
    scopes: frozenset[str]
    id: str = ""

    @property
    def label(self) -> str:
        """How the audit log names the actor."""
        return f"{self.kind}:{self.name}"

    def may(self, scope: str) -> bool:
        """Whether the actor has this scope."""
        return scope in self.scopes


COMMAND_LINE = Actor("cli", "muster", ROLES["admin"])
SYSTEM = Actor("system", "muster", ROLES["admin"])


def _caller() -> str:
    """Whose requests are counted together: those of a token (known by its hash), or else of an address."""
    sent = _bearer()
    return f"token:{digest_of(sent)[:16]}" if sent else f"address:{request.remote_addr}"


def _refusals_of(address: str | None) -> str:
    """Under which name an address's refused tokens are counted: whoever guesses has a new one each time."""
    return f"refused:{address}"


csrf = CSRFProtect()
login_manager = LoginManager()


class BrowserSessions(SecureCookieSessionInterface):
    """Sessions for people; a program has none, and making one anyway costs a fifth of a short answer."""

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
        rates.current().require_left(_refusals_of(request.remote_addr), a_minute)


def _count_refusal(response: FlaskResponse) -> FlaskResponse:
    if response.status_code == 401:
        rates.current().note(_refusals_of(request.remote_addr), settings().rate_limit)
    return response


def limit_signin(view: Callable[P, R]) -> Callable[P, R]:
    """Decorate the sign-in view: each address may try `MUSTER_SIGNIN_LIMIT` times a minute."""

    @wraps(view)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        if request.method == "POST":
            rates.current().take(f"signin:{request.remote_addr}", settings().signin_limit)
        return view(*args, **kwargs)

    return limited


# --- programs: tokens -----------------------------------------------------------------------------------


def create_token(name: str, scopes: Sequence[str], created_by: str) -> tuple[Token, str]:
    """A new token, added to the transaction at hand, and its text, which is never shown again.

    AccessError names a scope that does not exist, or a name that can't be taken.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise AccessError(f"Scopes are {', '.join(SCOPES)}; {', '.join(unknown) or 'none'} was given.")
    if not 1 <= len(name.strip()) <= 128:
        raise AccessError("A token needs a name of 1 to 128 characters.")
    if not name.isprintable():
        raise AccessError("The name of a token can't hold line breaks, control or invisible characters.")
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = Token(
        name=name.strip(),
        shown=text[:10],
        digest=digest_of(text),
        scopes=sorted(set(scopes)),
        created_by=created_by,
    )
    db.session.add(token)
    return token, text


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
    digest = _sent_digest()
    # Not within the session, which would hold a connection while a slow caller goes on to send its body.
    with db.engine.connect() as connection:
        token = connection.execute(_TOKEN, {"digest": digest}).first()
    if token is None:
        message = "This token is unknown or was revoked. Make a new one with: muster token create NAME."
        raise ApiError("invalid_api_key", message, 401, headers=_CHALLENGE)
    id, name, scopes, last_used = token
    _note_use(id, last_used)
    actor = Actor("token", name, _granted(scopes), id)
    if not actor.may(scope):
        raise ApiError("insufficient_scope", f"This token lacks the scope {scope!r}.", 403)
    g.actor = actor


def _sent_digest() -> str:
    sent = _bearer()
    if not sent:
        message = "Send a token: Authorization: Bearer <token>."
        raise ApiError("authentication_required", message, 401, headers=_CHALLENGE)
    return digest_of(sent)


def _granted(scopes: Sequence[str]) -> frozenset[str]:
    return frozenset().union(*(SCOPES[scope] for scope in scopes if scope in SCOPES))


def _note_use(id: str, last_used: datetime | None) -> None:
    """Remember the use at most once a minute, in a statement of its own, so that reading stays reading."""
    moment = now()
    if last_used is not None and moment - last_used < _USE_NOTED_EVERY:
        return
    stale = or_(Token.last_used.is_(None), Token.last_used < moment - _USE_NOTED_EVERY)
    with db.engine.begin() as connection:
        connection.execute(update(Token).where(Token.id == id, stale).values(last_used=moment))


def _bearer() -> str:
    """The token that was sent; empty where none was."""
    kind, _, sent = request.headers.get("Authorization", "").partition(" ")
    return sent.strip() if kind.lower() == "bearer" else ""


def digest_of(text: str) -> str:
    """The hash that a token is known by."""
    # A token is 256 random bits, so a plain hash is enough; the surrogates of odd headers must not raise.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --- people: users, roles, sessions ---------------------------------------------------------------------


def create_user(email: str, role: str, password: str) -> User:
    """A new user, added to the transaction at hand. AccessError is a sentence about what can't be taken."""
    email = email.strip().lower()
    if not re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,255}", email) or not email.isprintable():
        raise AccessError(f"{email!r} is not an e-mail address.")
    if role not in ROLES:
        raise AccessError(f"Roles are {', '.join(ROLES)}; {role!r} is none.")
    if User.by_email(email) is not None:
        raise AccessError(f"There is a user {email} already.")
    user = User(email=email, role=role, password_hash=hash_password(password))
    db.session.add(user)
    return user


def hash_password(password: str) -> str:
    """The Argon2id hash of a password. AccessError where it is too short or absurdly long."""
    if not 10 <= len(password) <= 1024:
        raise AccessError("A password needs 10 to 1,024 characters.")
    return _hasher.hash(password)


def new_password() -> str:
    """A password for a person to type: five groups of letters and digits that can't be mistaken, 125 bits."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(5))


def sign_in(email: str, password: str) -> User | None:
    """Start a session for the user with this password; None where there is none. Commits."""
    user = User.by_email(email)
    # An unknown address costs the same time as a wrong password, so that addresses can't be told apart.
    known_hash = user.password_hash if user is not None else _decoy()
    if not _verified(known_hash, password[:1025]) or user is None or not user.active:
        return None
    if _hasher.check_needs_rehash(user.password_hash):
        user.password_hash = _hasher.hash(password)
    user.last_signin = now()
    db.session.commit()
    session.clear()
    session.permanent = True
    login_user(user)
    return user


def has_password(user: User, password: str) -> bool:
    """Whether this is the user's password; as slow as signing in."""
    return _verified(user.password_hash, password[:1025])


def renew_session(user: User) -> None:
    """Keep this browser signed in after its user's password changed, which ended every session."""
    login_user(user)


def sign_out() -> None:
    """End the session of this browser."""
    logout_user()
    session.clear()


def require_role(role: str) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Decorate a page: others are sent to sign in; a signed-in person without the role gets a 403 page."""
    needed = ROLES[role]

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            if not current_user.is_authenticated:
                return _to_signin()
            if not needed <= ROLES.get(current_user.role, frozenset()):
                raise ApiError("forbidden", f"This needs the role {role}. Ask an administrator for it.", 403)
            g.actor = user_actor(current_user)
            return view(*args, **kwargs)

        return checked

    return decorate


def user_actor(user: User) -> Actor:
    """The actor that a user is."""
    return Actor("user", user.email, ROLES.get(user.role, frozenset()), user.id)


def current_actor() -> Actor:
    """Who acts in the request at hand; 401 where nobody is known."""
    actor = g.get("actor")
    if isinstance(actor, Actor):
        return actor
    if current_user.is_authenticated:
        return user_actor(current_user)
    raise ApiError("authentication_required", "Sign in first.", 401)


def _to_signin() -> Response:
    if is_json_side():
        raise ApiError("authentication_required", "Sign in first.", 401)
    target = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect("/signin" + (f"?next={quote(target, safe='')}" if target not in ("", "/") else ""), 303)


def _verified(known_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(known_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))
