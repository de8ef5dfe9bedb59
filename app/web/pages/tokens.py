"""API tokens, for administrators: made, shown once, revoked."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from werkzeug.wrappers import Response
from wtforms import SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length

from app.access import audit
from app.access.actors import AccessError
from app.access.tokens import create_token
from app.store.accounts import Token
from app.store.base import db, now
from app.web.errors import home_url
from app.web.guards import current_actor, require_role
from app.web.pages import shown_once

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")

SHOWN = 500
SCOPES: dict[str, tuple[str, str]] = {
    "read": ("Read", "Lists and reads models, documents and probes."),
    "write": ("Write", "Also registers, changes, probes and deletes models. Includes read."),
    "admin": ("Admin", "May also send a stored key to another server. Includes write."),
    "credentials": (
        "Credentials",
        "Reads the stored API keys in clear, for a gateway that calls the endpoints itself. No other scope "
        "includes it, not even admin. Give it only to programs that need keys.",
    ),
}
"""Each scope: its label, and what it lets a program do."""


class TokenForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Name and scopes of a new token."""

    name = StringField("Name", [InputRequired("Give the token a name."), Length(max=128)])
    scopes = SelectMultipleField(
        "What it may do",
        [InputRequired("Choose at least one scope.")],
        choices={scope: label for scope, (label, _) in SCOPES.items()},
    )


@blueprint.get("")
@require_role("admin")
def index() -> str:
    """Every token, the valid ones first, without its text."""
    query = select(Token).order_by(Token.revoked.is_not(None), Token.id.desc()).limit(SHOWN)
    tokens = list(db.session.scalars(query))
    count = db.session.scalar(select(func.count()).select_from(Token))
    return render_template("tokens/index.html", tokens=tokens, count=count)


@blueprint.route("/new", methods=["GET", "POST"])
@require_role("admin")
def new() -> Response | str | tuple[str, int]:
    """The form, and what it makes: a token whose text the next page shows, and no other."""
    form = TokenForm(data={"scopes": ["read"]})
    if not form.is_submitted():
        return _form(form)
    if not form.validate():
        return _form(form), 400
    try:
        token, text = create_token(form.name.data or "", form.scopes.data or [], current_actor().label)
    except AccessError as error:
        form.name.errors = [str(error)]
        return _form(form), 400
    audit.record(current_actor(), "token.created", subject=token.name, detail={"scopes": token.scopes})
    db.session.flush()
    shown_once.keep(text, token.id)
    db.session.commit()
    return redirect(url_for("tokens.detail", id=token.id), 303)


@blueprint.get("/<id>")
@require_role("admin")
def detail(id: str) -> str:
    """One token; its text if it was made a moment ago."""
    return render_template(
        "tokens/detail.html", token=_token(id), text=shown_once.take(id), scopes=SCOPES, home=home_url()
    )


@blueprint.route("/<id>/revoke", methods=["GET", "POST"])
@require_role("admin")
def revoke(id: str) -> Response | str:
    """Ask, then end a token at once."""
    token = _token(id)
    if token.revoked is None and request.method == "GET":
        return render_template("tokens/revoke.html", token=token)
    if token.revoked is None:
        token.revoked = now()
        audit.record(current_actor(), "token.revoked", subject=token.name)
        db.session.commit()
    flash(f"The token “{token.name}” is revoked. No program can use it any more.", "ok")
    return redirect(url_for("tokens.index"), 303)


def _token(id: str) -> Token:
    token = db.session.get(Token, id)
    if token is None:
        abort(404)
    return token


def _form(form: TokenForm) -> str:
    return render_template("tokens/new.html", form=form, scopes=SCOPES)
