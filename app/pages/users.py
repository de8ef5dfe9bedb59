"""The people who sign in: who they are, what they may do, and one's own password."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from app import access, audit
from app.access import current_actor, require_role
from app.models import User, db

blueprint = Blueprint("users", __name__)

ROLES: dict[str, str] = {
    "viewer": "looks at everything but settings and people",
    "editor": "also registers, changes, probes and deletes models, and makes tokens",
    "admin": "also manages people and every token, and sees the settings",
}
"""Each role with what it may do, as the end of a sentence."""

LAST_ADMIN = "This is the last administrator who can sign in. Make another one first."


@blueprint.get("/users")
@require_role("admin")
def index() -> str:
    """Everybody, by address."""
    return _page()


@blueprint.post("/users")
@require_role("admin")
def create() -> str | tuple[str, int]:
    """Add a person; the page that answers is the only one that ever shows the password."""
    email, password = request.form.get("email", ""), access.new_password()
    try:
        user = access.create_user(email, request.form.get("role", ""), password)
    except ValueError as error:
        return _page(problem=str(error), email=email), 400
    audit.record(current_actor(), "user.created", subject=user.email, detail={"role": user.role})
    db.session.commit()
    return _page(made=(user.email, password))


@blueprint.post("/users/<id>/role")
@require_role("admin")
def set_role(id: str) -> Response | tuple[str, int]:
    """Let a person do more or less."""
    user, role = _user(id), request.form.get("role", "")
    if role not in ROLES:
        abort(400)
    if role != "admin" and _is_last_admin(user):
        return _page(problem=LAST_ADMIN), 409
    audit.record(current_actor(), "user.changed", subject=user.email, detail={"role": [user.role, role]})
    user.role = role
    db.session.commit()
    flash(f"{user.email} is {role} now.", "ok")
    return redirect(url_for("users.index"), 303)


@blueprint.post("/users/<id>/active")
@require_role("admin")
def set_active(id: str) -> Response | tuple[str, int]:
    """Let a person in or keep them out; sessions that are open end at once."""
    user, active = _user(id), request.form.get("active") == "yes"
    if not active and _is_last_admin(user):
        return _page(problem=LAST_ADMIN), 409
    user.active = active
    audit.record(current_actor(), "user.changed", subject=user.email, detail={"active": [not active, active]})
    db.session.commit()
    flash(f"{user.email} can {'sign in again' if active else 'not sign in any more'}.", "ok")
    return redirect(url_for("users.index"), 303)


@blueprint.post("/users/<id>/password")
@require_role("admin")
def reset_password(id: str) -> str:
    """Give a person a new password, shown once; their sessions end."""
    user, password = _user(id), access.new_password()
    user.password_hash = access.hash_password(password)
    audit.record(current_actor(), "user.password_reset", subject=user.email)
    db.session.commit()
    return _page(made=(user.email, password))


@blueprint.get("/account")
@require_role("viewer")
def account() -> str:
    """One's own role and password."""
    return render_template("house/account.html", roles=ROLES, problem="")


@blueprint.post("/account")
@access.limit_signin
@require_role("viewer")
def change_password() -> Response | tuple[str, int]:
    """Change one's own password; the old one is asked for, and every other session ends."""
    email, new = current_user.email, request.form.get("new", "")
    if access.sign_in(email, request.form.get("old", "")) is None:
        return render_template("house/account.html", roles=ROLES, problem="old"), 400
    try:
        hashed = access.hash_password(new)
    except ValueError as error:
        return render_template("house/account.html", roles=ROLES, problem=str(error)), 400
    _user(current_user.id).password_hash = hashed
    audit.record(current_actor(), "user.password_changed", subject=email)
    db.session.commit()
    access.sign_in(email, new)
    flash("Your password is changed. Other browsers have to sign in again.", "ok")
    return redirect(url_for("users.account"), 303)


def _user(id: str) -> User:
    user = db.session.get(User, id)
    if user is None:
        abort(404)
    return user


def _is_last_admin(user: User) -> bool:
    others = select(func.count()).where(User.role == "admin", User.active.is_(True), User.id != user.id)
    return user.role == "admin" and user.active and not db.session.scalar(others)


def _page(made: tuple[str, str] | None = None, problem: str = "", email: str = "") -> str:
    users = list(db.session.scalars(select(User).order_by(User.email)))
    return render_template(
        "house/users.html", users=users, roles=ROLES, made=made, problem=problem, email=email
    )
