"""API tokens, for administrators: made, shown once, revoked."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from werkzeug.wrappers import Response
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length

from app.access import audit
from app.access.actors import AccessError, Actor
from app.access.tokens import TokenState, create_token, expiry_of, state_of, told_of
from app.store.accounts import Token, User
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
EXPIRIES = {"": "Never", "7d": "In a week", "30d": "In 30 days", "90d": "In 90 days", "365d": "In a year"}


class TokenForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Name and scopes of a new token."""

    name = StringField("Name", [InputRequired("Give the token a name."), Length(max=128)])
    scopes = SelectMultipleField(
        "What it may do",
        [InputRequired("Choose at least one scope.")],
        choices={scope: label for scope, (label, _) in SCOPES.items()},
    )
    expires = SelectField("Ends", choices=EXPIRIES, default="90d")


@blueprint.get("")
@require_role("admin")
def index() -> str:
    """Every token, the valid ones first, without its text."""
    query = select(Token).order_by(Token.revoked.is_not(None), Token.id.desc()).limit(SHOWN)
    tokens = list(db.session.scalars(query))
    count = db.session.scalar(select(func.count()).select_from(Token))
    return render_template("tokens/index.html", tokens=tokens, states=_states(tokens), count=count)


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
        token, text = _made(form, current_actor())
    except AccessError as error:
        form.name.errors = [str(error)]
        return _form(form), 400
    shown_once.keep(text, token.id)
    return redirect(url_for("tokens.detail", id=token.id), 303)


def _made(form: TokenForm, actor: Actor) -> tuple[Token, str]:
    expires = expiry_of(form.expires.data) if form.expires.data else None
    scopes = form.scopes.data or []
    token, text = create_token(form.name.data or "", scopes, actor.label, user_id=actor.id, expires=expires)
    audit.record(actor, "token.created", subject=token.name, detail=told_of(token))
    db.session.flush()
    return token, text


@blueprint.get("/<id>")
@require_role("admin")
def detail(id: str) -> str:
    """One token; its text if it was made a moment ago."""
    token = _token(id)
    return render_template(
        "tokens/detail.html",
        token=token,
        state=_states([token])[token.id],
        text=shown_once.take(id),
        scopes=SCOPES,
        home=home_url(),
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


def _states(tokens: Sequence[Token]) -> dict[str, TokenState]:
    """The state of each token, by its id."""
    makers = {token.user_id for token in tokens if token.user_id}
    query = select(User.id, User.active).where(User.id.in_(makers))
    let_in = {id: active for id, active in db.session.execute(query)}
    return {token.id: state_of(token, let_in.get(token.user_id or "", True)) for token in tokens}


def _token(id: str) -> Token:
    token = db.session.get(Token, id)
    if token is None:
        abort(404)
    return token


def _form(form: TokenForm) -> str:
    return render_template("tokens/new.html", form=form, scopes=SCOPES)
