"""`muster token` and `muster user`: who may do what."""

from __future__ import annotations

import sys
from datetime import datetime

import click
from sqlalchemy import or_, select

from app.access import actors, audit, people, tokens
from app.cli.application import opened_app
from app.probe.printing import put
from app.store.accounts import Token
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
def create(name: str, scopes: tuple[str, ...]) -> None:
    """Create a token and print it; it is shown only once."""
    with opened_app():
        token, text = tokens.create_token(name, scopes, actors.COMMAND_LINE.label)
        audit.record(
            actors.COMMAND_LINE, "token.created", subject=token.name, detail={"scopes": token.scopes}
        )
        db.session.commit()
        put(f"The token {name!r} may: {', '.join(token.scopes)}. It is shown only once.", file=sys.stderr)
        put(text)


@token_group.command("list")
def list_() -> None:
    """List the tokens, without their text."""
    with opened_app():
        put(_line("ID", "NAME", "BEGINS", "SCOPES", "LAST USED", "STATE"))
        for token in Token.newest():
            state = "revoked" if token.revoked else "valid"
            scopes = ",".join(token.scopes)
            put(_line(token.id, token.name, token.shown, scopes, _moment(token.last_used), state))


@token_group.command("revoke")
@click.argument("which")
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
        put(f"The token {found[0].name!r} is revoked.")


@click.group("user")
def user_group() -> None:
    """The people who sign in."""


@user_group.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice(list(actors.ROLES)), default="viewer", show_default=True)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it."
)
def create_user(email: str, role: str, password_stdin: bool) -> None:
    """Make a user who can sign in with EMAIL."""
    if password_stdin:
        password = _first_line()
    else:
        password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    with opened_app():
        user = people.create_user(email, role, password)
        audit.record(actors.COMMAND_LINE, "user.created", subject=user.email, detail={"role": role})
        db.session.commit()
        put(f"{user.email} can sign in now, as {role}.")


def _first_line() -> str:
    """The first line of standard input; wrong usage where it is no text."""
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.UsageError("The password is not UTF-8 text.") from None  # the cause would show it


def _moment(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else "never"


def _line(id: str, name: str, begins: str, scopes: str, used: str, state: str) -> str:
    return f"{id:<36}  {name:<24}  {begins:<10}  {scopes:<18}  {used:<16}  {state}"
