"""The account of the signed-in person: role and password."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField
from wtforms.validators import InputRequired

from app.access import passwords, people, sessions
from app.access.actors import AccessError
from app.store.accounts import User
from app.store.base import db
from app.web import browser_sessions
from app.web.guards import current_actor, require_role
from app.web.pages.account.news import news_of
from app.web.pages.users import LENGTH, ROLES

blueprint = Blueprint("account", __name__, url_prefix="/account")
PASSWORD_HELP = f"At least {passwords.SHORTEST} characters; a few words are better than one word with signs."


class AccountForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The current password, and the new one twice."""

    old = PasswordField("Current password", [InputRequired("Enter your current password.")])
    new = PasswordField("New password", [InputRequired("Enter a new password."), LENGTH])
    again = PasswordField("New password again", [InputRequired("Enter the new password a second time.")])


@blueprint.get("")
@require_role("viewer")
def index() -> str:
    """The account, and the form for a new password."""
    return _page(AccountForm())


@blueprint.post("")
@browser_sessions.limit_signin
@require_role("viewer")
def change_password() -> Response | tuple[str, int]:
    """Change the password; every other browser of this person is signed out."""
    form, user = AccountForm(), signed_in()
    if not form.validate() or not _fits(form, user):
        return _page(form), 400
    try:
        people.set_password(user, form.new.data or "", current_actor())
    except AccessError as error:
        form.new.errors = [str(error)]
        return _page(form), 400
    browser_sessions.renew_session(user)
    flash("Your password is changed. Your other browsers are signed out.", "ok")
    return redirect(url_for("account.index"), 303)


@blueprint.post("/sessions/<session_id>/end")
@require_role("viewer")
def end_session(session_id: str) -> Response:
    """End one of one's own sessions, or `all` but that of this browser."""
    user, mine = signed_in(), browser_sessions.current_session()
    if session_id == "all":
        people.end_sessions(user, current_actor(), but=mine.id if mine else "")
        flash("Other browsers are signed out.", "ok")
    elif people.end_session(user, session_id, current_actor()):
        flash("That browser is signed out.", "ok")
    return redirect(url_for("account.index"), 303)


def _fits(form: AccountForm, user: User) -> bool:
    if not browser_sessions.has_password(user, form.old.data or ""):
        form.old.errors = ["This is not your current password."]
    elif form.new.data != form.again.data:
        form.again.errors = ["The two passwords differ. Type the new one twice."]
    return not form.errors


def signed_in() -> User:
    """The row of the signed-in person; Flask-Login gives only a proxy for it."""
    user = db.session.get(User, current_user.id)
    assert user is not None, "who is signed in has a row"
    return user


def _page(form: AccountForm) -> str:
    user, mine = signed_in(), browser_sessions.current_session()
    return render_template(
        "account/index.html",
        form=form,
        user=user,
        roles=ROLES,
        news=news_of(user),
        sessions=sessions.of(user.id),
        current=mine.id if mine else "",
        password_help=PASSWORD_HELP,
    )
