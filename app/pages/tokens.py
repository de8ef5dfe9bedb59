"""API tokens: made, shown once, revoked."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from app import access, audit
from app.access import current_actor, require_role
from app.models import Token, db, now

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")

SCOPES: dict[str, tuple[str, str]] = {
    "read": ("Read", "Lists models and reads their probes."),
    "write": ("Write", "Registers, changes, probes and deletes models; includes read."),
    "admin": ("Admin", "May also send a stored key to another server; includes write."),
    "credentials": (
        "Credentials",
        "Reads the stored keys in clear, for a gateway. Nothing else includes it.",
    ),
}
"""Each scope with its label and what it lets a program do."""


@blueprint.get("")
@require_role("editor")
def index() -> str:
    """The tokens that this person may see, the newest first."""
    return _page()


@blueprint.post("")
@require_role("editor")
def create() -> str | tuple[str, int]:
    """Make a token; the page that answers is the only one that ever shows it."""
    name, scopes = request.form.get("name", "").strip(), request.form.getlist("scopes")
    if any(scope not in offered() for scope in scopes):
        return _page(problem="You can't give a token more than you may do yourself.", name=name), 400
    try:
        token, text = access.create_token(name, scopes, current_actor().label)
    except ValueError as error:
        return _page(problem=str(error), name=name), 400
    audit.record(current_actor(), "token.created", subject=token.name, detail={"scopes": token.scopes})
    db.session.commit()
    return _page(made=text)


@blueprint.post("/<id>/revoke")
@require_role("editor")
def revoke(id: str) -> Response:
    """End a token at once."""
    token = db.session.get(Token, id)
    if token is None or not _may_see(token):
        abort(404)
    if token.revoked is None:
        token.revoked = now()
        audit.record(current_actor(), "token.revoked", subject=token.name)
        db.session.commit()
    flash(f"The token “{token.name}” is revoked: no program gets in with it any more.", "ok")
    return redirect(url_for("tokens.index"), 303)


def offered() -> dict[str, tuple[str, str]]:
    """The scopes that this person may hand out: what they may do themselves."""
    actor = current_actor()
    return {
        name: words
        for name, words in SCOPES.items()
        if access.SCOPES[name] <= actor.scopes or (name == "credentials" and actor.may("admin"))
    }


def _may_see(token: Token) -> bool:
    return current_actor().may("admin") or token.created_by == current_actor().label


def _page(made: str = "", problem: str = "", name: str = "") -> str:
    query = select(Token).order_by(Token.revoked.is_not(None), Token.id.desc()).limit(500)
    if not current_actor().may("admin"):
        query = query.where(Token.created_by == current_actor().label)
    return render_template(
        "house/tokens.html",
        tokens=list(db.session.scalars(query)),
        scopes=offered(),
        made=made,
        problem=problem,
        name=name,
    )
