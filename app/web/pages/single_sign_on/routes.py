"""Signing in and out through the provider."""

from __future__ import annotations

import hmac
import time
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.access import audit, single_sign_on
from app.access.actors import AccessError, stranger
from app.config import settings
from app.errors import ApiError
from app.store.base import db
from app.web import browser_sessions
from app.web.errors import home_url
from app.web.guards import csrf
from app.web.pages.signin import is_local
from app.web.pages.single_sign_on import provider
from app.web.pages.single_sign_on.provider import Provider, ProviderError

blueprint = Blueprint("single_sign_on", __name__, url_prefix="/signin/provider")
_BEGUN = "single_sign_on"
_LASTS_S = 900
_LONGEST_CODE = 4096


@blueprint.get("")
def begin() -> BaseResponse:
    """To the provider, with what the way back is known by in this browser's session."""
    try:
        asked = _provider().ask(_way_back())
    except ProviderError as error:
        return _refused(str(error))
    kept = {name: asked[name] for name in ("state", "nonce", "code_verifier")}
    session[_BEGUN] = kept | {"next": request.args.get("next", ""), "at": int(time.time())}
    return redirect(asked["url"], 303)


@blueprint.get("/callback")
def callback() -> BaseResponse:
    """The way back: start a session and go on to the page that was wanted, or say why not."""
    there, begun = _provider(), session.pop(_BEGUN, None)
    wrong = _wrong(begun, there)
    if wrong:
        return _refused(wrong)
    try:
        code = request.args.get("code", "")[:_LONGEST_CODE]
        visitor = single_sign_on.judge(there.claims(code, _way_back(), begun), settings())
        user = single_sign_on.admit(visitor)
    except AccessError as error:
        db.session.rollback()
        return _refused(str(error))
    browser_sessions.begin_session(user, visitor.issuer, visitor.provider_session)
    target = begun["next"]
    return redirect(target if is_local(target) else url_for("now.index"), 303)


@blueprint.post("/sign-out")
@csrf.exempt  # type: ignore[untyped-decorator]  # Flask-WTF has no types
def sign_out() -> Response:
    """The provider tells what is over (OpenID Connect Back-Channel Logout 1.0, 2.8)."""
    there = _provider()
    try:
        said = there.logout_claims(request.form.get("logout_token", ""))
    except ProviderError as error:
        raise ApiError("bad_request", str(error)) from None
    single_sign_on.sign_out(said["iss"], said.get("sub"), said.get("sid"))
    return Response("", 200, {"Cache-Control": "no-store"})


@blueprint.get("/leave")
def leave() -> str | BaseResponse:
    """After signing out of Muster: on to the provider's own end of the session, where it has one.

    A page that leads on, and not a redirect of the form: the content security policy keeps forms here.
    """
    try:
        url = _provider().end_session_url(home_url() + url_for("signin.signin"))
    except ProviderError:
        url = ""
    if not url:
        return redirect(url_for("signin.signin"), 303)
    return render_template("single_sign_on/leave.html", url=url)


def _wrong(begun: Any, there: Provider) -> str:
    """Why the way back does not fit how it began, "" where it does."""
    state, issuer = request.args.get("state", ""), request.args.get("iss")
    if not isinstance(begun, dict) or not 0 <= time.time() - begun["at"] <= _LASTS_S:
        return "This sign-in began elsewhere or too long ago. Begin again."
    if not hmac.compare_digest(state.encode("utf-8", "replace"), begun["state"].encode()):
        return "This sign-in began elsewhere or too long ago. Begin again."
    # RFC 9207: an answer of another provider is none of ours.
    if issuer is not None and issuer.rstrip("/") != there.issuer:
        return "Another provider answered than the one that was asked."
    if "error" in request.args or not request.args.get("code"):
        return "The provider did not let you in."
    return ""


def _refused(sentence: str) -> BaseResponse:
    """Back to the form with the reason, which goes on record too."""
    audit.record_now(stranger(request.remote_addr), "user.signin_refused", detail={"because": sentence})
    flash(sentence, "bad")
    return redirect(url_for("signin.signin"), 303)


def _way_back() -> str:
    return home_url() + url_for("single_sign_on.callback")


def _provider() -> Provider:
    there = provider.current()
    if there is None:
        abort(404)
    return there
