"""`muster token`: what programs sign in with."""

from __future__ import annotations

import sys
from typing import Any

import click
from sqlalchemy import or_, select

from app.access import actors, audit, tokens
from app.cli.application import opened_app
from app.cli.output import done, is_quiet, json_option, quiet_option, show_json, wants_json
from app.cli.tables import moment_text, show
from app.probe.console.printing import put
from app.store.accounts import Token, User
from app.store.base import db, now


@click.group("token")
def token_group() -> None:
    """The tokens that programs sign in with."""


@token_group.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(list(actors.SCOPES)),
    multiple=True,
    default=("write",),
    show_default=True,
    help="What it may do; repeatable. write includes read, admin includes write.",
)
@click.option(
    "--expires", metavar="SPAN", help="End it after a span such as 12h, 90d or 4w; else it never ends."
)
@json_option
@quiet_option
def create(name: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """Create a token and print it; it is shown only once. It belongs to no person and ends with none."""
    with opened_app():
        ends = tokens.expiry_of(expires) if expires else None
        token, text = tokens.create_token(name, scopes, actors.COMMAND_LINE.label, expires=ends)
        detail = tokens.told_of(token)
        audit.record(actors.COMMAND_LINE, "token.created", subject=token.name, detail=detail)
        db.session.commit()
        if wants_json():
            show_json({"token": text} | _token_row(token, True))
            return
        until = f" until {moment_text(token.expires)} UTC" if token.expires else ""
        may = ", ".join(token.scopes)
        if not is_quiet():
            put(f"The token {name!r} may{until}: {may}. It is shown only once.", file=sys.stderr)
        put(text)


@token_group.command("list")
@json_option
def list_() -> None:
    """List the tokens, without their text."""
    with opened_app():
        let_in = {id: active for id, active in db.session.execute(select(User.id, User.active))}
        rows = [_token_row(token, let_in.get(token.user_id or "", True)) for token in Token.newest()]
        columns = {
            "id": 36,
            "name": 24,
            "begins": 10,
            "scopes": 18,
            "last_used": 16,
            "expires": 16,
            "state": 0,
        }
        show(rows, columns)


def _token_row(token: Token, maker_let_in: bool) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "begins": token.shown,
        "scopes": token.scopes,
        "created": token.created,
        "created_by": token.created_by,
        "last_used": token.last_used,
        "expires": token.expires,
        "state": tokens.state_of(token, maker_let_in),
    }


@token_group.command("revoke")
@click.argument("which")
@json_option
@quiet_option
def revoke(which: str) -> None:
    """Revoke a token at once; WHICH is its id or its name."""
    with opened_app():
        query = select(Token).where(or_(Token.id == which, Token.name == which), Token.revoked.is_(None))
        found = list(db.session.scalars(query))
        if len(found) != 1:
            wrong = (
                f"{len(found)} tokens are named {which!r}; give the id."
                if found
                else f"No valid token {which!r}."
            )
            raise actors.AccessError(wrong)
        found[0].revoked = now()
        audit.record(actors.COMMAND_LINE, "token.revoked", subject=found[0].name)
        db.session.commit()
        done(f"The token {found[0].name!r} is revoked.", id=found[0].id, name=found[0].name, state="revoked")
