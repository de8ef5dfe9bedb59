"""One's own second factor: set up with an authenticator app, and removed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.access import second_factor
from app.access.actors import AccessError
from app.store.accounts import User
from app.web import browser_sessions
from app.web.guards import current_actor, require_role
from app.web.pages import shown_once
from app.web.pages.account.routes import signed_in

blueprint = Blueprint("second_factor", __name__, url_prefix="/account/second-factor")
_NEW = "second_factor_new"


class SetupForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The first code of the app, and the password: an open browser alone is not enough."""

    code = StringField("Code", [InputRequired("Enter the code that the app shows."), Length(max=20)])
    password = PasswordField("Your password", [InputRequired("Enter your password."), Length(max=1024)])


class RemovalForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The password."""

    password = PasswordField("Your password", [InputRequired("Enter your password."), Length(max=1024)])


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """Set it up, or what is set up; right after that the recovery codes, this once."""
    return _page(SetupForm(), RemovalForm(), shown_once.take("recovery codes").split())


@blueprint.post("")
@browser_sessions.limit_signin
@require_role("viewer")
def set_up() -> Response | tuple[str, int]:
    """Set it up with the first code; other browsers have to sign in again."""
    form, user, mine = SetupForm(), signed_in(), browser_sessions.current_session()
    if user.totp_secret is not None:
        return redirect(url_for("second_factor.index"), 303)
    if not form.validate() or not _right(form.password, user):
        return _page(form, RemovalForm()), 400
    try:
        but = mine.id if mine is not None else ""
        codes = second_factor.set_up(user, session.get(_NEW, ""), form.code.data or "", current_actor(), but)
    except AccessError as error:
        form.code.errors = [str(error)]
        return _page(form, RemovalForm()), 400
    session.pop(_NEW, None)
    shown_once.keep("\n".join(codes), "recovery codes")
    flash("Your second factor is set up: from now on you sign in with a code of the app too.", "ok")
    return redirect(url_for("second_factor.index"), 303)


@blueprint.post("/remove")
@browser_sessions.limit_signin
@require_role("viewer")
def remove() -> Response | tuple[str, int]:
    """Remove it; whose role needs one sets up another before anything else."""
    form, user = RemovalForm(), signed_in()
    if not form.validate() or not _right(form.password, user):
        return _page(SetupForm(), form), 400
    second_factor.remove(user, current_actor())
    flash("Your second factor is removed.", "ok")
    return redirect(url_for("second_factor.index"), 303)


def _right(field: PasswordField, user: User) -> bool:
    if browser_sessions.has_password(user, field.data or ""):
        return True
    field.errors = ["This is not your password."]
    return False


def _page(form: SetupForm, removal: RemovalForm, codes: list[str] | None = None) -> str:
    user = signed_in()
    secret = ""
    if user.totp_secret is None:
        secret = session.setdefault(_NEW, second_factor.new_secret())
    return render_template(
        "second_factor/index.html",
        form=form,
        removal=removal,
        codes=codes,
        secret=secret,
        picture=second_factor.picture_of(secret, user.email) if secret else "",
        required=second_factor.is_required(user),
    )
