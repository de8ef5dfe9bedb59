"""The people who sign in, for administrators: who they are, their roles, whether they may sign in."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField, RadioField
from wtforms.validators import InputRequired, Length, Optional

from app.access import passwords, people, second_factor, sessions
from app.access.actors import AccessError
from app.store.accounts import User
from app.store.base import db
from app.web.guards import current_actor, require_role
from app.web.pages import shown_once
from app.web.pages.find import recent

blueprint = Blueprint("users", __name__, url_prefix="/users")

ROLES: dict[str, tuple[str, str]] = {
    "viewer": ("Viewer", "Sees models, their probes and the audit log."),
    "editor": ("Editor", "Also registers, changes, probes and deletes models."),
    "admin": ("Admin", "Also manages people, tokens and settings."),
}
"""Each role: its label, and what it lets a person do."""

LENGTH = Length(passwords.SHORTEST, passwords.LONGEST, passwords.RULE)
_TYPED = f"At least {passwords.SHORTEST} characters. Empty: one is generated and shown once."


class UserForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A new person."""

    email = EmailField("Email", [InputRequired("Enter an email address."), Length(max=320)])
    role = RadioField(
        "Role",
        [InputRequired("Choose a role.")],
        choices={role: label for role, (label, _) in ROLES.items()},
        default="viewer",
    )
    password = PasswordField("Password", [Optional(), LENGTH])


class PasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Another password for a person."""

    password = PasswordField("New password", [Optional(), LENGTH])


@blueprint.get("")
@require_role("admin")
def index() -> str:
    """Everybody, by address."""
    return render_template("users/index.html", users=people.everybody(), roles=ROLES)


@blueprint.route("/new", methods=["GET", "POST"])
@require_role("admin")
def new() -> Response | str | tuple[str, int]:
    """The form, and the person it adds; only the next page shows a generated password."""
    form = UserForm()
    if not form.is_submitted():
        return _form(form)
    if not form.validate():
        return _form(form), 400
    typed = form.password.data or ""
    password = typed or passwords.made()
    try:
        user = people.add(form.email.data or "", form.role.data, password, current_actor())
    except AccessError as error:
        wrong = form.password if isinstance(error, passwords.PasswordError) else form.email
        wrong.errors = [str(error)]
        return _form(form), 400
    flash(f"{user.email} can sign in now.", "ok")
    return _shown(user, "" if typed else password)


@blueprint.get("/<id>")
@require_role("admin")
def detail(id: str) -> str:
    """One person, and what can be done to the account."""
    user = _user(id)
    recent.note("user", id)
    return _page(user, PasswordForm(), shown_once.take(id))


@blueprint.post("/<id>/role")
@require_role("admin")
def set_role(id: str) -> Response:
    """Change a person's role."""
    try:
        user = people.set_role(id, request.form.get("role", ""), current_actor())
        flash(f"{user.email} is {ROLES[user.role][0].lower()} now.", "ok")
    except AccessError as error:
        flash(str(error), "bad")
    return redirect(url_for("users.detail", id=id), 303)


@blueprint.post("/<id>/active")
@require_role("admin")
def set_active(id: str) -> Response:
    """Let a person in, or keep them out."""
    active = request.form.get("active") == "yes"
    try:
        user = people.set_active(id, current_actor(), active=active)
        flash(f"{user.email} {'can sign in again' if active else 'is shut out, also where signed in'}.", "ok")
    except AccessError as error:
        flash(str(error), "bad")
    return redirect(url_for("users.detail", id=id), 303)


@blueprint.post("/<id>/password")
@require_role("admin")
def set_password(id: str) -> Response | tuple[str, int]:
    """Set another password for a person; their sessions end."""
    user, form = _user(id), PasswordForm()
    if user.id == current_actor().id:
        return redirect(url_for("account.index"), 303)
    if not form.validate():
        return _page(user, form, ""), 400
    typed = form.password.data or ""
    password = typed or passwords.made()
    try:
        people.set_password(user, password, current_actor())
    except AccessError as error:
        form.password.errors = [str(error)]
        return _page(user, form, ""), 400
    flash(f"{user.email} has a new password. Browsers signed in with the old one are signed out.", "ok")
    return _shown(user, "" if typed else password)


@blueprint.post("/<id>/sessions/<session_id>/end")
@require_role("admin")
def end_session(id: str, session_id: str) -> Response:
    """End one session of a person, or `all`."""
    user, actor = _user(id), current_actor()
    if session_id == "all":
        ended = people.end_sessions(user, actor) > 0
    else:
        ended = people.end_session(user, session_id, actor)
    flash(f"{user.email} is signed out there." if ended else "That session had ended already.", "ok")
    return redirect(url_for("users.detail", id=id), 303)


@blueprint.post("/<id>/second-factor/remove")
@require_role("admin")
def remove_second_factor(id: str) -> Response:
    """Take the second factor from who has lost it. One's own takes one's password."""
    user = _user(id)
    if user.id == current_actor().id:
        return redirect(url_for("second_factor.index"), 303)
    second_factor.remove(user, current_actor())
    flash(f"{user.email} signs in without a second factor now.", "ok")
    return redirect(url_for("users.detail", id=id), 303)


@blueprint.route("/<id>/delete", methods=["GET", "POST"])
@require_role("admin")
def delete(id: str) -> Response | str:
    """Ask, then delete the account."""
    if request.method == "GET":
        user = _user(id)
        return render_template("users/delete.html", user=user, tokens=people.valid_tokens(user))
    try:
        email = people.remove(id, current_actor())
    except AccessError as error:
        flash(str(error), "bad")
        return redirect(url_for("users.index"), 303)
    flash(f"{email} is deleted and can't sign in any more.", "ok")
    return redirect(url_for("users.index"), 303)


def _user(id: str) -> User:
    user = db.session.get(User, id)
    if user is None:
        abort(404)
    return user


def _shown(user: User, password: str) -> Response:
    """To the person's page, which shows a generated password once."""
    if password:
        shown_once.keep(password, user.id)
    return redirect(url_for("users.detail", id=user.id), 303)


def _form(form: UserForm) -> str:
    return render_template("users/new.html", form=form, roles=ROLES, password_help=_TYPED)


def _page(user: User, form: PasswordForm, password: str) -> str:
    return render_template(
        "users/detail.html",
        user=user,
        form=form,
        password=password,
        roles=ROLES,
        tokens=people.valid_tokens(user),
        sessions=sessions.of(user.id),
        is_self=user.id == current_actor().id,
        password_help=_TYPED,
    )
