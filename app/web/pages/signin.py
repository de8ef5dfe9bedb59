"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.access.actors import AccessError
from app.access.second_factor import WRONG as WRONG_CODE
from app.config import settings
from app.errors import ApiError
from app.web import browser_sessions

blueprint = Blueprint("signin", __name__)
WRONG = "Wrong email or password. Check both; the password is case-sensitive."


class SigninForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Email and password."""

    email = EmailField("Email", [InputRequired("Enter your email."), Length(max=320)])
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=1024)])


class CodeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A code of the authenticator app, or a recovery code."""

    code = StringField("Code", [InputRequired("Enter a code."), Length(max=40)])


@blueprint.get("/signin")
def signin() -> Response | str:
    """The form; someone who is signed in already goes straight to the page they wanted."""
    if current_user.is_authenticated:
        return redirect(wanted_page(), 303)
    return _page(SigninForm())


@blueprint.post("/signin")
@browser_sessions.limit_signin
def try_signin() -> Response | str | tuple[str, int]:
    """Start a session and go on to the page that was wanted; 401 with the form where it fails."""
    if not settings().local_signin:
        raise ApiError("forbidden", "Passwords open nothing here: sign in through the provider.")
    form = SigninForm()
    if not form.validate_on_submit():
        return _page(form), 400
    user = browser_sessions.sign_in(form.email.data or "", form.password.data or "")
    if user is None:
        return _page(form, WRONG), 401
    if user.totp_secret is not None:
        return redirect(url_for("signin.code", next=_next()), 303)
    return redirect(wanted_page(), 303)


@blueprint.get("/signin/code")
def code() -> Response | str:
    """The second step, for who has sent their password a moment ago."""
    if browser_sessions.half_signed_in() is None:
        return redirect(url_for("signin.signin", next=_next()), 303)
    return _code_page(CodeForm())


@blueprint.post("/signin/code")
@browser_sessions.limit_signin
def try_code() -> Response | tuple[str, int]:
    """Start the session with a code of the second factor; 401 with the form where it does not fit."""
    form, user = CodeForm(), browser_sessions.half_signed_in()
    if user is None:
        return redirect(url_for("signin.signin", next=_next()), 303)
    if not form.validate():
        return _code_page(form), 400
    try:
        right = browser_sessions.confirm(user, form.code.data or "")
        form.code.errors = [WRONG_CODE]
    except AccessError as error:
        right, form.code.errors = False, [str(error)]
    return redirect(wanted_page(), 303) if right else (_code_page(form), 401)


@blueprint.post("/signout")
def signout() -> Response:
    """End the session, and lead on to the provider where it came from there."""
    through_provider = current_user.is_authenticated and current_user.subject is not None
    browser_sessions.sign_out()
    flash("You are signed out.", "ok")
    onward = through_provider and settings().oidc_issuer
    return redirect(url_for("single_sign_on.leave" if onward else "signin.signin"), 303)


def wanted_page() -> str:
    """Where `next` points, if that is a page of this site; otherwise the start."""
    target = request.args.get("next", "")
    return target if is_local(target) else url_for("now.index")


def is_local(target: str) -> bool:
    """Whether a browser that follows `target` stays on this site.

    Browsers read a backslash as a slash and drop control characters, so "/\\evil" and "/\\t/evil" leave it.
    """
    if not target.startswith("/") or target.startswith("//") or "\\" in target or not target.isprintable():
        return False
    parts = urlsplit(target)
    return not parts.scheme and not parts.netloc


def _next() -> str | None:
    target = request.args.get("next", "")
    return target if is_local(target) else None


def _code_page(form: CodeForm) -> str:
    return render_template("signin/code.html", form=form, next=_next())


def _page(form: SigninForm, problem: str | None = None) -> str:
    chosen = settings()
    return render_template(
        "signin/signin.html",
        form=form,
        problem=problem or None,
        next=_next(),
        provider=urlsplit(chosen.oidc_issuer).hostname,
        local=chosen.local_signin,
    )
