"""Who is calling, and whether they may: tokens on the JSON side, sessions on the pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from flask import Flask, current_app, flash, g, redirect, request
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from app.access import audit, second_factor, signin_limits, tokens
from app.access.actors import ROLES, Actor, user_actor
from app.config import settings
from app.errors import ApiError
from app.web import probe_slots, rates
from app.web.errors import JSON_PATHS, is_json_side

P = ParamSpec("P")
R = TypeVar("R")
HERE = "muster.actor"
"""Where a command on this machine says who it is. Nothing that comes over HTTP can set it: headers arrive as
text, by names that begin with HTTP_.
"""
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="muster"'}

csrf = CSRFProtect()


def init_app(app: Flask) -> None:
    """Bind forgery protection and rate limits to the application."""
    csrf.init_app(app)
    rates.init_app(app)
    if app.config["MUSTER"].rate_limit:
        app.before_request(_count)


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
    """Let in the owner of a token with this scope, or ApiError."""
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
